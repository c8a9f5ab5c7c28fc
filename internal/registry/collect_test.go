package registry

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/store"
)

// slowDelete is a blob store whose deletions wait.
type slowDelete struct {
	store.Blobs
	entered, gate chan struct{}
}

// Delete waits for the gate first.
func (s *slowDelete) Delete(ctx context.Context, d store.Digest) error {
	s.entered <- struct{}{}
	<-s.gate
	return s.Blobs.Delete(ctx, d)
}

// TestRegisterWhileAnotherRemoves has one process in the middle of deleting a
// blob when another registers a circuit that refers to it: its look at the blob
// finds it, and its record must not stay.
func TestRegisterWhileAnotherRemoves(t *testing.T) {
	t.Parallel()
	f := start(t, "")
	c := f.add(t, "a", "first")
	slow := &slowDelete{f.blobs, make(chan struct{}, 1), make(chan struct{})}
	other, err := Open(t.Context(), f.eng, slow, Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := other.Remove(t.Context(), c.ID); err != nil {
			t.Errorf("remove: %v", err)
		}
	})
	<-slow.entered
	same := c // another circuit of the same blob
	same.Sources = map[string]store.Digest{"program": store.Sum([]byte("b"))}
	added := make(chan error, 1)
	wg.Go(func() {
		_, _, err := f.AddCircuit(t.Context(), same, "second")
		added <- err
	})
	// It has to wait for the deletion: only then is it known what came of it.
	waitFor(t, "its record", func() bool { return len(other.mirror.ids()) == 1 })
	select {
	case err := <-added:
		t.Errorf("got %v while the blob was being deleted", err)
	default:
	}
	close(slow.gate)
	if err := <-added; !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want to be told that the blob is gone", err)
	}
	wg.Wait()
	if ids := f.mirror.ids(); len(ids) != 0 {
		t.Errorf("got %v, want no circuit without its blob", ids)
	}
	f.blob(t, "compact a") // stored again, as the caller is told to
	if _, _, err := f.AddCircuit(t.Context(), same, "second"); err != nil {
		t.Errorf("again: %v", err)
	}
}

// catchUp lets a process hear of everything that another has heard or done.
func catchUp(t *testing.T, r, other *Registry) {
	t.Helper()
	last := uint64(0)
	other.mirror.mu.RLock()
	for _, rev := range other.mirror.revs {
		last = max(last, rev)
	}
	other.mirror.mu.RUnlock()
	if err := r.mirror.reach(t.Context(), last); err != nil {
		t.Fatal(err)
	}
}

func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// TestRegisterAndRemoveRace lets two processes register and remove circuits
// that share their blob: no circuit is ever without it.
func TestRegisterAndRemoveRace(t *testing.T) {
	t.Parallel()
	f := start(t, "")
	processes := []*Registry{f.another(t), f.another(t)}
	const rounds = 40
	for round := range rounds {
		var wg sync.WaitGroup
		for i, r := range processes {
			c := f.circuit(t, fmt.Sprint("shared ", round))
			c.Sources = map[string]store.Digest{"program": store.Sum([]byte(fmt.Sprint(round, i)))}
			wg.Go(func() {
				added, _, err := r.AddCircuit(t.Context(), c, "")
				if err != nil {
					if !fault.Is(err, fault.NotFound) {
						t.Errorf("add: %v", err)
					}
					return
				}
				if _, err := f.blobs.Stat(t.Context(), c.Compact.Digest); err != nil {
					t.Errorf("round %d: a circuit is registered and its blob is gone: %v", round, err)
				}
				if i == round%2 {
					if err := r.Remove(t.Context(), added.ID); err != nil {
						t.Errorf("remove: %v", err)
					}
				}
			})
		}
		wg.Wait()
		catchUp(t, processes[0], processes[1])
		for _, id := range processes[0].mirror.ids() {
			d, err := store.ParseDigest(id)
			if err != nil {
				t.Fatal(err)
			}
			c, ok := processes[0].mirror.circuit(d)
			if !ok {
				continue
			}
			if _, err := f.blobs.Stat(t.Context(), c.Compact.Digest); err != nil {
				t.Fatalf("round %d: a circuit without its blob: %v", round, err)
			}
		}
	}
}

// TestMarkLeftBehind has a process that died while it deleted a blob.
func TestMarkLeftBehind(t *testing.T) {
	t.Parallel()
	f := start(t, "")
	f.markWait = time.Millisecond
	c := f.circuit(t, "a")
	dead := f.another(t)
	if err := dead.put(t.Context(), markKey(c.Compact.Digest), 0, struct{}{}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the mark", func() bool { rev, _ := f.mirror.mark(c.Compact.Digest); return rev != 0 })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.unmarked(ctx, c.Compact.Digest); !fault.Is(err, fault.Canceled) {
		t.Errorf("got %v, want an end with the call", err)
	}
	if _, _, err := f.AddCircuit(t.Context(), c, "a"); err != nil {
		t.Errorf("add: %v", err)
	}
	if rev, _ := f.mirror.mark(c.Compact.Digest); rev != 0 {
		t.Error("the mark is still there")
	}
}
