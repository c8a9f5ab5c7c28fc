package queue_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"provery/internal/queue"
)

// TestWorkers lists the processes that look for work, and what they run.
func TestWorkers(t *testing.T) {
	t.Parallel()
	cfg := queue.Config{LeaseTTL: time.Second}
	f := open(t, "", cfg)
	if got := f.Workers(); len(got) != 0 {
		t.Errorf("got %+v, want none before somebody leases", got)
	}
	other := f.another(t, cfg)
	other.Announce(queue.WorkerInfo{Name: "other", Slots: 2, Threads: 4, Kinds: []string{"proof"}})
	j := enqueue(t, f.Queue, newJob())
	l := lease(t, other)
	seen := func() string {
		var out []string
		for _, w := range f.Workers() {
			out = append(out, fmt.Sprint(w.Name, w.Slots, w.Threads, w.Kinds, w.Own, w.Jobs))
		}
		return fmt.Sprint(out)
	}
	until(t, "the other's job", func() bool { return seen() == fmt.Sprintf("[other2 4 [proof] false [%s]]", j.ID) })
	if own := other.Workers(); len(own) != 1 || !own[0].Own || !slices.Equal(own[0].Jobs, []string{j.ID}) {
		t.Errorf("got %+v, want itself with its job", own)
	}
	if err := l.Complete(t.Context(), queue.Result{Body: []byte("r")}); err != nil {
		t.Fatal(err)
	}
	until(t, "the job's end", func() bool { return seen() == "[other2 4 [proof] false []]" })
	other.Close()
	until(t, "the other's end", func() bool { return len(f.Workers()) == 0 })
}

// until polls for a condition, a minute at most.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// TestOnEnd tells every process of every end: those before its start, its own,
// and others'.
func TestOnEnd(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	before := enqueue(t, f.Queue, newJob())
	if _, err := f.Cancel(t.Context(), before.ID); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	told := map[string]string{}
	late := f.another(t, queue.Config{OnEnd: func(e queue.Ended) {
		mu.Lock()
		defer mu.Unlock()
		told[e.ID] = e.Batch
	}})
	own := enqueue(t, late, newJob())
	if err := lease(t, late).Complete(t.Context(), queue.Result{}); err != nil {
		t.Fatal(err)
	}
	b, err := f.EnqueueBatch(t.Context(), []queue.NewJob{newJob(), newJob()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.CancelBatch(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{before.ID: "", own.ID: ""}
	for _, e := range f.ItemsEnded(b.ID) {
		if e.State != queue.Cancelled || e.Finished.IsZero() {
			t.Errorf("got %+v, want a cancelled item", e)
		}
		want[e.ID] = b.ID
	}
	until(t, "all ends", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Sprint(told) == fmt.Sprint(want) && len(want) == 4
	})
}
