package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/engine"
	"provery/internal/fault"
)

// fill writes to a file until the disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for block := bytes.Repeat([]byte{1}, size); err == nil; {
			_, err = f.Write(block)
		}
		err = nil
	}
}

// put writes a key, for as long as the engine has trouble.
func put(t *testing.T, kv jetstream.KeyValue, key string) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := kv.Put(ctx, key, bytes.Repeat([]byte(key), 100))
	return err
}

// TestFullDisk fills the engine's disk. The engine says so, loses nothing that
// it acknowledged, and takes writes again when there is space, without being
// opened anew.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size=48m"); err != nil {
		t.Skipf("a full disk isn't tested: making a small one needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	store := filepath.Join(dir, "engine")
	e := open(t, engine.Config{StoreDir: store})
	kv, err := e.JetStream().CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "b", Storage: jetstream.FileStorage})
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for round := range 2 {
		filler := filepath.Join(dir, "filler")
		fill(t, filler)
		full := time.Now().Add(time.Minute)
		for i := 0; !fault.Is(e.Healthy(t.Context()), fault.InsufficientStorage); i++ {
			key := fmt.Sprintf("k%d-%d", round, i)
			if put(t, kv, key) == nil { // a slow machine may refuse one before the disk does
				kept = append(kept, key)
			}
			if time.Now().After(full) {
				t.Fatalf("got %v, want insufficient storage", e.Healthy(t.Context()))
			}
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(time.Minute)
		for put(t, kv, fmt.Sprintf("after%d", round)) != nil {
			if time.Now().After(deadline) {
				t.Fatalf("no writes a minute after there was space again: %v", e.Healthy(t.Context()))
			}
		}
		if err := e.Healthy(t.Context()); err != nil {
			t.Errorf("with space again: %v", err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(store, "trial-*")); len(left) != 0 {
		t.Errorf("got %v, %v, want no trial writes left", left, err)
	}
	for _, key := range kept {
		if got, err := kv.Get(t.Context(), key); err != nil || !bytes.HasPrefix(got.Value(), []byte(key)) {
			t.Errorf("%s was acknowledged: got %v", key, err)
		}
	}
}
