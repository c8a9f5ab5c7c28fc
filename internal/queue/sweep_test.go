package queue_test

import (
	"bytes"
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/queue"
)

func TestDeadlines(t *testing.T) {
	t.Parallel()
	var c clock
	f := open(t, "", queue.Config{Now: c.now, SweepInterval: -1})
	n := newJob()
	n.Deadline = c.now().Add(time.Hour)
	running := enqueue(t, f.Queue, n)
	l := lease(t, f.Queue)
	waiting := enqueue(t, f.Queue, n)
	late := enqueue(t, f.Queue, n)
	inTime := enqueue(t, f.Queue, newJob())
	c.advance(2 * time.Hour)
	if got := lease(t, f.Queue); got.Job().ID != inTime.ID { // passes over both
		t.Errorf("got %s, want the job without a deadline", got.Job().ID)
	}
	// The lease ended those that it came across; jobs of one millisecond are in
	// no order, so that the others, and the running one, are the sweeper's.
	s, err := f.Sweep(t.Context())
	if err != nil || s.Expired < 1 || s.Expired > 3 {
		t.Errorf("sweep: got %+v, %v", s, err)
	}
	for _, id := range []string{waiting.ID, late.ID} {
		if j := finished(t, f.Queue, id); j.State != queue.Expired || j.Problem.Code != fault.DeadlineExceeded {
			t.Errorf("waiting: got %s", j.State)
		}
	}
	if err := done(t, l); !fault.Is(err, fault.DeadlineExceeded) {
		t.Errorf("lease: got %v, want deadline exceeded", err)
	}
	if j := finished(t, f.Queue, running.ID); j.State != queue.Expired {
		t.Errorf("running: got %s", j.State)
	}
}

func TestFinishedProofIsNeverLate(t *testing.T) {
	t.Parallel()
	var c clock
	f := open(t, "", queue.Config{Now: c.now, SweepInterval: -1})
	n := newJob()
	n.Deadline = c.now().Add(time.Hour)
	j := enqueue(t, f.Queue, n)
	l := lease(t, f.Queue)
	c.advance(2 * time.Hour)
	if err := l.Complete(t.Context(), queue.Result{Body: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := finished(t, f.Queue, j.ID); got.State != queue.Succeeded {
		t.Errorf("got %s, want succeeded", got.State)
	}
}

func TestLargePayloadsAreErased(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	n := newJob()
	n.Sealed = bytes.Repeat([]byte("a"), 100<<10)
	body := bytes.Repeat([]byte("r"), 100<<10)
	j := enqueue(t, f.Queue, n)
	if got := count(t, f); got != 1 {
		t.Fatalf("got %d blobs, want the arguments", got)
	}
	l := lease(t, f.Queue)
	if args, err := l.Arguments(t.Context()); err != nil || !bytes.Equal(args, n.Sealed) {
		t.Errorf("got %d bytes, %v", len(args), err)
	}
	if err := l.Complete(t.Context(), queue.Result{Body: body}); err != nil {
		t.Fatal(err)
	}
	got := finished(t, f.Queue, j.ID)
	if b, err := f.Result(t.Context(), got); err != nil || !bytes.Equal(b, body) {
		t.Errorf("got %d bytes, %v", len(b), err)
	}
	eventually(t, "the result alone is left", func() bool { return count(t, f) == 1 })
	if err := f.Delete(t.Context(), j.ID); err != nil || count(t, f) != 0 {
		t.Errorf("after the deletion: %d blobs, %v", count(t, f), err)
	}
	if _, err := f.Job(t.Context(), j.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want not found", err)
	}
	if err := f.Delete(t.Context(), j.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("again: got %v, want not found", err)
	}
}

func TestDeleteRunning(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	j := enqueue(t, f.Queue, newJob())
	l := lease(t, f.Queue)
	if err := f.Delete(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if err := done(t, l); !fault.Is(err, fault.Canceled) {
		t.Errorf("lease: got %v, want canceled", err)
	}
	if err := l.Complete(t.Context(), queue.Result{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("late result: got %v, want conflict", err)
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	var c clock
	f := open(t, "", queue.Config{Now: c.now, SweepInterval: -1, Retention: time.Hour})
	old := enqueue(t, f.Queue, newJob())
	if err := lease(t, f.Queue).Complete(t.Context(), queue.Result{}); err != nil {
		t.Fatal(err)
	}
	c.advance(59 * time.Minute)
	if s, err := f.Sweep(t.Context()); err != nil || s.Deleted != 0 {
		t.Errorf("early: got %+v, %v", s, err)
	}
	recent := enqueue(t, f.Queue, newJob())
	c.advance(2 * time.Minute)
	if s, err := f.Sweep(t.Context()); err != nil || s.Deleted != 1 {
		t.Errorf("late: got %+v, %v", s, err)
	}
	if _, err := f.Job(t.Context(), old.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want not found", err)
	}
	if j := job(t, f.Queue, recent.ID); j.State != queue.Queued {
		t.Errorf("got %s: a waiting job doesn't grow old", j.State)
	}
}
