package queue_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/store"
)

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
