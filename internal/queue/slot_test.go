package queue_test

import (
	"fmt"
	"sync"
	"testing"

	"provery/internal/queue"
)

// TestSlots puts many jobs into one slot at once: each but the last is handed
// to whoever replaced it, once. Other owners' slots stay as they are.
func TestSlots(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	if got, err := f.Slot(t.Context(), "alice"); err != nil || got != (queue.Slot{}) {
		t.Fatalf("got %+v, %v, want nothing in a new slot", got, err)
	}
	refused := queue.Slot{Refused: "why"}
	if before, err := f.SetSlot(t.Context(), "bob", refused); err != nil || before != (queue.Slot{}) {
		t.Fatalf("got %+v, %v, want nothing before", before, err)
	}
	other := f.another(t, queue.Config{}) // as another process
	const n = 8
	replaced := make([]queue.Slot, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			q := []*queue.Queue{f.Queue, other}[i%2]
			before, err := q.SetSlot(t.Context(), "alice", queue.Slot{Job: fmt.Sprint(i)})
			if err != nil {
				t.Error(err)
			}
			replaced[i] = before
		})
	}
	wg.Wait()
	last, err := f.Slot(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := other.Slot(t.Context(), "alice"); err != nil || got != last {
		t.Errorf("got %+v, %v by another process, want %+v", got, err, last)
	}
	seen := map[queue.Slot]bool{last: true}
	for _, s := range replaced {
		if seen[s] {
			t.Errorf("%+v was replaced twice, or is still there", s)
		}
		seen[s] = true
	}
	if !seen[queue.Slot{}] || len(seen) != n+1 {
		t.Errorf("got %v, want each job and the empty slot once", seen)
	}
	if got, err := f.Slot(t.Context(), "bob"); err != nil || got != refused {
		t.Errorf("got %+v, %v, want bob's", got, err)
	}
}
