package registry

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// thing is a cached value that notices misuse.
type thing struct {
	key    int
	closed atomic.Int32
}

func TestCacheOpensOnceUnderDemand(t *testing.T) {
	t.Parallel()
	var opened, closed atomic.Int32
	gate := make(chan struct{})
	c := NewCache(100, func(_ context.Context, k int) (*thing, int64, error) {
		opened.Add(1)
		<-gate
		return &thing{key: k}, 10, nil
	}, func(*thing) { closed.Add(1) })
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			h, err := c.Acquire(t.Context(), 1)
			if err != nil {
				t.Errorf("acquire: %v", err)
				return
			}
			if h.Value().key != 1 || closed.Load() != 0 {
				t.Error("got another value, or a closed one")
			}
			h.Release()
			h.Release() // harmless
		})
	}
	close(gate)
	wg.Wait()
	if opened.Load() != 1 {
		t.Errorf("opened %d times, want once", opened.Load())
	}
	c.Close()
	if s := c.Stats(); closed.Load() != 1 || s.Bytes != 0 || s.Entries != 0 || s.Hits+s.Misses != 50 {
		t.Errorf("closed %d times, %+v", closed.Load(), s)
	}
}

func TestCacheDoesNotKeepFailures(t *testing.T) {
	t.Parallel()
	fail := true
	broken := errors.New("broken")
	c := NewCache(100, func(_ context.Context, k int) (*thing, int64, error) {
		if fail {
			return nil, 0, broken
		}
		return &thing{key: k}, 10, nil
	}, func(*thing) {})
	if _, err := c.Acquire(t.Context(), 1); !errors.Is(err, broken) {
		t.Errorf("got %v, want the failure", err)
	}
	fail = false
	h, err := c.Acquire(t.Context(), 1)
	if err != nil {
		t.Fatalf("after a failure: %v", err)
	}
	h.Release()
}

func TestCacheSurvivesAPanic(t *testing.T) {
	t.Parallel()
	c := NewCache(100, func(context.Context, int) (*thing, int64, error) { panic("boom") }, func(*thing) {})
	if _, err := c.Acquire(t.Context(), 1); err == nil {
		t.Error("got no error")
	}
	if s := c.Stats(); s.Entries != 0 {
		t.Errorf("got %+v, want nothing kept", s)
	}
}

func TestCacheCallerMayLeave(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	c := NewCache(100, func(_ context.Context, k int) (*thing, int64, error) { <-gate; return &thing{key: k}, 10, nil }, func(*thing) {})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Acquire(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	close(gate)
	h, err := c.Acquire(t.Context(), 1) // the opening went on
	if err != nil {
		t.Fatal(err)
	}
	h.Release()
	if s := c.Stats(); s.Misses != 1 {
		t.Errorf("opened %d times, want once", s.Misses)
	}
}

// TestCacheModel drives a cache with random calls and checks it against what
// it promises: nothing in use is ever closed, everything is closed once, and
// what isn't in use fits into the capacity.
func TestCacheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.Int64Range(0, 50).Draw(t, "capacity")
		live := map[*thing]int64{}
		c := NewCache(capacity, func(_ context.Context, k int) (*thing, int64, error) {
			if k == 0 {
				return nil, 0, errors.New("never opens")
			}
			v := &thing{key: k}
			live[v] = int64(7 * k)
			return v, int64(7 * k), nil
		}, func(v *thing) {
			if v.closed.Add(1) > 1 {
				t.Fatalf("value %d is closed twice", v.key)
			}
			delete(live, v)
		})
		var held []*Handle[*thing]
		t.Repeat(map[string]func(*rapid.T){
			"acquire": func(t *rapid.T) {
				k := rapid.IntRange(0, 5).Draw(t, "key")
				h, err := c.Acquire(context.Background(), k)
				if (err != nil) != (k == 0) {
					t.Fatalf("acquire %d: %v", k, err)
				}
				if err == nil {
					if h.Value().key != k {
						t.Fatalf("got value %d for key %d", h.Value().key, k)
					}
					held = append(held, h)
				}
			},
			"release": func(t *rapid.T) {
				if len(held) == 0 {
					t.Skip("nothing held")
				}
				i := rapid.IntRange(0, len(held)-1).Draw(t, "handle")
				held[i].Release()
				held = append(held[:i], held[i+1:]...)
			},
			"drop": func(t *rapid.T) { c.Drop(rapid.IntRange(0, 5).Draw(t, "key")) },
			"": func(t *rapid.T) {
				used := map[*thing]bool{}
				for _, h := range held {
					if h.Value().closed.Load() != 0 {
						t.Fatalf("value %d is held and closed", h.Value().key)
					}
					used[h.Value()] = true
				}
				var total, inUse int64
				for v, cost := range live {
					total += cost
					if used[v] {
						inUse += cost
					}
				}
				if s := c.Stats(); s.Bytes != total || total > max(capacity, inUse) {
					t.Fatalf("%d bytes open, %d in use, capacity %d, %+v", total, inUse, capacity, s)
				}
			},
		})
		for _, h := range held {
			h.Release()
		}
		c.Close()
		if s := c.Stats(); len(live) != 0 || s.Bytes != 0 || s.Entries != 0 {
			t.Fatalf("after Close: %d things open, %+v", len(live), s)
		}
	})
}
