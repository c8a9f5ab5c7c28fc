// Package curvetest is the suite that every adapter below package curve
// passes. It compares them with slow and plain computations: math/big for
// field elements, double-and-add for groups, the definition for transforms.
package curvetest

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"provery/internal/curve"
)

// Subject is the adapter under test with what the suite can't make itself.
type Subject[S, A1, A2 any] struct {
	Suite *curve.Suite[S, A1, A2]
	// OutsideG1 and OutsideG2 are points on the curve but not in the
	// subgroup of order r. OutsideG1 is empty where there are none (BN254).
	OutsideG1 []A1
	OutsideG2 []A2
	// Root is, in decimal, a root of unity of order 2^TwoAdicity that key
	// files use in place of the adapter's own; "" if there is none.
	Root string
}

// Run runs the suite. t must not be parallel, since one of the tests counts
// allocations; the others then run in parallel.
func Run[S, A1, A2 any](t *testing.T, subject Subject[S, A1, A2]) {
	s := subject.Suite
	t.Run("Allocations", func(t *testing.T) { testAllocations(t, s.Field) })
	t.Run("Params", func(t *testing.T) { testParams(t, s.Params) })
	t.Run("Field", func(t *testing.T) { testField(t, s.Field) })
	t.Run("Vectors", func(t *testing.T) { testVectors(t, s.Field) })
	t.Run("Scalars", func(t *testing.T) { testScalarEncoding(t, s.Field) })
	t.Run("Combine", func(t *testing.T) { testCombine(t, s.Field) })
	t.Run("Domain", func(t *testing.T) { testDomain(t, subject) })
	t.Run("Quotient", func(t *testing.T) { testQuotient(t, subject) })
	t.Run("OddQuotient", func(t *testing.T) { testOddQuotient(t, subject) })
	t.Run("SquareQuotient", func(t *testing.T) { testSquareQuotient(t, subject) })
	t.Run("Interpolate", func(t *testing.T) { testInterpolate(t, subject) })
	t.Run("Canceled", func(t *testing.T) { testCanceled(t, subject) })
	t.Run("G1", func(t *testing.T) { testGroup(t, s.Field, s.G1, subject.OutsideG1, s.Params.G1Bytes()) })
	t.Run("G2", func(t *testing.T) { testGroup(t, s.Field, s.G2, subject.OutsideG2, s.Params.G2Bytes()) })
	t.Run("Sum", func(t *testing.T) { testSum(t, s) })
	t.Run("Pairing", func(t *testing.T) { testPairing(t, s) })
}

// random returns the generator of test data for t. Its seed is printed if t fails.
func random(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// bytesOf reads random bytes; it is an io.Reader.
type bytesOf struct{ *rand.Rand }

func (r bytesOf) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return len(p), nil
}

// scalars returns n field elements: edge values first, then random ones of
// full size mixed with zeros, ones, minus ones and small ones.
func scalars[S any](t testing.TB, f curve.Field[S], rnd *rand.Rand, n int) []S {
	t.Helper()
	out := make([]S, n)
	if err := f.Random(out, bytesOf{rnd}); err != nil {
		t.Fatal(err)
	}
	r := f.Params().ScalarModulus
	half := new(big.Int).Rsh(r, 1)
	edges := []*big.Int{
		big.NewInt(0), big.NewInt(1), big.NewInt(-1), big.NewInt(2), big.NewInt(-2),
		half, new(big.Int).Add(half, big.NewInt(1)), new(big.Int).Lsh(big.NewInt(1), uint(r.BitLen()-1)),
	}
	for i := range out {
		switch {
		case i < len(edges):
			f.SetBig(&out[i], edges[i])
		case rnd.IntN(4) == 0:
			f.SetBig(&out[i], big.NewInt(rnd.Int64N(7)-3))
		}
	}
	return out
}

// value returns a's canonical value.
func value[S any](f curve.Field[S], a *S) *big.Int { return f.Big(new(big.Int), a) }

// fromBig returns v mod r.
func fromBig[S any](f curve.Field[S], v *big.Int) S {
	var e S
	f.SetBig(&e, v)
	return e
}

func testParams(t *testing.T, p *curve.Params) {
	t.Parallel()
	s := new(big.Int).Sub(p.ScalarModulus, big.NewInt(1)).TrailingZeroBits()
	if int(s) != p.TwoAdicity {
		t.Errorf("got two-adicity %d, want %d", p.TwoAdicity, s)
	}
	if got, want := p.ScalarBits, p.ScalarModulus.BitLen(); got != want {
		t.Errorf("got %d scalar bits, want %d", got, want)
	}
	if got, want := p.ScalarBytes, (p.ScalarModulus.BitLen()+63)/64*8; got != want {
		t.Errorf("got %d scalar bytes, want %d", got, want)
	}
	if got, want := p.BaseBytes, (p.BaseModulus.BitLen()+63)/64*8; got != want {
		t.Errorf("got %d base bytes, want %d", got, want)
	}
	for name, m := range map[string]*big.Int{"r": p.ScalarModulus, "p": p.BaseModulus} {
		if !m.ProbablyPrime(20) {
			t.Errorf("%s isn't prime", name)
		}
	}
}
