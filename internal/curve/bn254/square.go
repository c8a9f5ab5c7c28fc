package bn254

import (
	"context"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/fault"
	"provery/internal/parallel"
)

// SquareQuotient overwrites a with the coefficients below X^n of
// ((A + shift·Z)² - C)/Z, as curve.Domain says. It takes four transforms.
//
// It goes the way of Quotient. On the coset Z is the constant g^n - 1, so that
// the multiple of Z is a constant too, added before squaring. The result is
// known mod X^n - g^n, where its leading term shift²·X^n has fallen onto the
// constant one; it is taken off there.
func (d *Domain) SquareQuotient(ctx context.Context, a, c []fr.Element, shift *fr.Element, threads int) error {
	if len(a) != d.n || len(c) != d.n {
		return fault.New(fault.Internal, "quotient of %d and %d evaluations on %d points", len(a), len(c), d.n)
	}
	one := fr.One()
	var constant, fallen fr.Element
	constant.Sub(&d.onCoset, &one)
	constant.Mul(&constant, shift)
	fallen.Square(shift)
	fallen.Mul(&fallen, &d.onCoset)
	if d.plan != nil {
		// A constant is the same on the domain as on the coset.
		for i := range a {
			a[i].Add(&a[i], &constant)
		}
		err := d.plan.SquareQuotient(ctx, a, c, threads)
		a[0].Sub(&a[0], &fallen)
		return err
	}
	err := inSteps(ctx,
		func() error { return d.nttToBitReversed(ctx, a, threads) },
		func() error { return d.toCosetNatural(ctx, a, threads) },
		func() error { return d.square(ctx, a, &constant, threads) },
		func() error { return d.nttToBitReversed(ctx, a, threads) },
		func() error { return d.nttToBitReversed(ctx, c, threads) },
		func() error { return d.difference(ctx, a, c, threads) },
	)
	a[0].Sub(&a[0], &fallen)
	return err
}

// square replaces each element by the square of its sum with constant.
func (d *Domain) square(ctx context.Context, a []fr.Element, constant *fr.Element, threads int) error {
	return parallel.Chunks(ctx, threads, d.n, 1<<12, func(lo, hi int) error {
		v, k := fr.Vector(a[lo:hi]), *constant
		for i := range v {
			v[i].Add(&v[i], &k)
		}
		v.Mul(v, v)
		return nil
	})
}

// Interpolate sets dst to the coefficients of the polynomial with the
// evaluations a, as curve.Domain says. It takes one transform.
func (d *Domain) Interpolate(ctx context.Context, dst, a []fr.Element, threads int) error {
	if len(a) != d.n || len(dst) != d.n {
		return fault.New(fault.Internal, "interpolation of %d evaluations on %d points", len(a), d.n)
	}
	var inverse fr.Element
	inverse.SetUint64(uint64(d.n))
	inverse.Inverse(&inverse)
	return inSteps(ctx,
		func() error { return d.nttToBitReversed(ctx, a, threads) },
		func() error {
			return parallel.Chunks(ctx, threads, d.n, 1<<12, func(lo, hi int) error {
				for j := lo; j < hi; j++ {
					dst[j].Mul(&inverse, &a[d.reverse((d.n-j)&(d.n-1))])
				}
				return nil
			})
		},
	)
}
