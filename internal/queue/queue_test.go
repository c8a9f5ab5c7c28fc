package queue_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/store"
)

// clock is a clock that tests move.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// count returns how many blobs are stored.
func count(t *testing.T, f *fixture) int {
	t.Helper()
	n := 0
	for _, err := range f.blobs.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not after 20 s: %s", what)
		}
	}
}

func TestRestartKeepsJobs(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	ended := enqueue(t, f.Queue, newJob())
	if err := lease(t, f.Queue).Complete(t.Context(), queue.Result{Body: []byte("kept")}); err != nil {
		t.Fatal(err)
	}
	running := enqueue(t, f.Queue, newJob())
	lease(t, f.Queue).Abandon()
	waiting := map[string][]byte{}
	for i := range 20 {
		n := newJob()
		n.Priority = []queue.Priority{queue.High, queue.Normal, queue.Low}[i%3]
		waiting[enqueue(t, f.Queue, n).ID] = n.Sealed
	}
	f.stop()

	g := open(t, f.dir, queue.Config{})
	got := finished(t, g.Queue, ended.ID)
	if body, err := g.Result(t.Context(), got); err != nil || string(body) != "kept" {
		t.Errorf("finished result: got %q, %v", body, err)
	}
	for range len(waiting) + 1 { // at once: nothing has to run out first
		l := lease(t, g.Queue)
		id := l.Job().ID
		args, err := l.Arguments(t.Context())
		switch {
		case id == running.ID:
			if l.Job().Attempt != 2 {
				t.Errorf("the running job: got attempt %d, want 2", l.Job().Attempt)
			}
		case err != nil || !bytes.Equal(args, waiting[id]):
			t.Errorf("job %s: got arguments %q, %v", id, args, err)
		}
		delete(waiting, id)
		if err := l.Complete(t.Context(), queue.Result{}); err != nil {
			t.Error(err)
		}
	}
	if len(waiting) != 0 {
		t.Errorf("%d jobs are lost", len(waiting))
	}
}

func TestCancelQueued(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	j := enqueue(t, f.Queue, newJob())
	got, err := f.Cancel(t.Context(), j.ID)
	if err != nil || got.State != queue.Cancelled || got.Problem.Code != fault.Canceled || got.Arguments != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := f.Cancel(t.Context(), j.ID); err != nil {
		t.Errorf("again: %v", err)
	}
	next := enqueue(t, f.Queue, newJob())
	l := lease(t, f.Queue)
	if l.Job().ID != next.ID {
		t.Errorf("got %s, want the job that was not cancelled", l.Job().ID)
	}
	if err := l.Complete(t.Context(), queue.Result{}); err != nil {
		t.Error(err)
	}
	if _, err := f.Cancel(t.Context(), next.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("succeeded: got %v, want conflict", err)
	}
	if _, err := f.Cancel(t.Context(), queue.NewID(time.Now())); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown: got %v, want not found", err)
	}
}

func TestCancelRunningFromAnotherProcess(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	other := f.another(t, queue.Config{})
	j := enqueue(t, f.Queue, newJob())
	l := lease(t, f.Queue)
	if _, err := other.Cancel(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if err := done(t, l); !fault.Is(err, fault.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	if err := l.Complete(t.Context(), queue.Result{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("late result: got %v, want conflict", err)
	}
	if got := finished(t, f.Queue, j.ID); got.State != queue.Cancelled || got.Attempts[0].Outcome != queue.OutcomeCancelled {
		t.Errorf("got %s, %+v", got.State, got.Attempts)
	}
}

func TestFullQueue(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{MaxQueued: 3, MaxQueuedBytes: 100, MaxArguments: 1000})
	n := newJob()
	n.Sealed = make([]byte, 60)
	enqueue(t, f.Queue, n)
	refused := func(what string, n queue.NewJob) {
		t.Helper()
		_, _, err := f.Enqueue(t.Context(), n)
		e, ok := err.(*fault.Error)
		if !ok || e.Code != fault.Overloaded || e.RetryAfter < time.Second {
			t.Errorf("%s: got %v, want overloaded with a delay", what, err)
		}
	}
	refused("too many bytes", n)
	n.Sealed = nil
	n.IdempotencyKey = "k"
	known := enqueue(t, f.Queue, n)
	n.IdempotencyKey = ""
	enqueue(t, f.Queue, n)
	refused("too many jobs", n)
	n.IdempotencyKey = "k"
	if j, existed, err := f.Enqueue(t.Context(), n); err != nil || !existed || j.ID != known.ID {
		t.Errorf("a repeated request: got %s, %v, %v, want the known job", j.ID, existed, err)
	}
	n.IdempotencyKey = ""
	if err := lease(t, f.Queue).Complete(t.Context(), queue.Result{}); err != nil {
		t.Fatal(err)
	}
	enqueue(t, f.Queue, n) // there is room again
	if s := f.Stats(); s.ByState[queue.Queued] != 3 {
		t.Errorf("got %+v, want 3 queued", s)
	}
}

func TestConcurrentEnqueuesKeepTheLimit(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{MaxQueued: 5})
	var accepted atomic.Int32
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			switch _, _, err := f.Enqueue(t.Context(), newJob()); {
			case err == nil:
				accepted.Add(1)
			case !fault.Is(err, fault.Overloaded):
				t.Errorf("got %v, want overloaded", err)
			}
		})
	}
	wg.Wait()
	if accepted.Load() != 5 {
		t.Errorf("%d accepted, want 5", accepted.Load())
	}
}

func TestEnqueueRefuses(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{MaxArguments: 100})
	with := func(edit func(*queue.NewJob)) queue.NewJob { n := newJob(); edit(&n); return n }
	many := map[string]string{}
	for i := range 33 {
		many[fmt.Sprint(i)] = ""
	}
	tests := []struct {
		name string
		n    queue.NewJob
		code fault.Code
	}{
		{"malformed id", with(func(n *queue.NewJob) { n.ID = "prf_.>" }), fault.InvalidRequest},
		{"no circuit", with(func(n *queue.NewJob) { n.CircuitID = store.Digest{} }), fault.InvalidRequest},
		{"unknown priority", with(func(n *queue.NewJob) { n.Priority = "urgent" }), fault.InvalidRequest},
		{"deadline over", with(func(n *queue.NewJob) { n.Deadline = time.Now().Add(-time.Second) }), fault.InvalidRequest},
		{"too many labels", with(func(n *queue.NewJob) { n.Labels = many }), fault.InvalidRequest},
		{"long label", with(func(n *queue.NewJob) { n.Labels = map[string]string{"a": strings.Repeat("x", 257)} }), fault.InvalidRequest},
		{"large arguments", with(func(n *queue.NewJob) { n.Sealed = make([]byte, 101) }), fault.TooLarge},
	}
	for _, tc := range tests {
		if _, _, err := f.Enqueue(t.Context(), tc.n); !fault.Is(err, tc.code) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.code)
		}
	}
	n := newJob()
	j := enqueue(t, f.Queue, n)
	n.ID = j.ID
	if _, _, err := f.Enqueue(t.Context(), n); !fault.Is(err, fault.Conflict) {
		t.Errorf("an id twice: got %v, want conflict", err)
	}
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	n := newJob()
	n.Owner, n.IdempotencyKey, n.RequestHash = "alice", "any text: with spaces, *.> and ü", store.Sum([]byte("body"))
	var wg sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		wg.Go(func() {
			// Those that come while the first is being accepted are told to
			// come back.
			eventually(t, "accepted", func() bool {
				j, _, err := f.Enqueue(t.Context(), n)
				if err != nil && !fault.Is(err, fault.Overloaded) {
					t.Errorf("enqueue: %v", err)
				}
				ids[i] = j.ID
				return err == nil
			})
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("got jobs %s and %s for one key", ids[0], id)
		}
	}
	other := n
	other.RequestHash = store.Sum([]byte("another body"))
	if _, _, err := f.Enqueue(t.Context(), other); !fault.Is(err, fault.Conflict) {
		t.Errorf("another body: got %v, want conflict", err)
	}
	other.Owner = "bob"
	if j, existed, err := f.Enqueue(t.Context(), other); err != nil || existed || j.ID == ids[0] {
		t.Errorf("another owner: got %s, %v, %v, want a job of his own", j.ID, existed, err)
	}
	if _, err := f.Cancel(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	again, existed, err := f.Enqueue(t.Context(), n)
	if err != nil || existed || again.ID == ids[0] {
		t.Fatalf("after a cancel: got %s, %v, %v, want a new job", again.ID, existed, err)
	}
	if err := f.Delete(t.Context(), again.ID); err != nil {
		t.Fatal(err)
	}
	if j, existed, err := f.Enqueue(t.Context(), n); err != nil || existed || j.ID == again.ID {
		t.Errorf("after a delete: got %s, %v, %v, want a new job", j.ID, existed, err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	for _, cfg := range []queue.Config{
		{Namespace: "a.b"}, {Replicas: -1}, {MaxQueued: -1}, {LeaseTTL: time.Nanosecond}, {Backoff: 2 * time.Minute}, {IdempotencyTTL: time.Millisecond},
	} {
		if _, err := queue.Open(t.Context(), f.eng, f.blobs, cfg); !fault.Is(err, fault.InvalidRequest) {
			t.Errorf("%+v: got %v, want invalid request", cfg, err)
		}
	}
}
