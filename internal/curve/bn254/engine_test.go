package bn254

import (
	"runtime"
	"testing"

	"provery/internal/msm"
)

// TestBest checks that trees are for enough terms, and kernels for CPUs that have
// what they need.
func TestBest(t *testing.T) {
	t.Parallel()
	want := Library
	switch {
	case msm.Accelerated():
		want = Kernels
	case runtime.GOARCH == "amd64":
		want = Vectors
	}
	for n, engine := range map[int]Engine{0: Library, fewTerms - 1: Library, fewTerms: want, 1 << 20: want} {
		if got := best(n); got != engine {
			t.Errorf("%d terms: got engine %d, want %d", n, got, engine)
		}
	}
}
