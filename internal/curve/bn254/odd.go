package bn254

import (
	"context"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/fault"
	"provery/internal/parallel"
)

// oddPowers scales an inverse transform for evaluation at the odd powers of
// root: toOdd[rev(j)] = root^(-j mod n) / n, as Domain.toCoset does for g.
type oddPowers struct {
	root  fr.Element
	toOdd []fr.Element
}

// OddQuotient overwrites a with the evaluations of A·B - C at the odd powers of
// root, as curve.Domain says. It takes six transforms.
func (d *Domain) OddQuotient(ctx context.Context, a, b, c []fr.Element, root *fr.Element, threads int) error {
	if len(a) != d.n || len(b) != d.n || len(c) != d.n {
		return fault.New(fault.Internal, "quotient of %d, %d and %d evaluations on %d points", len(a), len(b), len(c), d.n)
	}
	var square fr.Element
	if square.Square(root); square != d.omega {
		return fault.New(fault.Internal, "quotient at odd powers of a root that isn't a square root of the domain's")
	}
	if d.plan != nil {
		return d.plan.OddQuotient(ctx, a, b, c, root, threads)
	}
	table := d.oddTable(root)
	var steps []func() error
	for _, v := range [][]fr.Element{a, b, c} {
		steps = append(steps,
			func() error { return d.nttToBitReversed(ctx, v, threads) },
			func() error { return d.mul(ctx, v, table, threads) },
			func() error { return d.nttToNatural(ctx, v, threads) })
	}
	return inSteps(ctx, append(steps, func() error { return d.oddDifference(ctx, a, b, c, threads) })...)
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

// oddDifference sets a to a·b - c in the order of root^(2i+1). The transforms
// leave the evaluation at root·omega^(-i), root^(1-2i), at i: the indexes are
// negated mod n.
func (d *Domain) oddDifference(ctx context.Context, a, b, c []fr.Element, threads int) error {
	err := parallel.Chunks(ctx, threads, d.n, 1<<12, func(lo, hi int) error {
		v := fr.Vector(a[lo:hi])
		v.Mul(v, b[lo:hi])
		v.Sub(v, c[lo:hi])
		return nil
	})
	for i, j := 1, d.n-1; i < j; i, j = i+1, j-1 {
		a[i], a[j] = a[j], a[i]
	}
	return err
}
