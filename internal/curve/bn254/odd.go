package bn254

import (
	"context"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/parallel"
	"provery/internal/scratch"
)

// oddPowers scales an inverse transform for evaluation at the odd powers of
// root: toOdd[rev(j)] = root^(-j mod n) / n, as Domain.toCoset does for g.
type oddPowers struct {
	root  fr.Element
	toOdd []fr.Element
}

// OddQuotient sets h to the evaluations of A·B - C at the odd powers of
// root, as curve.Domain says. It takes six transforms.
func (d *Domain) OddQuotient(ctx context.Context, h []fr.Element, e curve.Evaluations[fr.Element], root *fr.Element, threads int) error {
	if len(h) != d.n {
		return fault.New(fault.Internal, "quotient of %d evaluations on %d points", len(h), d.n)
	}
	var square fr.Element
	if square.Square(root); square != d.omega {
		return fault.New(fault.Internal, "quotient at odd powers of a root that isn't a square root of the domain's")
	}
	if d.plan != nil {
		return d.plan.OddQuotient(ctx, h, e.A, e.B, e.C, root, threads)
	}
	table := d.oddTable(root)
	v := scratch.Lend[fr.Element](d.n)
	defer scratch.Return(v)
	evaluate := func(v []fr.Element, from func([]fr.Element) error) error {
		return inSteps(ctx,
			func() error { return from(v) },
			func() error { return d.nttToBitReversed(ctx, v, threads) },
			func() error { return d.mul(ctx, v, table, threads) },
			func() error { return d.nttToNatural(ctx, v, threads) })
	}
	return inSteps(ctx,
		func() error { return evaluate(h, e.A) },
		func() error { return evaluate(v, e.B) },
		func() error { return d.mul(ctx, h, v, threads) },
		func() error { return evaluate(v, e.C) },
		func() error { return d.oddDifference(ctx, h, v, threads) },
	)
}

// oddTable returns the table for root, which is made once: a key has one root.
func (d *Domain) oddTable(root *fr.Element) []fr.Element {
	if known := d.odd.Load(); known != nil && known.root == *root {
		return known.toOdd
	}
	var n, power fr.Element
	n.SetUint64(uint64(d.n))
	power.Inverse(&n)
	o := &oddPowers{root: *root, toOdd: make([]fr.Element, d.n)}
	for j := range d.n {
		o.toOdd[d.reverse((d.n-j)&(d.n-1))] = power
		power.Mul(&power, root)
	}
	d.odd.Store(o)
	return o.toOdd
}

// oddDifference subtracts c from a, and brings it into the order of root^(2i+1).
// The transforms leave the evaluation at root·omega^(-i), root^(1-2i), at i: the
// indexes are negated mod n.
func (d *Domain) oddDifference(ctx context.Context, a, c []fr.Element, threads int) error {
	err := parallel.Chunks(ctx, threads, d.n, 1<<12, func(lo, hi int) error {
		v := fr.Vector(a[lo:hi])
		v.Sub(v, c[lo:hi])
		return nil
	})
	for i, j := 1, d.n-1; i < j; i, j = i+1, j-1 {
		a[i], a[j] = a[j], a[i]
	}
	return err
}
