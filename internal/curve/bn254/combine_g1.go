package bn254

import (
	"context"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/parallel"
)

// Scale returns k·points[i] for each i, as curve.Group says.
func (G1) Scale(ctx context.Context, points []bn254.G1Affine, k *fr.Element, threads int) ([]bn254.G1Affine, error) {
	out := make([]bn254.G1Affine, len(points))
	factor := factorOf(k)
	err := parallel.Chunks(ctx, threads, len(points), batchWidthG1, func(lo, hi int) error {
		var products [batchWidthG1]bn254.G1Jac
		for i := lo; i < hi; i++ {
			factor.addToG1(&products[i-lo], &points[i])
		}
		normalizeG1(out[lo:hi], products[:hi-lo])
		return nil
	})
	return out, err
}

// Combine returns the value of every row of m at points, as curve.Group says.
func (G1) Combine(ctx context.Context, m *curve.Sparse, table []fr.Element, points []bn254.G1Affine, threads int) ([]bn254.G1Affine, error) {
	factors := make([]factor, len(table))
	for i := range table {
		factors[i] = factorOf(&table[i])
	}
	for _, column := range m.Columns[m.Start[0]:m.Start[len(m.Start)-1]] {
		if int(column) >= len(points) {
			return nil, fault.New(fault.Internal, "a combination of point %d of %d", column, len(points))
		}
	}
	out := make([]bn254.G1Affine, m.NumRows())
	const chunk = batchWidthG1 / 4 // rows; some have thousands of terms
	err := parallel.Chunks(ctx, threads, len(out), chunk, func(lo, hi int) error {
		var sums [chunk]bn254.G1Jac
		for i := lo; i < hi; i++ {
			for k := m.Start[i]; k < m.Start[i+1]; k++ {
				if k%batchWidthG1 == 0 && ctx.Err() != nil {
					return ctx.Err()
				}
				factors[m.Coef(int(k))].addToG1(&sums[i-lo], &points[m.Columns[k]])
			}
		}
		normalizeG1(out[lo:hi], sums[:hi-lo])
		return nil
	})
	return out, err
}

// addToG1 adds the factor's multiple of p to sum.
func (f *factor) addToG1(sum *bn254.G1Jac, p *bn254.G1Affine) {
	q := *p
	if f.negative {
		q.Neg(&q)
	}
	switch {
	case f.small == 1:
		sum.AddMixed(&q)
	case f.large == nil:
		var product bn254.G1Jac
		for bit := f.top(); bit >= 0; bit-- {
			product.DoubleAssign()
			if f.small>>bit&1 == 1 {
				product.AddMixed(&q)
			}
		}
		sum.AddAssign(&product)
	default:
		var product bn254.G1Jac
		product.FromAffine(&q)
		product.ScalarMultiplication(&product, f.large)
		sum.AddAssign(&product)
	}
}

// normalizeG1 sets dst to points in affine form, with one inversion.
func normalizeG1(dst []bn254.G1Affine, points []bn254.G1Jac) {
	products := make([]coordinateG1, len(points))
	var product, inverse, square coordinateG1
	product.SetOne()
	for i := range points {
		if z := &points[i].Z; !z.IsZero() {
			products[i] = product
			product.Mul(&product, z)
		}
	}
	product.Inverse(&product)
	for i := len(points) - 1; i >= 0; i-- {
		p := &points[i]
		if p.Z.IsZero() {
			dst[i] = bn254.G1Affine{}
			continue
		}
		inverse.Mul(&products[i], &product)
		product.Mul(&product, &p.Z)
		square.Square(&inverse)
		dst[i].X.Mul(&p.X, &square)
		dst[i].Y.Mul(&p.Y, &square)
		dst[i].Y.Mul(&dst[i].Y, &inverse)
	}
}
