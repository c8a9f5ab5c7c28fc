package seal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provery/internal/fault"
)

// TestRotate goes the way of an operator: add, use, drop. What was sealed before
// is readable until its key is dropped.
func TestRotate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	first, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	k := Keep(path, first)
	old := k.Seal("prf_1", "arguments", []byte("before"))
	print := k.Fingerprint("request", []byte("x"))
	// The file's time may not tell two changes apart: step it.
	touch := func(n int) {
		at := time.Unix(1_700_000_000+int64(n), 0)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	reload := func(n int) {
		t.Helper()
		touch(n)
		if changed, err := k.Reload(nil); err != nil || !changed {
			t.Fatalf("reload: got %v, %v, want a change", changed, err)
		}
	}
	id, err := Add(path)
	if err != nil {
		t.Fatal(err)
	}
	reload(1)
	if k.Primary() != first.Primary() || len(k.Ring().List()) != 2 || !k.Ring().List()[0].Standby {
		t.Errorf("after add: got %+v, want the new key on standby", k.Ring().List())
	}
	if err := Drop(path, first.Primary().String()); !fault.Is(err, fault.Conflict) {
		t.Errorf("drop the key that seals: got %v, want conflict", err)
	}
	if err := Use(path, id.String()); err != nil {
		t.Fatal(err)
	}
	// Another process has gone on to the new key: this one looks by itself.
	other, err := Load(path)
	if err != nil || other.Primary() != id {
		t.Fatalf("got %v, %v, want the new key to seal", other.Primary(), err)
	}
	touch(2)
	if _, err := k.Open("prf_2", "arguments", other.Seal("prf_2", "arguments", []byte("after"))); err != nil {
		t.Errorf("what the new key sealed: %v", err)
	}
	reload(3)
	if got, err := k.Open("prf_1", "arguments", old); err != nil || string(got) != "before" {
		t.Errorf("what the old key sealed: got %q, %v", got, err)
	}
	if k.Fingerprint("request", []byte("x")) != print {
		t.Error("a rotation changed the fingerprints")
	}
	if err := Use(path, first.Primary().String()); err != nil { // and back
		t.Fatal(err)
	}
	if err := Use(path, id.String()); err != nil {
		t.Fatal(err)
	}
	if err := Drop(path, first.Primary().String()); err != nil {
		t.Fatal(err)
	}
	reload(4)
	if _, err := k.Open("prf_1", "arguments", old); !fault.Is(err, fault.Internal) || !strings.Contains(err.Error(), first.Primary().String()) {
		t.Errorf("after drop: got %v, want the missing key named", err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %o", info.Mode().Perm())
	}
	for what, err := range map[string]error{"use": Use(path, "0011"), "drop": Drop(path, "0011")} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s an unknown key: got %v", what, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestEditKeepsTheMode: the group that may read the file may read the new one.
func TestEditKeepsTheMode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	if _, err := Create(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Add(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("got mode %v, %v, want 0640", info.Mode(), err)
	}
}

// TestReloadSeesAReplacedFile whose age and length are those of the one before.
func TestReloadSeesAReplacedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	at := time.Unix(1_700_000_000, 0)
	create := func() *Ring {
		r, err := Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return r
	}
	k := Keep(path, create())
	if changed, err := k.Reload(nil); changed || err != nil {
		t.Errorf("unchanged: got %v, %v", changed, err)
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	want := create().Primary()
	if changed, err := k.Reload(nil); !changed || err != nil || k.Primary() != want {
		t.Errorf("replaced: got %v, %v, primary %v", changed, err, k.Primary())
	}
}

// TestOpenFindsANewKey opens with a key that came into the file since.
func TestOpenFindsANewKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	first, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	k := Keep(path, first)
	id, err := Add(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Use(path, id.String()); err != nil {
		t.Fatal(err)
	}
	ring, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Open("prf_1", "arguments", ring.Seal("prf_1", "arguments", []byte("x"))); err != nil || string(got) != "x" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestReloadKeepsTheRing stays with its ring when the file is damaged, gone, or
// refused.
func TestReloadKeepsTheRing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	first, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	k := Keep(path, first)
	if changed, err := k.Reload(nil); changed || err != nil {
		t.Errorf("unchanged: got %v, %v", changed, err)
	}
	if err := os.WriteFile(path, []byte("nonsense, and longer than nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := k.Reload(nil); changed || !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("damaged: got %v, %v", changed, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if changed, err := k.Reload(nil); changed || !fault.Is(err, fault.NotFound) {
		t.Errorf("gone: got %v, %v", changed, err)
	}
	if _, err := Create(path); err != nil {
		t.Fatal(err)
	}
	refusal := fault.New(fault.InvalidRequest, "not the service's")
	if changed, err := k.Reload(func(*Ring) error { return refusal }); changed || err != refusal {
		t.Errorf("refused: got %v, %v", changed, err)
	}
	if k.Primary() != first.Primary() {
		t.Error("another ring is in use")
	}
}

func TestStandbyOnlyIsRefused(t *testing.T) {
	t.Parallel()
	k := ring(7).keys[0]
	k.standby = true
	if _, err := parse((&Ring{keys: []key{k}}).text()); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("got %v, want invalid artifact", err)
	}
}
