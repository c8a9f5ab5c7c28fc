package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/store"
)

// done waits for the end of a lease's context and returns its cause.
func done(t *testing.T, l *queue.Lease) error {
	t.Helper()
	select {
	case <-l.Context().Done():
		return context.Cause(l.Context())
	case <-time.After(time.Minute):
		t.Fatal("the lease's context is not done after 20 s")
		return nil
	}
}

func TestJobSucceeds(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	n := newJob()
	n.ID, n.Owner, n.Labels, n.KeySetID = queue.NewID(time.Now()), "alice", map[string]string{"a": "b"}, store.Sum([]byte("k"))
	j := enqueue(t, f.Queue, n)
	if j.ID != n.ID || j.State != queue.Queued || j.Priority != queue.Normal || j.Owner != "alice" || j.KeySetID != n.KeySetID {
		t.Errorf("got %+v", j)
	}
	l := lease(t, f.Queue)
	args, err := l.Arguments(t.Context())
	if err != nil || string(args) != string(n.Sealed) || l.Job().ID != j.ID || l.Job().Attempt != 1 {
		t.Errorf("got job %s, attempt %d, %v", l.Job().ID, l.Job().Attempt, err)
	}
	l.Stage("prove")
	if got := job(t, f.Queue, j.ID); got.State != queue.Running || got.Stage != "prove" {
		t.Errorf("got %s, stage %q", got.State, got.Stage)
	}
	if err := l.Complete(t.Context(), queue.Result{Body: []byte("proof"), Ledger: queue.Ledger{Phases: []queue.Phase{{Name: "prove", Duration: 1}}}}); err != nil {
		t.Fatal(err)
	}
	got := finished(t, f.Queue, j.ID)
	body, err := f.Result(t.Context(), got)
	if err != nil || string(body) != "proof" || got.Arguments != nil || got.Problem != nil || len(got.Ledger.Phases) != 2 {
		t.Errorf("got %q, %v, %+v", body, err, got)
	}
	if a := got.Attempts; len(a) != 1 || a[0].Outcome != queue.OutcomeSucceeded || a[0].Worker != "worker" {
		t.Errorf("got history %+v", a)
	}
	if err := done(t, l); !fault.Is(err, fault.Canceled) {
		t.Errorf("after the end: got %v", err)
	}
}

func TestLostLeaseGoesToAnother(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{LeaseTTL: 300 * time.Millisecond, PollInterval: 20 * time.Millisecond})
	j := enqueue(t, f.Queue, newJob())
	dead := lease(t, f.Queue)
	dead.Abandon()
	second := lease(t, f.Queue)
	if second.Job().ID != j.ID || second.Job().Attempt != 2 || second.Job().Attempts[0].Outcome != queue.OutcomeLost {
		t.Fatalf("got %+v", second.Job())
	}
	if err := dead.Complete(t.Context(), queue.Result{Body: []byte("late")}); !fault.Is(err, fault.Conflict) {
		t.Errorf("late result: got %v, want conflict", err)
	}
	if err := dead.Fail(t.Context(), fault.New(fault.InvalidRequest, "late")); !fault.Is(err, fault.Conflict) {
		t.Errorf("late failure: got %v, want conflict", err)
	}
	if err := second.Complete(t.Context(), queue.Result{Body: []byte("in time")}); err != nil {
		t.Fatal(err)
	}
	if err := dead.Complete(t.Context(), queue.Result{Body: []byte("very late")}); !fault.Is(err, fault.Conflict) {
		t.Errorf("very late result: got %v, want conflict", err)
	}
	got := finished(t, f.Queue, j.ID)
	if body, err := f.Result(t.Context(), got); err != nil || string(body) != "in time" {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestHeartbeatKeepsTheLease(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{LeaseTTL: 3 * time.Second, PollInterval: 10 * time.Millisecond})
	enqueue(t, f.Queue, newJob())
	l := lease(t, f.Queue)
	// Nothing may turn up for more than twice the lease's length.
	ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
	defer cancel()
	if other, err := f.Lease(ctx, "other"); !fault.Is(err, fault.DeadlineExceeded) {
		t.Fatalf("got %v, %v, want nothing to do", other, err)
	}
	if err := l.Complete(t.Context(), queue.Result{}); err != nil {
		t.Errorf("complete: %v", err)
	}
}

func TestWorkerThatLosesItsLeaseIsTold(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{LeaseTTL: 200 * time.Millisecond, PollInterval: 20 * time.Millisecond})
	slow := f.another(t, queue.Config{LeaseTTL: time.Hour}) // its heartbeats come much too late
	enqueue(t, f.Queue, newJob())
	stalled := lease(t, slow)
	taken := lease(t, f.Queue)
	if err := done(t, stalled); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v, want conflict", err)
	}
	if err := taken.Complete(t.Context(), queue.Result{}); err != nil {
		t.Error(err)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{Backoff: 20 * time.Millisecond, PollInterval: 10 * time.Millisecond, MaxFailures: 2})
	final := enqueue(t, f.Queue, newJob())
	err := fault.New(fault.UnsatisfiedWitness, "assertion failed").At("/arguments/0")
	err.Position = &fault.Position{File: "main.zok", Line: 3, Column: 5}
	err.Err = errors.New("a secret value")
	if e := lease(t, f.Queue).Fail(t.Context(), err); e != nil {
		t.Fatal(e)
	}
	got := finished(t, f.Queue, final.ID)
	if p := got.Problem; got.State != queue.Failed || got.Attempt != 1 || p.Code != fault.UnsatisfiedWitness || p.Retryable ||
		p.Path != "/arguments/0" || p.Position.Line != 3 || strings.Contains(fmt.Sprintf("%+v", p), "secret") {
		t.Errorf("got %s, %+v", got.State, p)
	}
	again := enqueue(t, f.Queue, newJob())
	if e := lease(t, f.Queue).Fail(t.Context(), fault.New(fault.Internal, "first")); e != nil {
		t.Fatal(e)
	}
	if j := job(t, f.Queue, again.ID); j.State != queue.Queued || j.RetryAt.IsZero() {
		t.Errorf("after the first failure: got %s, retry at %v", j.State, j.RetryAt)
	}
	if e := lease(t, f.Queue).Fail(t.Context(), fault.New(fault.Internal, "second")); e != nil {
		t.Fatal(e)
	}
	if j := finished(t, f.Queue, again.ID); j.State != queue.Failed || j.Attempt != 2 || j.Problem.Detail != "second" || !j.Problem.Retryable {
		t.Errorf("after the second failure: got %s, %+v", j.State, j.Problem)
	}
}

func TestReleaseHandsBack(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{MaxFailures: 1})
	j := enqueue(t, f.Queue, newJob())
	for range 3 {
		if err := lease(t, f.Queue).Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	l := lease(t, f.Queue)
	if l.Job().ID != j.ID || l.Job().Attempt != 4 || l.Job().Attempts[2].Outcome != queue.OutcomeReleased {
		t.Errorf("got %+v", l.Job())
	}
	if err := l.Complete(t.Context(), queue.Result{}); err != nil {
		t.Error(err)
	}
}

func TestPriorities(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	want := map[string]queue.Priority{}
	for range 6 {
		for _, p := range []queue.Priority{queue.Low, queue.Normal, queue.High} {
			n := newJob()
			n.Priority = p
			want[enqueue(t, f.Queue, n).ID] = p
		}
	}
	var order []queue.Priority
	for range want {
		l := lease(t, f.Queue)
		order = append(order, want[l.Job().ID])
		if err := l.Complete(t.Context(), queue.Result{}); err != nil {
			t.Fatal(err)
		}
	}
	count := map[queue.Priority]int{}
	for _, p := range order[:8] {
		count[p]++
	}
	if order[0] != queue.High || count[queue.High] != 6 || count[queue.Low] != 1 || count[queue.Normal] != 1 {
		t.Errorf("got %v, want high first, and a turn for each of the others", order)
	}
}

// TestDistinctConcurrentJobs is the first of the ten failures: under load,
// each request gets its own result.
func TestDistinctConcurrentJobs(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	other := f.another(t, queue.Config{})
	stop, stop2 := serve(t, f.Queue, 4), serve(t, other, 4)
	defer stop()
	defer stop2()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			n := newJob()
			n.Sealed = fmt.Appendf(nil, "arguments of %d %s", i, strings.Repeat("x", i*400)) // some above 64 KiB
			j, _, err := f.Enqueue(t.Context(), n)
			if err != nil {
				t.Errorf("enqueue: %v", err)
				return
			}
			got, err := f.Wait(t.Context(), j.ID, time.Minute)
			if err != nil {
				t.Errorf("wait: %v (%v)", err, errors.Unwrap(err))
				return
			}
			body, err := f.Result(t.Context(), got)
			if err != nil || string(body) != string(n.Sealed) {
				t.Errorf("job %d: got %.20q, %v", i, body, err)
			}
		})
	}
	wg.Wait()
	if s := f.Stats(); s.ByState[queue.Succeeded] != 200 || s.ByState[queue.Queued]+s.ByState[queue.Running] != 0 || s.QueuedBytes != 0 {
		t.Errorf("got %+v", s)
	}
}

func TestLeaseEndsWithItsContextAndTheQueue(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Lease(ctx, "w"); !fault.Is(err, fault.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	enqueue(t, f.Queue, newJob())
	l := lease(t, f.Queue)
	waiting := make(chan error)
	for range 2 {
		go func() {
			_, err := f.Lease(context.Background(), "w")
			waiting <- err
		}()
	}
	f.Close()
	for range 2 {
		if err := <-waiting; !fault.Is(err, fault.Overloaded) {
			t.Errorf("waiting lease: got %v, want overloaded", err)
		}
	}
	if err := done(t, l); !fault.Is(err, fault.Overloaded) {
		t.Errorf("open lease: got %v, want overloaded", err)
	}
	if _, _, err := f.Enqueue(t.Context(), newJob()); !fault.Is(err, fault.Overloaded) {
		t.Errorf("enqueue: got %v, want overloaded", err)
	}
}
