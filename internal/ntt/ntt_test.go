package ntt

import (
	"context"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/utils"
)

// value returns lane i, with limbs of up to 53 bits, as an element.
func (v *lanes) value(i int) (e fr.Element) {
	sum := new(big.Int)
	for k := limbs - 1; k >= 0; k-- {
		sum.Lsh(sum, 52)
		sum.Add(sum, new(big.Int).SetUint64(v[k][i]))
	}
	// The words of the element are the number's.
	var words big.Int
	words.Mod(sum, fr.Modulus())
	for k, w := range words.Bits() {
		e[k] = uint64(w)
	}
	return e
}

func testPlan(t *testing.T, n int) (*Plan, *fft.Domain) {
	t.Helper()
	if !Accelerated() {
		t.Skip("the CPU lacks the instructions")
	}
	d := fft.NewDomain(uint64(n))
	tables := Tables{N: n, Omega: d.Generator}
	return NewPlan(&tables), d
}

func randomVector(n int) []fr.Element {
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	v := make([]fr.Element, n)
	for i := range v {
		v[i].SetUint64(rnd.Uint64())
		v[i].Square(&v[i])
		v[i].Square(&v[i])
	}
	return v
}

// transform is the definition of the number-theoretic transform.
func transform(v []fr.Element, omega fr.Element) []fr.Element {
	n := len(v)
	powers := make([]fr.Element, n)
	x := fr.One()
	for i := range powers {
		powers[i] = x
		x.Mul(&x, &omega)
	}
	out := make([]fr.Element, n)
	var term fr.Element
	for i := range out {
		for j := range v {
			out[i].Add(&out[i], term.Mul(&v[j], &powers[i*j%n]))
		}
	}
	return out
}

func TestForward(t *testing.T) {
	t.Parallel()
	for _, n := range []int{MinSize, 2 * MinSize} {
		p, d := testPlan(t, n)
		v := randomVector(n)
		testForward(t, p, v, transform(v, d.Generator))
	}
	const n = 1 << 15
	p, d := testPlan(t, n)
	v := randomVector(n)
	want := append([]fr.Element{}, v...)
	d.FFT(want, fft.DIF, fft.WithNbTasks(1))
	utils.BitReverse(want)
	testForward(t, p, v, want)
}

// testForward checks the transform of v, and that the transform in the other
// direction of it is as if it had been made twice.
func testForward(t *testing.T, p *Plan, v, want []fr.Element) {
	t.Helper()
	for _, threads := range []int{1, 3} {
		r := run{p, context.Background(), threads}
		x := make([]lanes, p.parts)
		if err := inSteps(func() error { return r.load(x, v) }, func() error { return r.forward(x) }); err != nil {
			t.Fatal(err)
		}
		width := bits.Len(uint(p.n)) - 1
		for i := range p.n {
			frequency := int(bits.Reverse64(uint64(i)) >> (64 - width))
			if got := x[i%p.parts].value(i / p.parts); got != want[frequency] {
				t.Fatalf("n=%d, threads=%d: frequency %d is wrong", p.n, threads, frequency)
			}
		}
		if err := r.back(x); err != nil {
			t.Fatal(err)
		}
		// Transforming twice negates the indexes and multiplies by n.
		n := fr.NewElement(uint64(p.n))
		for i := range p.n {
			var twice fr.Element
			twice.Mul(&n, &v[(p.n-i)%p.n])
			at := i % p.parts
			if got := x[at/8*8+i/p.parts].value(at % 8); got != twice {
				t.Fatalf("n=%d, threads=%d: element %d is wrong after the way back", p.n, threads, i)
			}
		}
	}
}
