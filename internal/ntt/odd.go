package ntt

import (
	"context"
	"runtime"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/fault"
	"provery/internal/scratch"
)

// oddTables are for evaluation at the odd powers of root.
type oddTables struct {
	root  fr.Element
	toOdd []lanes
	// order is where the elements of each block by part belong, in units of
	// eight.
	order           []uint32
	product, factor element // of A·B and of C
}

// OddQuotient sets h to the evaluations of A·B - C at the odd powers of root,
// whose square is Omega, as curve.Domain says. It takes six transforms and is
// otherwise like Quotient.
func (p *Plan) OddQuotient(ctx context.Context, h []fr.Element, a, b, c func([]fr.Element) error, root *fr.Element, threads int) error {
	if len(h) != p.n {
		return fault.New(fault.Internal, "quotient of %d evaluations on %d points", len(h), p.n)
	}
	t := p.oddTables(root)
	x, y := scratch.Lend[lanes](p.parts), scratch.Lend[lanes](p.parts)
	defer scratch.Return(x)
	defer scratch.Return(y)
	r := run{p, ctx, threads}
	defer p.keep(t)
	err := inSteps(
		func() error { return a(h) },
		func() error { return r.evaluate(x, h, t.toOdd) },
		func() error { return b(h) },
		func() error { return r.evaluate(y, h, t.toOdd) },
		func() error { return r.blocks(func(lo, hi int) { multiply(&x[lo], &y[lo], hi-lo) }) },
		func() error { return c(h) },
		func() error { return r.evaluate(y, h, t.toOdd) },
		func() error {
			return r.blocks(func(lo, hi int) {
				differenceOfParts(&h[0], &x[lo], &y[lo], &t.product, &t.factor, &t.order[lo], (hi-lo)/2)
			})
		},
	)
	// The transforms leave the evaluation at root·omega^(-i) at i.
	reverse(h[1:])
	return err
}

// oddTables returns the tables for root, which are made once: a key has one root.
func (p *Plan) oddTables(root *fr.Element) *oddTables {
	if known := p.odd.Load(); known != nil && known.root == *root {
		return known
	}
	t := &oddTables{root: *root, toOdd: scratch.Lend[lanes](p.parts), order: make([]uint32, p.parts)}
	// The forward transform leaves n times the coefficient of X^j at frequency
	// -j mod n.
	power := fr.NewElement(uint64(p.n))
	power.Inverse(&power)
	for j := range p.n {
		i := p.position((p.n - j) % p.n)
		t.toOdd[i%p.parts].set(i/p.parts, &power, 16)
		power.Mul(&power, root)
	}
	for i := range t.order {
		t.order[i] = uint32(i%8*p.parts/8 + i/8)
	}
	one := fr.One()
	var minusOne fr.Element
	minusOne.Neg(&one)
	var f lanes
	f.set(0, &one, 256) // the product of two vectors lacks a factor of 16
	f.set(1, &minusOne, 16)
	t.product, t.factor = f.lane(0), f.lane(1)
	runtime.AddCleanup(t, scratch.Return[lanes], t.toOdd)
	p.odd.Store(t)
	return t
}
