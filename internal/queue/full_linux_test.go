package queue_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/freeport"
	"provery/internal/queue"
)

// TestServersFullDisk fills the disk of an external server. It answers, but
// takes no writes until it is restarted: Healthy says so, and nothing that was
// accepted is lost.
func TestServersFullDisk(t *testing.T) {
	t.Parallel()
	embedded(t) // it has a server of its own
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size=48m"); err != nil {
		t.Skipf("a full disk isn't tested: making a small one needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	port := freeport.Find(1)[0]
	srv := startChild(t, role{Server: &serverRole{Name: "one", Dir: filepath.Join(dir, "store"), Port: port}})
	f := connect(t, clientURL(port), t.TempDir(), queue.Config{})
	kept := enqueue(t, f.Queue, newJob())
	if err := f.Healthy(t.Context()); err != nil {
		t.Errorf("before: %v", err)
	}

	filler := filepath.Join(dir, "filler")
	fillDisk(t, filler)
	n := newJob()
	n.Sealed = make([]byte, 32<<10)
	for range 1000 { // until what the server had set aside is used up, too
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // more than a single write gets
		_, _, err := f.Enqueue(ctx, n)
		cancel()
		if err != nil && f.Healthy(t.Context()) != nil { // and not just slow
			break
		}
	}
	if err := f.Healthy(t.Context()); !fault.Is(err, fault.Overloaded) {
		t.Errorf("with a full disk: got %v, want overloaded", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	srv.kill()
	srv.start()
	eventually(t, "the queue is well again", func() bool { return f.Healthy(t.Context()) == nil })
	if j := job(t, f.Queue, kept.ID); j.State != queue.Queued {
		t.Errorf("got %s, want the job that was accepted before", j.State)
	}
	enqueue(t, f.Queue, newJob())
}

// fillDisk writes to a file until the disk is full.
func fillDisk(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 4 {
		for block := make([]byte, size); ; {
			if _, err := f.Write(block); err == nil {
				continue
			} else if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			break
		}
	}
}
