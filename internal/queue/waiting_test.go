package queue_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/store"
)

// TestIdle is told that nothing fits, as often as the queue was looked through.
func TestIdle(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	enqueue(t, f.Queue, newJob())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var seen []string
	_, err := f.LeaseWith(ctx, queue.LeaseOptions{
		Fits: func(queue.Job) bool { seen = append(seen, "fits"); return false },
		Idle: func() { seen = append(seen, "idle"); cancel() },
	})
	if !fault.Is(err, fault.Canceled) || fmt.Sprint(seen) != "[fits idle]" {
		t.Errorf("got %v, %v, want one look and then idle", err, seen)
	}
}

// TestWaiting counts what waits by what it has in common, and follows the jobs.
func TestWaiting(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{LeaseTTL: 200 * time.Millisecond})
	add := func(kind string, circuit byte, p queue.Priority) {
		n := newJob()
		n.Kind, n.CircuitID, n.KeySetID, n.Priority = kind, store.Digest{circuit}, store.Digest{9}, p
		enqueue(t, f.Queue, n)
	}
	add("proof", 2, queue.Normal)
	add("proof", 1, queue.Low)
	add("proof", 1, queue.High)
	add("proof", 1, queue.High)
	add("compile", 3, queue.Normal)
	waiting := func() (out string) {
		for _, w := range f.Waiting() {
			out += fmt.Sprintf("%s %x %x %s %d\n", w.Kind, w.CircuitID[0], w.KeySetID[0], w.Priority, w.Jobs)
		}
		return out
	}
	want := "compile 3 9 normal 1\nproof 1 9 high 2\nproof 1 9 low 1\nproof 2 9 normal 1\n"
	if got := waiting(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if n, others := f.Load(); n != 5 || others != 0 {
		t.Errorf("got %d waiting and %d other processes, want 5 and none", n, others)
	}
	l := lease(t, f.Queue) // one of high priority
	if got, want := waiting(), "compile 3 9 normal 1\nproof 1 9 high 1\nproof 1 9 low 1\nproof 2 9 normal 1\n"; got != want {
		t.Errorf("after a lease: got %s, want %s", got, want)
	}
	if err := l.Complete(t.Context(), queue.Result{}); err != nil {
		t.Fatal(err)
	}
	other := f.another(t, queue.Config{LeaseTTL: 200 * time.Millisecond})
	lease(t, other)
	until(t, "the other process", func() bool { n, others := f.Load(); return n == 3 && others == 1 })
}
