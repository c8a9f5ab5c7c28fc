package queue_test

import (
	"bytes"
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/store"
)

// failNext fails the next job's attempt with the code.
func failNext(t *testing.T, q *queue.Queue, c fault.Code) {
	t.Helper()
	if err := lease(t, q).Fail(t.Context(), fault.New(c, "broken")); err != nil {
		t.Fatal(err)
	}
}

func TestDeadLetter(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{MaxFailures: 1})
	n := newJob()
	n.Sealed = bytes.Repeat([]byte("a"), 100<<10)
	j := enqueue(t, f.Queue, n)
	failNext(t, f.Queue, fault.Internal)
	got := finished(t, f.Queue, j.ID)
	if got.State != queue.Failed || !got.Dead || got.Arguments == nil || f.Stats().Dead != 1 || count(t, f) != 1 {
		t.Fatalf("got %s, dead=%v, arguments %v, %d blobs", got.State, got.Dead, got.Arguments, count(t, f))
	}
	other := enqueue(t, f.Queue, newJob())
	failNext(t, f.Queue, fault.UnsatisfiedWitness)
	if o := finished(t, f.Queue, other.ID); o.Dead || o.Arguments != nil {
		t.Errorf("an input error: got dead=%v, arguments %v", o.Dead, o.Arguments)
	}
	if jobs, next, err := f.Dead(t.Context(), "", 10); err != nil || next != "" || len(jobs) != 1 || jobs[0].ID != j.ID {
		t.Errorf("got %d dead letters, %q, %v", len(jobs), next, err)
	}
	if again, err := f.Requeue(t.Context(), j.ID); err != nil || again.State != queue.Queued || again.Requeues != 1 || again.Problem != nil {
		t.Fatalf("got %+v, %v", again, err)
	}
	if _, err := f.Requeue(t.Context(), j.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("twice: got %v, want conflict", err)
	}
	l := lease(t, f.Queue)
	args, err := l.Arguments(t.Context())
	if err != nil || !bytes.Equal(args, n.Sealed) || l.Job().Attempt != 2 {
		t.Errorf("got %d bytes, %v, attempt %d", len(args), err, l.Job().Attempt)
	}
	if err := l.Complete(t.Context(), queue.Result{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "arguments erased", func() bool { return count(t, f) == 0 })
	for _, id := range []string{j.ID, other.ID} {
		if _, err := f.Requeue(t.Context(), id); !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: got %v, want conflict", id, err)
		}
	}
	if s := f.Stats(); s.Dead != 0 || s.ByState[queue.Succeeded] != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestDeadLettersAreErased(t *testing.T) {
	t.Parallel()
	var c clock
	f := open(t, "", queue.Config{MaxFailures: 1, Now: c.now, SweepInterval: -1, Retention: time.Hour})
	n := newJob()
	n.Sealed = bytes.Repeat([]byte("a"), 100<<10)
	deleted := enqueue(t, f.Queue, n)
	failNext(t, f.Queue, fault.Internal)
	enqueue(t, f.Queue, n)
	failNext(t, f.Queue, fault.Internal)
	if err := f.Delete(t.Context(), deleted.ID); err != nil || count(t, f) != 1 {
		t.Errorf("deleted: %v, %d blobs are left, want the other's", err, count(t, f))
	}
	c.advance(2 * time.Hour)
	if s, err := f.Sweep(t.Context()); err != nil || s.Deleted != 1 || count(t, f) != 0 {
		t.Errorf("after the retention: %+v, %v, %d blobs", s, err, count(t, f))
	}
}

func TestLostTooOftenIsADeadLetter(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{MaxFailures: 2, LeaseTTL: 100 * time.Millisecond, PollInterval: 10 * time.Millisecond})
	j := enqueue(t, f.Queue, newJob())
	for range 2 {
		lease(t, f.Queue).Abandon()
	}
	if got := finished(t, f.Queue, j.ID); got.State != queue.Failed || !got.Dead || got.Attempt != 2 || got.Problem.Code != fault.Internal {
		t.Errorf("got %s, dead=%v, attempt %d, %+v", got.State, got.Dead, got.Attempt, got.Problem)
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{MaxFailures: 2, Backoff: time.Hour, MaxBackoff: time.Hour})
	j := enqueue(t, f.Queue, newJob())
	failNext(t, f.Queue, fault.Internal)
	if got, err := f.Retry(t.Context(), j.ID); err != nil || got.State != queue.Queued || !got.RetryAt.IsZero() {
		t.Fatalf("delayed: got %+v, %v", got, err)
	}
	if _, err := f.Retry(t.Context(), j.ID); err != nil {
		t.Errorf("not delayed any more: %v", err)
	}
	failNext(t, f.Queue, fault.Internal) // at once: the hour is over
	if got, err := f.Retry(t.Context(), j.ID); err != nil || got.State != queue.Queued || got.Requeues != 1 {
		t.Errorf("dead: got %+v, %v", got, err)
	}
	l := lease(t, f.Queue)
	if _, err := f.Retry(t.Context(), j.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("running: got %v, want conflict", err)
	}
	if err := l.Complete(t.Context(), queue.Result{}); err != nil {
		t.Fatal(err)
	}
}

func TestRequeueOfARequestThatWasSubmittedAgain(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{MaxFailures: 1})
	n := newJob()
	n.IdempotencyKey, n.RequestHash = "k", store.Sum([]byte("r"))
	j := enqueue(t, f.Queue, n)
	failNext(t, f.Queue, fault.Internal)
	again := enqueue(t, f.Queue, n)
	if again.ID == j.ID {
		t.Fatal("the key still stands for the dead letter")
	}
	if _, err := f.Requeue(t.Context(), j.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v, want conflict", err)
	}
}
