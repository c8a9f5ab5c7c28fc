package msm

import (
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

type pointG1 = bn254.G1Affine

// groupG1 implements group.
type groupG1 struct{}

func (groupG1) isInfinity(p *bn254.G1Affine) bool              { return p.IsInfinity() }
func (groupG1) neg(p *bn254.G1Affine)                          { p.Neg(p) }
func (groupG1) fromJacobian(p *bn254.G1Affine, q *bn254.G1Jac) { p.FromJacobian(q) }
func (groupG1) memory() *pool[bn254.G1Affine]                  { return &memoryG1 }

func (groupG1) adder(portable bool) adder[bn254.G1Affine] {
	if a := newKernelG1(); a != nil && !portable {
		return a
	}
	return newVectorG1()
}

// vectorG1 adds points of G1 by gnark-crypto's vector operations.
type vectorG1 struct {
	x1, y1, x2, y2 fp.Vector
	d, t           fp.Vector
	inverter       inverter
	special        []int
}

func newVectorG1() *vectorG1 {
	v := func() fp.Vector { return make(fp.Vector, maxBatch) }
	return &vectorG1{x1: v(), y1: v(), x2: v(), y2: v(), d: v(), t: v(), inverter: newInverter()}
}

// add implements adder by the chord rule, and exceptG1 for the pairs that it doesn't
// hold for.
func (s *vectorG1) add(dst, src []bn254.G1Affine, pairs []uint32) {
	n := len(dst)
	x1, y1, x2, y2, d, t := s.x1[:n], s.y1[:n], s.x2[:n], s.y2[:n], s.d[:n], s.t[:n]
	for i := range n {
		signedG1(&x1[i], &y1[i], src, pairs[2*i])
		signedG1(&x2[i], &y2[i], src, pairs[2*i+1])
	}
	d.Sub(x2, x1)
	s.special = s.special[:0]
	for i := range d {
		// x = 0 is infinity, or a point that may as well go the long way.
		if d[i].IsZero() || x1[i].IsZero() || x2[i].IsZero() {
			s.special = append(s.special, i)
			d[i].SetOne()
		}
	}
	s.inverter.invert(d)
	t.Sub(y2, y1)
	t.Mul(t, d) // the slope
	d.Mul(t, t)
	d.Sub(d, x1)
	d.Sub(d, x2) // x
	x1.Sub(x1, d)
	x1.Mul(x1, t)
	x1.Sub(x1, y1) // y
	for i := range dst {
		dst[i].X, dst[i].Y = d[i], x1[i]
	}
	for _, i := range s.special {
		exceptG1(&dst[i], src, pairs[2*i], pairs[2*i+1])
	}
}

// signedG1 sets x and y to the coordinates of the point of src that pick names.
func signedG1(x, y *fp.Element, src []bn254.G1Affine, pick uint32) {
	p := &src[pick>>1]
	*x, *y = p.X, p.Y
	if pick&1 == 1 {
		y.Neg(y)
	}
}

// exceptG1 adds two signed points of src, whatever they are.
func exceptG1(dst *bn254.G1Affine, src []bn254.G1Affine, pick1, pick2 uint32) {
	var p, q bn254.G1Affine
	signedG1(&p.X, &p.Y, src, pick1)
	signedG1(&q.X, &q.Y, src, pick2)
	dst.Add(&p, &q)
}
