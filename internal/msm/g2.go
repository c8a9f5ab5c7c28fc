package msm

import (
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

type pointG2 = bn254.G2Affine

// groupG2 implements group.
type groupG2 struct{}

func (groupG2) isInfinity(p *bn254.G2Affine) bool              { return p.IsInfinity() }
func (groupG2) neg(p *bn254.G2Affine)                          { p.Neg(p) }
func (groupG2) fromJacobian(p *bn254.G2Affine, q *bn254.G2Jac) { p.FromJacobian(q) }
func (groupG2) memory() *pool[bn254.G2Affine]                  { return &memoryG2 }

func (groupG2) adder(portable bool) adder[bn254.G2Affine] {
	if a := newKernelG2(); a != nil && !portable {
		return a
	}
	return newVectorG2()
}

// pairVector is a vector of elements c0 + c1·u of the quadratic extension,
// u² = -1.
type pairVector struct{ c0, c1 fp.Vector }

func newPairVector() pairVector {
	return pairVector{make(fp.Vector, maxBatch), make(fp.Vector, maxBatch)}
}

func (v pairVector) first(n int) pairVector { return pairVector{v.c0[:n], v.c1[:n]} }

func (v pairVector) set(i int, e *bn254.E2) { v.c0[i], v.c1[i] = e.A0, e.A1 }

func (v pairVector) at(i int) bn254.E2 { return bn254.E2{A0: v.c0[i], A1: v.c1[i]} }

func (v pairVector) isZero(i int) bool { return v.c0[i].IsZero() && v.c1[i].IsZero() }

func (v pairVector) sub(a, b pairVector) {
	v.c0.Sub(a.c0, b.c0)
	v.c1.Sub(a.c1, b.c1)
}

// vectorG2 is vectorG1 for G2.
type vectorG2 struct {
	x1, y1, x2, y2 pairVector
	d, t           pairVector
	w0, w1, w2     fp.Vector
	inverter       inverter
	special        []int
}

func newVectorG2() *vectorG2 {
	v := func() fp.Vector { return make(fp.Vector, maxBatch) }
	return &vectorG2{
		x1: newPairVector(), y1: newPairVector(), x2: newPairVector(), y2: newPairVector(),
		d: newPairVector(), t: newPairVector(), w0: v(), w1: v(), w2: v(), inverter: newInverter(),
	}
}

// mul sets z to a·b; z may be a or b.
func (s *vectorG2) mul(z, a, b pairVector) {
	n := len(a.c0)
	w0, w1, w2 := s.w0[:n], s.w1[:n], s.w2[:n]
	w0.Add(a.c0, a.c1)
	w1.Add(b.c0, b.c1)
	w2.Mul(w0, w1)
	w0.Mul(a.c0, b.c0)
	w1.Mul(a.c1, b.c1)
	z.c0.Sub(w0, w1)
	w2.Sub(w2, w0)
	z.c1.Sub(w2, w1)
}

// square sets z to a²; they don't overlap.
func (s *vectorG2) square(z, a pairVector) {
	n := len(a.c0)
	w0, w1 := s.w0[:n], s.w1[:n]
	w0.Add(a.c0, a.c1)
	w1.Sub(a.c0, a.c1)
	z.c0.Mul(w0, w1)
	w0.Mul(a.c0, a.c1)
	z.c1.Add(w0, w0)
}

// invert inverts the elements of d, none of which is 0, as their conjugates
// over their norms.
func (s *vectorG2) invert(d pairVector) {
	n := len(d.c0)
	norm, t := s.w0[:n], s.w1[:n]
	norm.Mul(d.c0, d.c0)
	t.Mul(d.c1, d.c1)
	norm.Add(norm, t)
	s.inverter.invert(norm)
	d.c0.Mul(d.c0, norm)
	d.c1.Mul(d.c1, norm)
	clear(t)
	d.c1.Sub(t, d.c1)
}

// add implements adder, as vectorG1 does.
func (s *vectorG2) add(dst, src []bn254.G2Affine, pairs []uint32) {
	n := len(dst)
	x1, y1, x2, y2, d, t := s.x1.first(n), s.y1.first(n), s.x2.first(n), s.y2.first(n), s.d.first(n), s.t.first(n)
	for i := range n {
		signedG2(x1, y1, i, src, pairs[2*i])
		signedG2(x2, y2, i, src, pairs[2*i+1])
	}
	d.sub(x2, x1)
	s.special = s.special[:0]
	for i := range n {
		if d.isZero(i) || x1.isZero(i) || x2.isZero(i) {
			s.special = append(s.special, i)
			d.c0[i].SetOne()
		}
	}
	s.invert(d)
	t.sub(y2, y1)
	s.mul(t, t, d) // the slope
	s.square(d, t)
	d.sub(d, x1)
	d.sub(d, x2) // x
	x1.sub(x1, d)
	s.mul(x1, x1, t)
	x1.sub(x1, y1) // y
	for i := range dst {
		dst[i].X, dst[i].Y = d.at(i), x1.at(i)
	}
	for _, i := range s.special {
		exceptG2(&dst[i], src, pairs[2*i], pairs[2*i+1])
	}
}

// signedG2 sets x[i] and y[i] to the coordinates of the point of src that pick names.
func signedG2(x, y pairVector, i int, src []bn254.G2Affine, pick uint32) {
	p := &src[pick>>1]
	x.set(i, &p.X)
	y.set(i, &p.Y)
	if pick&1 == 1 {
		y.c0[i].Neg(&y.c0[i])
		y.c1[i].Neg(&y.c1[i])
	}
}

// exceptG2 adds two signed points of src, whatever they are.
func exceptG2(dst *bn254.G2Affine, src []bn254.G2Affine, pick1, pick2 uint32) {
	p, q := src[pick1>>1], src[pick2>>1]
	if pick1&1 == 1 {
		p.Neg(&p)
	}
	if pick2&1 == 1 {
		q.Neg(&q)
	}
	dst.Add(&p, &q)
}
