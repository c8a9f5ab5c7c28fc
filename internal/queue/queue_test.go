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
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
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
	for _, id := range []string{waiting.ID, late.ID} {
		if j := finished(t, f.Queue, id); j.State != queue.Expired || j.Problem.Code != fault.DeadlineExceeded {
			t.Errorf("waiting: got %s", j.State)
		}
	}
	s, err := f.Sweep(t.Context())
	if err != nil || s.Expired != 1 {
		t.Errorf("sweep: got %+v, %v", s, err)
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

func TestWait(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{PollInterval: time.Hour}) // wake-ups alone
	other := f.another(t, queue.Config{PollInterval: time.Hour})
	j := enqueue(t, f.Queue, newJob())
	if got, err := f.Wait(t.Context(), j.ID, 0); err != nil || got.State != queue.Queued {
		t.Errorf("no wait: got %s, %v", got.State, err)
	}
	if got, err := f.Wait(t.Context(), j.ID, time.Millisecond); err != nil || got.State != queue.Queued {
		t.Errorf("short wait: got %s, %v", got.State, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := f.Wait(ctx, j.ID, time.Hour); !fault.Is(err, fault.Canceled) {
			t.Errorf("left: got %v, want canceled", err)
		}
	})
	for _, q := range []*queue.Queue{f.Queue, other} {
		wg.Go(func() {
			if got := finished(t, q, j.ID); got.State != queue.Succeeded {
				t.Errorf("got %s, want succeeded", got.State)
			}
		})
	}
	eventually(t, "three waiters", func() bool { return queue.Watchers(f.Queue)+queue.Watchers(other) == 3 })
	cancel()
	eventually(t, "two waiters", func() bool { return queue.Watchers(f.Queue)+queue.Watchers(other) == 2 })
	if err := lease(t, f.Queue).Complete(t.Context(), queue.Result{}); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	eventually(t, "nobody left", func() bool { return queue.Watchers(f.Queue)+queue.Watchers(other) == 0 })
	for _, id := range []string{queue.NewID(time.Now()), "nonsense"} {
		if _, err := f.Wait(t.Context(), id, time.Hour); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: got %v, want not found", id, err)
		}
	}
}

func TestWaitSeesADelete(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{PollInterval: time.Hour})
	other := f.another(t, queue.Config{PollInterval: time.Hour})
	j := enqueue(t, f.Queue, newJob())
	eventually(t, "known there", func() bool { return other.Stats().ByState[queue.Queued] == 1 })
	result := make(chan error)
	go func() {
		for { // the cancel in front of the deletion ends one wait
			if _, err := other.Wait(context.Background(), j.ID, time.Hour); err != nil {
				result <- err
				return
			}
		}
	}()
	eventually(t, "a waiter", func() bool { return queue.Watchers(other) == 1 })
	if err := f.Delete(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want not found", err)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	other := f.another(t, queue.Config{})
	j := enqueue(t, f.Queue, newJob())
	var seen []string
	var l *queue.Lease
	for got, err := range other.Watch(t.Context(), j.ID) {
		if err != nil {
			t.Fatal(err)
		}
		at := fmt.Sprintf("%s/%s", got.State, got.Stage)
		seen = append(seen, at)
		switch at {
		case "queued/":
			l = lease(t, f.Queue)
		case "running/":
			l.Stage("witness")
		case "running/witness":
			l.Stage("prove")
		case "running/prove":
			if err := l.Complete(t.Context(), queue.Result{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := strings.Join(seen, " "); got != "queued/ running/ running/witness running/prove succeeded/" {
		t.Errorf("got %s", got)
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

func TestSweeperQueuesWhatWasAccepted(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{SweepInterval: -1})
	j := enqueue(t, f.Queue, newJob())
	if err := queue.LoseMessage(f.Queue, j); err != nil { // as if Enqueue had been cut short
		t.Fatal(err)
	}
	if s, err := f.Sweep(t.Context()); err != nil || s.Requeued != 1 {
		t.Errorf("got %+v, %v, want one job queued again", s, err)
	}
	if s, err := f.Sweep(t.Context()); err != nil || s.Requeued != 0 {
		t.Errorf("again: got %+v, %v", s, err)
	}
	if l := lease(t, f.Queue); l.Job().ID != j.ID || l.Job().Attempt != 1 {
		t.Errorf("got %+v", l.Job())
	}
}

func TestLostWorkStreamComesBack(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{SweepInterval: 10 * time.Millisecond, PollInterval: 10 * time.Millisecond})
	j := enqueue(t, f.Queue, newJob())
	// What a restart of an external engine does to a stream in memory.
	if err := f.eng.JetStream().DeleteStream(t.Context(), "provery-work"); err != nil {
		t.Fatal(err)
	}
	if l := lease(t, f.Queue); l.Job().ID != j.ID {
		t.Errorf("got %s, want %s", l.Job().ID, j.ID)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	var c clock
	f := open(t, "", queue.Config{Now: c.now})
	other := store.Sum([]byte("other"))
	var ids []string
	for i := range 9 {
		n := newJob()
		if i%3 == 0 {
			n.CircuitID = other
		}
		ids = append(ids, enqueue(t, f.Queue, n).ID)
		c.advance(time.Millisecond)
	}
	if _, err := f.Cancel(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	page := func(fl queue.Filter, limit int) (got []string) {
		t.Helper()
		for cursor := ""; ; {
			jobs, next, err := f.List(t.Context(), fl, cursor, limit)
			if err != nil || len(jobs) > limit {
				t.Fatalf("got %d jobs, %v", len(jobs), err)
			}
			for _, j := range jobs {
				got = append(got, j.ID)
			}
			if cursor = next; cursor == "" {
				return got
			}
		}
	}
	tests := []struct {
		name string
		f    queue.Filter
		want []string // oldest first
	}{
		{"all", queue.Filter{}, ids},
		{"circuit", queue.Filter{Circuit: other}, []string{ids[0], ids[3], ids[6]}},
		{"state", queue.Filter{State: queue.Queued}, ids[1:]},
		{"both", queue.Filter{State: queue.Cancelled, Circuit: other}, ids[:1]},
		{"nothing", queue.Filter{State: queue.Failed}, nil},
		{"owner", queue.Filter{Owner: "alice"}, nil},
	}
	for _, tc := range tests {
		for _, limit := range []int{1, 2, 100} {
			got := page(tc.f, limit)
			for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
				got[i], got[j] = got[j], got[i]
			}
			if fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("%s, limit %d: got %v, want %v", tc.name, limit, got, tc.want)
			}
		}
	}
	if _, _, err := f.List(t.Context(), queue.Filter{}, "x", 1); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("cursor: got %v, want invalid request", err)
	}
	if _, _, err := f.List(t.Context(), queue.Filter{}, "", 1001); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("limit: got %v, want invalid request", err)
	}
	if got := f.Position(job(t, f.Queue, ids[8])); got != 7 {
		t.Errorf("got position %d, want 7", got)
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
