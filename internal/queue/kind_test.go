package queue_test

import (
	"context"
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/store"
)

// leaseWith takes the next job that suits o or fails the test.
func leaseWith(t testing.TB, q *queue.Queue, o queue.LeaseOptions) *queue.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l, err := q.LeaseWith(ctx, o)
	if err != nil {
		t.Fatalf("lease: %v", err)
	}
	return l
}

func TestKinds(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	n := queue.NewJob{Kind: "compile", Sealed: []byte("source")} // needs no circuit
	compile := enqueue(t, f.Queue, n)
	proof := enqueue(t, f.Queue, newJob())
	if compile.Kind != "compile" || proof.Kind != queue.KindProof || job(t, f.Queue, compile.ID).Kind != "compile" {
		t.Errorf("got kinds %q and %q", compile.Kind, proof.Kind)
	}
	if l := lease(t, f.Queue); l.Job().ID != proof.ID {
		t.Errorf("a worker of proofs got a job of kind %s", l.Job().Kind)
	}
	later := enqueue(t, f.Queue, newJob())
	if l := leaseWith(t, f.Queue, queue.LeaseOptions{Kinds: []string{"other", "compile"}}); l.Job().ID != compile.ID {
		t.Errorf("a compiler got a job of kind %s", l.Job().Kind)
	}
	both := leaseWith(t, f.Queue, queue.LeaseOptions{Kinds: []string{"compile", queue.KindProof}})
	if both.Job().ID != later.ID {
		t.Errorf("got %s, want the proof", both.Job().ID)
	}
	for kind, want := range map[string]int{"": 3, "compile": 1, queue.KindProof: 2, "other": 0} {
		if jobs, _, err := f.List(t.Context(), queue.Filter{Kind: kind}, "", 0); err != nil || len(jobs) != want {
			t.Errorf("kind %q: got %d jobs, %v, want %d", kind, len(jobs), err, want)
		}
	}
	n.Kind = "Compile!"
	if _, _, err := f.Enqueue(t.Context(), n); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("malformed kind: got %v", err)
	}
}

func TestOwnersShareOfTheQueue(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{MaxQueued: 10, OwnerShare: 0.5})
	n := newJob()
	n.Owner = "greedy"
	for range 5 {
		enqueue(t, f.Queue, n)
	}
	_, _, err := f.Enqueue(t.Context(), n)
	e, ok := err.(*fault.Error)
	if !ok || e.Code != fault.RateLimited || e.RetryAfter < time.Second {
		t.Errorf("got %v, want overloaded with a delay", err)
	}
	n.Owner = "other"
	enqueue(t, f.Queue, n)
	if _, err := f.EnqueueBatch(t.Context(), []queue.NewJob{n, n, n, n, n}); !fault.Is(err, fault.Overloaded) {
		t.Errorf("a batch that doesn't fit now: got %v", err)
	}
	if _, err := f.EnqueueBatch(t.Context(), []queue.NewJob{n, n, n, n, n, n}); !fault.Is(err, fault.TooLarge) {
		t.Errorf("a batch that never fits: got %v", err)
	}
}

// TestRetryAfterARestart asks a process that has just been started.
func TestRetryAfterARestart(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	var ends []time.Time
	for range 3 {
		j := enqueue(t, f.Queue, newJob())
		if err := lease(t, f.Queue).Complete(t.Context(), queue.Result{}); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, job(t, f.Queue, j.ID).Finished)
	}
	f.stop()
	g := open(t, f.dir, queue.Config{})
	want := ends[2].Sub(ends[0]) / 2
	if got := g.Stats().MeanInterval; (got - want).Abs() > time.Millisecond {
		t.Errorf("got a mean interval of %v, want %v", got, want)
	}
}

func TestNudge(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{PollInterval: time.Hour})
	asked := make(chan bool, 1)
	fits := make(chan struct{})
	o := queue.LeaseOptions{Hot: func(store.Digest) bool { return false }, Fits: func(queue.Job) bool {
		select {
		case asked <- true:
		default:
		}
		select {
		case <-fits:
			return true
		default:
			return false
		}
	}}
	j := enqueue(t, f.Queue, newJob())
	got := make(chan *queue.Lease)
	go func() { got <- leaseWith(t, f.Queue, o) }()
	<-asked
	close(fits)
	f.Nudge()
	if l := <-got; l.Job().ID != j.ID {
		t.Errorf("got %s", l.Job().ID)
	}
}
