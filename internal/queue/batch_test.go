package queue_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/store"
)

// items returns n jobs with distinct arguments.
func items(n int) []queue.NewJob {
	out := make([]queue.NewJob, n)
	for i := range out {
		out[i] = newJob()
		out[i].Sealed = fmt.Appendf(nil, "item %d", i)
	}
	return out
}

// accept accepts a batch or fails the test.
func accept(t testing.TB, q *queue.Queue, jobs []queue.NewJob) queue.Batch {
	t.Helper()
	b, err := q.EnqueueBatch(t.Context(), jobs)
	if err != nil {
		t.Fatalf("enqueue batch: %v", err)
	}
	return b
}

func TestBatch(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	other := f.another(t, queue.Config{})
	jobs := items(2500)
	jobs[7].Sealed = bytes.Repeat([]byte("x"), 100<<10)
	b := accept(t, f.Queue, jobs)
	if b.Size != 2500 || b.ByState[queue.Queued] != 2500 || b.CircuitID != circuit || b.Kind != queue.KindProof || b.Ended() {
		t.Errorf("got %+v", b)
	}
	stop := serve(t, other, 8)
	defer stop()
	i := 0
	for j, err := range f.BatchItems(t.Context(), b.ID, 0, true) {
		if err != nil {
			t.Fatal(err)
		}
		body, err := f.Result(t.Context(), j)
		if err != nil || !bytes.Equal(body, jobs[i].Sealed) || j.Item != i || j.Batch != b.ID || j.State != queue.Succeeded {
			t.Fatalf("item %d: got %.20q of item %d, %s, %v", i, body, j.Item, j.State, err)
		}
		i++
	}
	if got, err := other.Batch(t.Context(), b.ID); err != nil || i != 2500 || !got.Ended() || got.ByState[queue.Succeeded] != 2500 {
		t.Errorf("got %d items, %+v, %v", i, got, err)
	}
	if list, _, err := f.List(t.Context(), queue.Filter{Batch: b.ID}, "", 1000); err != nil || len(list) != 1000 {
		t.Errorf("list: got %d, %v", len(list), err)
	}
	if err := f.DeleteBatch(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Batch(t.Context(), b.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("deleted: got %v, want not found", err)
	}
	if s := f.Stats(); s.ByState[queue.Succeeded] != 0 || count(t, f) != 0 {
		t.Errorf("deleted: got %+v, %d blobs", s, count(t, f))
	}
}

func TestBatchOrderAndWatch(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	b := accept(t, f.Queue, items(5))
	var last queue.Batch
	for got, err := range f.WatchBatch(t.Context(), b.ID) {
		if err != nil {
			t.Fatal(err)
		}
		last = got
		if got.ByState[queue.Queued] > 0 && got.ByState[queue.Running] == 0 {
			l := lease(t, f.Queue)
			if l.Job().Item != 5-got.ByState[queue.Queued] {
				t.Errorf("got item %d with %d left", l.Job().Item, got.ByState[queue.Queued])
			}
			if err := l.Complete(t.Context(), queue.Result{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if last.ByState[queue.Succeeded] != 5 {
		t.Errorf("got %+v", last)
	}
	n := 0
	for j, err := range f.BatchItems(t.Context(), b.ID, 3, false) {
		if err != nil || j.Item != 3+n {
			t.Errorf("got item %d, %v", j.Item, err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("from 3: got %d items, want 2", n)
	}
}

func TestCancelBatch(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	b := accept(t, f.Queue, items(50))
	l := lease(t, f.Queue)
	done1 := lease(t, f.Queue)
	if err := done1.Complete(t.Context(), queue.Result{}); err != nil {
		t.Fatal(err)
	}
	got, err := f.CancelBatch(t.Context(), b.ID)
	if err != nil || got.ByState[queue.Cancelled] != 49 || got.ByState[queue.Succeeded] != 1 || got.Cancelled.IsZero() {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := done(t, l); !fault.Is(err, fault.Canceled) {
		t.Errorf("lease: got %v", err)
	}
	if _, err := f.CancelBatch(t.Context(), b.ID); err != nil {
		t.Errorf("again: %v", err)
	}
	if _, err := f.CancelBatch(t.Context(), queue.NewBatchID(time.Now())); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown: got %v", err)
	}
}

// TestBatchCutShort leaves a batch without its record, as a crash in the
// middle of its acceptance does.
func TestBatchCutShort(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{SweepInterval: -1})
	jobs := items(20)
	jobs[3].Sealed = bytes.Repeat([]byte("x"), 100<<10)
	jobs[4].ID = queue.NewID(time.Now())
	id, err := queue.HalfBatch(t.Context(), f.Queue, jobs)
	if err != nil {
		t.Fatal(err)
	}
	f.stop()
	g := open(t, f.dir, queue.Config{SweepInterval: -1})
	hidden := func() {
		t.Helper()
		if _, err := g.Batch(t.Context(), id); !fault.Is(err, fault.NotFound) {
			t.Errorf("batch: got %v, want not found", err)
		}
		if _, err := g.Job(t.Context(), jobs[4].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("item: got %v, want not found", err)
		}
		if list, _, err := g.List(t.Context(), queue.Filter{}, "", 0); err != nil || len(list) != 0 || g.Stats().ByState[queue.Queued] != 0 {
			t.Errorf("list: got %d, %v", len(list), err)
		}
	}
	hidden()
	next := enqueue(t, g.Queue, newJob())
	if l := lease(t, g.Queue); l.Job().ID != next.ID {
		t.Errorf("an item was leased")
	} else if err := l.Complete(t.Context(), queue.Result{}); err != nil {
		t.Error(err)
	}
	if err := g.Delete(t.Context(), next.ID); err != nil {
		t.Error(err)
	}
	if _, err := g.Sweep(t.Context()); err != nil || count(t, g) != 1 {
		t.Errorf("too early: %v, %d blobs", err, count(t, g))
	}
	queue.SetOrphanAge(g.Queue, 0)
	if _, err := g.Sweep(t.Context()); err != nil || count(t, g) != 0 {
		t.Errorf("swept: %v, %d blobs", err, count(t, g))
	}
	hidden()
}

func TestBatchSurvivesARestart(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	b := accept(t, f.Queue, items(30))
	if err := lease(t, f.Queue).Complete(t.Context(), queue.Result{}); err != nil {
		t.Fatal(err)
	}
	lease(t, f.Queue).Abandon()
	f.stop()
	g := open(t, f.dir, queue.Config{})
	stop := serve(t, g.Queue, 4)
	defer stop()
	var last queue.Batch
	for got, err := range g.WatchBatch(t.Context(), b.ID) {
		if err != nil {
			t.Fatal(err)
		}
		last = got
	}
	if last.ByState[queue.Succeeded] != 30 {
		t.Errorf("got %+v", last)
	}
}

func TestBatchIdempotency(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	n := queue.NewBatch{Items: items(3), IdempotencyKey: "k", RequestHash: store.Sum([]byte("r"))}
	first, existed, err := f.EnqueueBatchWith(t.Context(), n)
	if err != nil || existed {
		t.Fatal(existed, err)
	}
	again, existed, err := f.EnqueueBatchWith(t.Context(), queue.NewBatch{Items: items(3), IdempotencyKey: "k", RequestHash: n.RequestHash})
	if err != nil || !existed || again.ID != first.ID {
		t.Errorf("got %s, %v, %v", again.ID, existed, err)
	}
	if _, _, err := f.EnqueueBatchWith(t.Context(), queue.NewBatch{Items: items(3), IdempotencyKey: "k"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("another request: got %v", err)
	}
	if s := f.Stats(); s.ByState[queue.Queued] != 3 {
		t.Errorf("got %+v", s)
	}
}

func TestBatchRefused(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	with := func(edit func([]queue.NewJob)) []queue.NewJob { n := items(3); edit(n); return n }
	taken := enqueue(t, f.Queue, newJob()).ID
	tests := []struct {
		name  string
		items []queue.NewJob
		code  fault.Code
		path  string
	}{
		{"empty", nil, fault.InvalidRequest, ""},
		{"too many", items(queue.MaxBatch + 1), fault.InvalidRequest, ""},
		{"another circuit", with(func(n []queue.NewJob) { n[2].CircuitID = store.Sum(nil) }), fault.InvalidRequest, "/items/2"},
		{"another owner", with(func(n []queue.NewJob) { n[1].Owner = "x" }), fault.InvalidRequest, "/items/1"},
		{"no circuit", with(func(n []queue.NewJob) { n[1].CircuitID = store.Digest{} }), fault.InvalidRequest, "/items/1"},
		{"an id twice", with(func(n []queue.NewJob) { n[0].ID = taken; n[1].ID = taken }), fault.InvalidRequest, "/items/1"},
		{"an id that is taken", with(func(n []queue.NewJob) { n[1].ID = taken }), fault.Conflict, ""},
	}
	for _, tc := range tests {
		_, err := f.EnqueueBatch(t.Context(), tc.items)
		e, ok := err.(*fault.Error)
		if !ok || e.Code != tc.code || !strings.HasPrefix(e.Path, tc.path) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.code)
		}
	}
	eventually(t, "nothing left", func() bool { return f.Stats().ByState[queue.Queued] == 1 })
	if l := lease(t, f.Queue); l.Job().ID != taken {
		t.Errorf("got %s", l.Job().ID)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.EnqueueBatch(ctx, items(3)); !fault.Is(err, fault.Canceled) {
		t.Errorf("context done: got %v", err)
	}
}

func TestBatchIsKeptAsAWhole(t *testing.T) {
	t.Parallel()
	var c clock
	f := open(t, "", queue.Config{Now: c.now, SweepInterval: -1, Retention: time.Hour})
	queue.SetOrphanAge(f.Queue, 0)
	b := accept(t, f.Queue, items(2))
	for range 2 {
		if err := lease(t, f.Queue).Complete(t.Context(), queue.Result{}); err != nil {
			t.Fatal(err)
		}
		c.advance(50 * time.Minute)
	}
	sweep := func(want int) {
		t.Helper()
		if s, err := f.Sweep(t.Context()); err != nil || s.Deleted != want {
			t.Errorf("got %+v, %v, want %d deleted", s, err, want)
		}
	}
	c.advance(5 * time.Minute) // the first item has ended 105 minutes ago
	sweep(0)
	c.advance(10 * time.Minute)
	sweep(2)
	sweep(0)
	if _, err := f.Batch(t.Context(), b.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want not found", err)
	}
}
