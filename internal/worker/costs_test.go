package worker

import (
	"math"
	"testing"
	"time"

	"provery/internal/registry"
	"provery/internal/scheme"
	"provery/internal/scratch"
	"provery/internal/store"
)

func TestCorrect(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name           string
		predicted      int64
		least, most    int64
		wantLo, wantHi int64
	}{
		{"within the bounds", 100, 50, 200, 100, 100},
		{"took more for certain", 100, 300, 400, 320, 340},
		{"took less for certain", 1000, 50, 200, 210, 230},
		{"nothing was collected", 100, 0, 95, 100, 100},
		{"only the least is known", 100, 10, math.MaxInt64, 100, 100},
	} {
		if got := correct(tc.predicted, heapRange{tc.least, tc.most}); got < tc.wantLo || got > tc.wantHi {
			t.Errorf("%s: got %d, want %d to %d", tc.name, got, tc.wantLo, tc.wantHi)
		}
	}
}

// TestCostsGrow compares predictions of circuits of different sizes.
func TestCostsGrow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	small := scheme.Size{Constraints: 1000, Variables: 1200, Public: 3, Rows: 2000}
	large := scheme.Size{Constraints: 100_000, Variables: 120_000, Public: 3, Rows: 200_000}
	a, b := r.back.Cost(small, 1), r.back.Cost(large, 1)
	if a.Bytes < 1<<20 || b.Bytes < 20*a.Bytes/4 || a.Work <= 0 || b.Work < 20*a.Work {
		t.Errorf("got %+v and %+v", a, b)
	}
	if c := r.back.Cost(large, 8); c.Bytes <= b.Bytes || c.Work != b.Work {
		t.Errorf("on 8 threads: got %+v, want more memory than %+v and the same work", c, b)
	}
}

// TestCostsAreKept learns from proofs; another process, and one after a
// restart, know what was learned.
func TestCostsAreKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	costs := NewCosts(r.kit, r.registry, 1)
	first, ok := costs.Predict(c.ID, k.ID)
	if !ok || first.Proofs != 0 || first.Bytes <= 0 || first.Work <= 0 {
		t.Fatalf("got %+v, %v, want an estimate by size", first, ok)
	}
	heap := heapRange{least: 2 * first.Bytes, most: 3 * first.Bytes}
	r.check(costs.observe(t.Context(), c.ID, k.ID, observation{took: 3 * time.Second, threads: 1, heap: &heap, cold: true}))
	got, _ := costs.Predict(c.ID, k.ID)
	if got.Proofs != 1 || got.Bytes < 2*first.Bytes || got.Bytes > 3*first.Bytes || got.Work != 3*time.Second {
		t.Errorf("got %+v after %+v, want what was seen", got, first)
	}
	later, err := registry.Open(t.Context(), r.engine, r.blobs, registry.Config{})
	r.check(err)
	defer later.Close()
	if again, _ := NewCosts(r.kit, later, 1).Predict(c.ID, k.ID); again != got {
		t.Errorf("another process: got %+v, want %+v", again, got)
	}
	monstrous := heapRange{least: 1000 * first.Bytes, most: math.MaxInt64}
	r.check(costs.observe(t.Context(), c.ID, k.ID, observation{took: time.Second, threads: 4, heap: &monstrous}))
	if got, _ := costs.Predict(c.ID, k.ID); got.Bytes > maxCorrection*first.Bytes {
		t.Errorf("got %d bytes, want no more than %d times the model's %d", got.Bytes, maxCorrection, first.Bytes)
	}
	if n := costs.Need(c.ID, k.ID, 1<<20); n.Bytes <= 1<<20 {
		t.Errorf("got %+v, want the arguments counted", n)
	}
	r.check(r.registry.Remove(t.Context(), c.ID))
	if _, ok := costs.Predict(c.ID, k.ID); ok {
		t.Error("got an estimate for a circuit that was removed")
	}
	if _, ok := r.registry.Usage(c.ID, k.ID); ok {
		t.Error("what was learned outlives the circuit")
	}
	r.check(costs.observe(t.Context(), c.ID, k.ID, observation{took: time.Second, threads: 1}))
	if _, ok := costs.Predict(store.Digest{1}, store.Digest{}); ok {
		t.Error("got an estimate for no circuit")
	}
}

// TestSampler watches the heap while something is held. It isn't parallel:
// what other tests let go of meanwhile would count against it, and so may the
// remains of earlier ones, which is why half of what is held is enough.
func TestSampler(t *testing.T) {
	s := sampleHeap()
	held := make([]byte, 64<<20)
	got := s.end()
	if got.most < int64(len(held)/2) || got.least < 0 {
		t.Errorf("got %+v, want at least %d bytes as the most", got, len(held)/2)
	}
	held[0] = 1
	s = sampleHeap()
	lent := scratch.Lend[byte](32 << 20)
	scratch.Return(lent)
	if got := s.end(); got.most < int64(len(lent)) {
		t.Errorf("got %+v, want the %d bytes that were lent", got, len(lent))
	}
}
