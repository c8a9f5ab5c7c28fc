package parallel_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"provery/internal/parallel"
)

// TestQueueRunsWhatTasksAdd grows a binary tree of tasks and counts its leaves.
func TestQueueRunsWhatTasksAdd(t *testing.T) {
	t.Parallel()
	for _, threads := range []int{0, 1, 2, 5} {
		var (
			q      parallel.Queue
			leaves atomic.Int32
			grow   func(depth int) parallel.Task
		)
		grow = func(depth int) parallel.Task {
			return func(thread int) error {
				if thread < 0 || thread >= max(threads, 1) {
					t.Errorf("threads=%d: a task ran on thread %d", threads, thread)
				}
				if depth == 0 {
					leaves.Add(1)
					return nil
				}
				q.Add(depth%3, grow(depth-1))
				q.Add(depth%3, grow(depth-1))
				return nil
			}
		}
		q.Add(0, grow(10))
		if err := q.Run(context.Background(), threads); err != nil {
			t.Fatal(err)
		}
		if got := leaves.Load(); got != 1<<10 {
			t.Errorf("threads=%d: %d leaves ran, want %d", threads, got, 1<<10)
		}
	}
}

func TestQueueTakesLowRanksFirst(t *testing.T) {
	t.Parallel()
	var q parallel.Queue
	var got []int
	note := func(n int) parallel.Task {
		return func(int) error { got = append(got, n); return nil }
	}
	q.Add(2, note(4))
	q.Add(0, func(int) error {
		q.Add(0, note(1))
		return note(0)(0)
	})
	q.Add(1, note(2))
	q.Add(1, note(3))
	if err := q.Run(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	for i, n := range got {
		if n != i {
			t.Fatalf("got the order %v", got)
		}
	}
	if len(got) != 5 {
		t.Errorf("got %d tasks, want 5", len(got))
	}
}

func TestQueueStops(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for _, threads := range []int{1, 4} {
		ctx, cancel := context.WithCancel(context.Background())
		for name, tc := range map[string]struct {
			task parallel.Task
			want func(error) bool
		}{
			"error":  {func(int) error { return boom }, func(err error) bool { return errors.Is(err, boom) }},
			"cancel": {func(int) error { cancel(); return nil }, func(err error) bool { return errors.Is(err, context.Canceled) }},
			"panic": {func(int) error { panic("at work") }, func(err error) bool {
				var p *parallel.PanicError
				return errors.As(err, &p)
			}},
		} {
			var q parallel.Queue
			var after atomic.Int32
			q.Add(0, func(thread int) error {
				for range 1000 {
					q.Add(1, func(int) error { after.Add(1); return nil })
				}
				return tc.task(thread)
			})
			ctx := ctx
			if name != "cancel" {
				ctx = context.Background()
			}
			if err := q.Run(ctx, threads); !tc.want(err) {
				t.Errorf("%s, threads=%d: got %v", name, threads, err)
			}
			if threads == 1 && after.Load() != 0 {
				t.Errorf("%s: %d tasks ran afterwards", name, after.Load())
			}
		}
		cancel()
	}
}

func TestEmptyQueue(t *testing.T) {
	t.Parallel()
	for _, threads := range []int{1, 3} {
		if err := new(parallel.Queue).Run(context.Background(), threads); err != nil {
			t.Errorf("threads=%d: got %v", threads, err)
		}
	}
}
