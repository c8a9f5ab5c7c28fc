package worker

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// TestThreads says who gets how many threads.
func TestThreads(t *testing.T) {
	t.Parallel()
	const gib = 1 << 30
	tests := []struct {
		name    string
		cfg     BudgetConfig
		need    Need
		waiting int // jobs that come one after the other, while none ends
		places  int
		want    []int // threads of those that start
	}{
		{"latency: one job gets all", BudgetConfig{Threads: 8}, Need{}, 1, 8, []int{8}},
		{"two share", BudgetConfig{Threads: 8}, Need{}, 2, 8, []int{4, 4}},
		{"three share", BudgetConfig{Threads: 8}, Need{}, 3, 8, []int{2, 3, 3}},
		{"throughput: one for each", BudgetConfig{Threads: 4}, Need{}, 100, 4, []int{1, 1, 1, 1}},
		{"one slot", BudgetConfig{Threads: 8}, Need{}, 100, 1, []int{8}},
		{"two slots", BudgetConfig{Threads: 8}, Need{}, 100, 2, []int{4, 4}},
		{"memory for one", BudgetConfig{Threads: 8, Memory: 3 * gib}, Need{Bytes: 2 * gib}, 100, 8, []int{8}},
		{"memory for three", BudgetConfig{Threads: 8, Memory: 7 * gib}, Need{Bytes: 2 * gib}, 100, 8, []int{2, 3, 3}},
		{"memory for none", BudgetConfig{Threads: 8, Memory: gib}, Need{Bytes: 2 * gib}, 1, 8, nil},
		{"jobs of one thread", BudgetConfig{Threads: 4}, Need{Threads: 1}, 1, 4, []int{1}},
		{"jobs without threads", BudgetConfig{Threads: 1}, Need{Threads: -1}, 3, 3, []int{0, 0, 0}},
		{"a fixed number, more than there are", BudgetConfig{Threads: 2, PerJob: 2}, Need{}, 3, 3, []int{2, 2, 2}},
		{"no processors", BudgetConfig{}, Need{}, 1, 1, []int{1}},
	}
	for _, tc := range tests {
		b := NewBudget(tc.cfg)
		var got []int
		var grants []Grant
		for i := range tc.waiting {
			g, ok := b.Take(tc.need, tc.waiting-i, tc.places-i)
			if !ok || len(got) == tc.places {
				break
			}
			got, grants = append(got, g.Threads), append(grants, g)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v threads, want %v", tc.name, got, tc.want)
		}
		for i, g := range grants {
			if g.Alone != (i == 0) {
				t.Errorf("%s: job %d: got alone=%v", tc.name, i, g.Alone)
			}
			b.Return(g)
		}
		if bytes, threads := b.Used(); bytes != 0 || threads != 0 {
			t.Errorf("%s: %d bytes and %d threads are left over", tc.name, bytes, threads)
		}
	}
}

// TestBudgetNeverExceeds takes and returns at random, from several goroutines.
func TestBudgetNeverExceeds(t *testing.T) {
	t.Parallel()
	const memory, threads = 1000, 7
	b := NewBudget(BudgetConfig{Memory: memory, Threads: threads})
	var wg sync.WaitGroup
	for seed := range uint64(4) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 1))
			var held []Grant
			for range 2000 {
				if len(held) > 0 && r.IntN(2) == 0 {
					i := r.IntN(len(held))
					b.Return(held[i])
					held = slices.Delete(held, i, i+1)
				} else if g, ok := b.Take(Need{Bytes: r.Int64N(600)}, 1+r.IntN(9), 1+r.IntN(9)); ok {
					held = append(held, g)
				}
				if bytes, n := b.Used(); bytes < 0 || bytes > memory || n < 0 || n > threads {
					t.Errorf("seed %d: %d bytes and %d threads are taken", seed, bytes, n)
					return
				}
			}
			for _, g := range held {
				b.Return(g)
			}
		})
	}
	wg.Wait()
	if bytes, n := b.Used(); bytes != 0 || n != 0 {
		t.Errorf("%d bytes and %d threads are left over", bytes, n)
	}
}
