package queue_test

import (
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/store"
)

// TestRepetitionTakesOver lets a call stop, as in a crash, after it claimed its
// idempotency key: its repetition takes its place soon, and there is one job,
// also when the first call wakes up.
func TestRepetitionTakesOver(t *testing.T) {
	t.Parallel()
	var c clock
	began := time.Now() // the clock stands still: a slow machine has all the time it wants
	f := open(t, "", queue.Config{Now: func() time.Time { return began.Add(time.Duration(c.offset.Load())) }})
	first := newJob()
	first.ID, first.IdempotencyKey, first.RequestHash = queue.NewID(time.Now()), "key", store.Sum([]byte("body"))
	if err := queue.ClaimKey(t.Context(), f.Queue, first); err != nil {
		t.Fatal(err)
	}
	second := newJob()
	second.IdempotencyKey, second.RequestHash = "key", first.RequestHash
	if _, _, err := f.Enqueue(t.Context(), second); !fault.Is(err, fault.Overloaded) {
		t.Errorf("at once: got %v, want overloaded", err)
	}
	c.advance(3 * time.Second)
	j, existed, err := f.Enqueue(t.Context(), second)
	if err != nil || existed || j.ID == first.ID {
		t.Fatalf("after a while: got %s, %v, %v, want a job of its own", j.ID, existed, err)
	}
	if err := queue.Accept(t.Context(), f.Queue, first); !fault.Is(err, fault.Overloaded) {
		t.Errorf("the first call wakes up: got %v, want overloaded", err)
	}
	if again, existed, err := f.Enqueue(t.Context(), second); err != nil || !existed || again.ID != j.ID {
		t.Errorf("once more: got %s, %v, %v, want %s", again.ID, existed, err, j.ID)
	}
	if s := f.Stats(); s.ByState[queue.Queued] != 1 {
		t.Errorf("got %+v, want one job", s)
	}
}

// TestRestartFreesKeys is a crash of the whole service in the same moment: the
// repetition needn't wait.
func TestRestartFreesKeys(t *testing.T) {
	t.Parallel()
	embedded(t)
	f := open(t, "", queue.Config{})
	n := newJob()
	n.ID, n.IdempotencyKey = queue.NewID(time.Now()), "key"
	if err := queue.ClaimKey(t.Context(), f.Queue, n); err != nil {
		t.Fatal(err)
	}
	f.stop()
	f = open(t, f.dir, queue.Config{})
	n.ID = ""
	if _, existed, err := f.Enqueue(t.Context(), n); err != nil || existed {
		t.Errorf("got %v, %v, want a new job", existed, err)
	}
}

// TestSlowCallInTime is the same with a call that was slow, but not too slow.
func TestSlowCallInTime(t *testing.T) {
	t.Parallel()
	var c clock
	f := open(t, "", queue.Config{Now: c.now})
	first := newJob()
	first.ID, first.IdempotencyKey = queue.NewID(time.Now()), "key"
	if err := queue.ClaimKey(t.Context(), f.Queue, first); err != nil {
		t.Fatal(err)
	}
	c.advance(3 * time.Second)
	if err := queue.Accept(t.Context(), f.Queue, first); err != nil {
		t.Fatal(err)
	}
	second := newJob()
	second.IdempotencyKey = "key"
	if j, existed, err := f.Enqueue(t.Context(), second); err != nil || !existed || j.ID != first.ID {
		t.Errorf("got %s, %v, %v, want %s", j.ID, existed, err, first.ID)
	}
}
