package parallel_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"provery/internal/parallel"
)

func TestEachVisitsEveryIndexOnce(t *testing.T) {
	t.Parallel()
	for _, threads := range []int{0, 1, 2, 7} {
		for _, n := range []int{0, 1, 5, 100} {
			seen := make([]atomic.Int32, n)
			err := parallel.Each(context.Background(), threads, n, func(i int) error {
				seen[i].Add(1)
				return nil
			})
			if err != nil {
				t.Fatalf("threads=%d n=%d: %v", threads, n, err)
			}
			for i := range seen {
				if got := seen[i].Load(); got != 1 {
					t.Errorf("threads=%d n=%d: index %d visited %d times, want 1", threads, n, i, got)
				}
			}
		}
	}
}

func TestChunksCoverTheRange(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 3, 10, 11} {
		seen := make([]atomic.Int32, 10)
		err := parallel.Chunks(context.Background(), 3, len(seen), size, func(lo, hi int) error {
			for i := lo; i < hi; i++ {
				seen[i].Add(1)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range seen {
			if got := seen[i].Load(); got != 1 {
				t.Errorf("size=%d: index %d covered %d times, want 1", size, i, got)
			}
		}
	}
}

func TestEachStopsOnError(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for _, threads := range []int{1, 4} {
		var calls atomic.Int32
		err := parallel.Each(context.Background(), threads, 1_000_000, func(i int) error {
			calls.Add(1)
			return boom
		})
		if !errors.Is(err, boom) {
			t.Errorf("threads=%d: got %v, want boom", threads, err)
		}
		if got := calls.Load(); got > int32(threads) {
			t.Errorf("threads=%d: %d calls after the failure", threads, got)
		}
	}
}

func TestEachStopsWhenTheContextIsDone(t *testing.T) {
	t.Parallel()
	for _, threads := range []int{1, 4} {
		ctx, cancel := context.WithCancel(context.Background())
		var calls atomic.Int32
		err := parallel.Each(ctx, threads, 1_000_000, func(i int) error {
			calls.Add(1)
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("threads=%d: got %v, want context.Canceled", threads, err)
		}
		if got := calls.Load(); got > 2*int32(threads) {
			t.Errorf("threads=%d: %d calls after cancel", threads, got)
		}
	}
}

func TestPanicBecomesAnError(t *testing.T) {
	t.Parallel()
	for _, threads := range []int{1, 3} {
		err := parallel.Each(context.Background(), threads, 3, func(i int) error {
			if i == 1 {
				panic(fmt.Sprint("at ", i))
			}
			return nil
		})
		var p *parallel.PanicError
		if !errors.As(err, &p) {
			t.Fatalf("threads=%d: got %v, want a PanicError", threads, err)
		}
		if p.Value != "at 1" || len(p.Stack) == 0 {
			t.Errorf("threads=%d: got %v with %d bytes of stack", threads, p.Value, len(p.Stack))
		}
	}
}
