package msm

import (
	"math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
)

// TestAdders compares every adder with the library's addition, on batches of
// all lengths around the kernels' groups of eight, with special cases in all
// places.
func TestAdders(t *testing.T) {
	t.Parallel()
	src1 := append([]bn254.G1Affine{{}}, supply.g1[:100]...)
	src2 := append([]bn254.G2Affine{{}}, supply.g2[:100]...)
	for _, portable := range []bool{false, true} {
		testAdder(t, groupG1{}.adder(portable), src1, exceptG1)
		testAdder(t, groupG2{}.adder(portable), src2, exceptG2)
	}
}

func testAdder[A comparable](t *testing.T, a adder[A], src []A, except func(dst *A, src []A, pick1, pick2 uint32)) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(11, 12))
	for _, n := range []int{0, 1, 2, 7, 8, 9, 15, 16, 17, 24, 100, 500, maxBatch - 1, maxBatch} {
		pairs := make([]uint32, 2*n)
		for i := range pairs {
			pairs[i] = uint32(rnd.IntN(2 * len(src)))
		}
		for i := 0; i < n; i += 1 + rnd.IntN(20) { // equal, opposite, infinity
			switch rnd.IntN(4) {
			case 0:
				pairs[2*i+1] = pairs[2*i]
			case 1:
				pairs[2*i+1] = pairs[2*i] ^ 1
			default:
				pairs[2*i+rnd.IntN(2)] = uint32(rnd.IntN(2))
			}
		}
		got := make([]A, n+1)
		got[n] = src[1]
		a.add(got[:n], src, pairs)
		for i := range n {
			var want A
			if except(&want, src, pairs[2*i], pairs[2*i+1]); got[i] != want {
				t.Errorf("batch of %d: the sum of pair %d, %d and %d, is wrong", n, i, pairs[2*i], pairs[2*i+1])
			}
		}
		if got[n] != src[1] {
			t.Errorf("batch of %d: wrote past the end", n)
		}
	}
}
