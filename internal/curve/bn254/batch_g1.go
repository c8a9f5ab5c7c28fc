package bn254

import (
	"github.com/consensys/gnark-crypto/ecc/bn254"
)

// batchWidthG1 is the number of additions that share one inversion: enough
// that the inversion's cost vanishes, few enough to stay in the cache.
const batchWidthG1 = 512

// batchG1 adds points in affine coordinates, up to batchWidthG1 pairs with one
// inversion: six multiplications for each pair in place of the eleven of a
// mixed addition (Montgomery's trick). It isn't safe for concurrent use.
type batchG1 struct {
	denominators, products [batchWidthG1]coordinateG1
}

// add sets a[i] to a[i]+b[i] for at most batchWidthG1 pairs; a and b don't
// overlap. Doublings, opposite points and infinity are allowed everywhere.
func (s *batchG1) add(a, b []bn254.G1Affine) {
	var product coordinateG1
	product.SetOne()
	for i := range a {
		d := &s.denominators[i]
		p, q := &a[i], &b[i]
		*d = coordinateG1{}
		switch {
		case q.IsInfinity():
		case p.IsInfinity():
			*p = *q
		case p.X != q.X:
			d.Sub(&q.X, &p.X)
		case p.Y == q.Y:
			d.Double(&p.Y)
		default:
			*p = bn254.G1Affine{}
		}
		// A zero denominator says that the sum is done.
		if !d.IsZero() {
			s.products[i] = product
			product.Mul(&product, d)
		}
	}
	product.Inverse(&product)
	for i := len(a) - 1; i >= 0; i-- {
		d := &s.denominators[i]
		if d.IsZero() {
			continue
		}
		inverse := &s.products[i]
		inverse.Mul(inverse, &product)
		product.Mul(&product, d)
		addSlopeG1(&a[i], &b[i], inverse)
	}
}

// addSlopeG1 sets p to p+q, where inverse is that of the difference of the
// x-coordinates, or of 2y if p is q. All curves here are y² = x³ + b.
func addSlopeG1(p, q *bn254.G1Affine, inverse *coordinateG1) {
	var slope, x, t coordinateG1
	if p.X == q.X {
		t.Square(&p.X)
		slope.Double(&t)
		slope.Add(&slope, &t)
	} else {
		slope.Sub(&q.Y, &p.Y)
	}
	slope.Mul(&slope, inverse)
	x.Square(&slope)
	x.Sub(&x, &p.X)
	x.Sub(&x, &q.X)
	t.Sub(&p.X, &x)
	t.Mul(&t, &slope)
	p.Y.Sub(&t, &p.Y)
	p.X = x
}

// sum returns the sum of the signed points that picks names: 2i stands for
// points[i], 2i+1 for -points[i].
func (s *batchG1) sum(points []bn254.G1Affine, picks []uint32) bn254.G1Jac {
	var sums, block [batchWidthG1]bn254.G1Affine
	for len(picks) > 0 {
		k := min(len(picks), batchWidthG1)
		for i, pick := range picks[:k] {
			block[i] = points[pick>>1]
			if pick&1 == 1 {
				block[i].Neg(&block[i])
			}
		}
		s.add(sums[:k], block[:k])
		picks = picks[k:]
	}
	const few = 8
	for h := batchWidthG1 / 2; h >= few; h /= 2 {
		s.add(sums[:h], sums[h:2*h])
	}
	var total bn254.G1Jac
	for i := range sums[:few] {
		total.AddMixed(&sums[i])
	}
	return total
}
