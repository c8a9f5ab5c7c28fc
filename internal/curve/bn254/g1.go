package bn254

import (
	"context"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/parallel"
)

// G1 is the group G1 of BN254; it implements curve.Group. Infinity is the
// affine point with both coordinates 0.
type G1 struct{}

// Bytes is the size of an encoded point.
func (G1) Bytes() int { return 2 * coordinateBytesG1 }

// Generator returns the standard generator.
func (G1) Generator() bn254.G1Affine {
	return generatorG1()
}

// Infinity returns the neutral element.
func (G1) Infinity() bn254.G1Affine { return bn254.G1Affine{} }

// IsInfinity reports whether a is the neutral element.
func (G1) IsInfinity(a *bn254.G1Affine) bool { return a.IsInfinity() }

// Equal reports whether a and b are the same point.
func (G1) Equal(a, b *bn254.G1Affine) bool { return *a == *b }

// Add returns a+b.
func (G1) Add(a, b *bn254.G1Affine) bn254.G1Affine {
	var sum bn254.G1Affine
	sum.Add(a, b)
	return sum
}

// Neg returns -a.
func (G1) Neg(a *bn254.G1Affine) bn254.G1Affine {
	var n bn254.G1Affine
	n.Neg(a)
	return n
}

// Mul returns k·a.
func (G1) Mul(a *bn254.G1Affine, k *fr.Element) bn254.G1Affine {
	var product bn254.G1Affine
	product.ScalarMultiplication(a, k.BigInt(new(big.Int)))
	return product
}

// Check reports the first point that isn't on the curve or not in the
// subgroup of order r, as curve.Group says. Each point is tested on its own:
// there is no error probability.
func (G1) Check(ctx context.Context, points []bn254.G1Affine, threads int) error {
	const chunk = 256
	return parallel.Chunks(ctx, threads, len(points), chunk, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			switch p := &points[i]; {
			case p.IsInfinity():
			case !p.IsOnCurve():
				return fault.New(fault.InvalidArtifact, "point %d of G1 isn't on the curve", i)
			case !p.IsInSubGroup():
				return fault.New(fault.InvalidArtifact, "point %d of G1 isn't in the subgroup", i)
			}
		}
		return nil
	})
}

// Decode reads uncompressed points, as curve.Group says.
func (G1) Decode(dst []bn254.G1Affine, src []byte) error {
	const size = 2 * coordinateBytesG1
	if len(src) != len(dst)*size {
		return fault.New(fault.InvalidArtifact, "read points of G1: %d bytes where %d are wanted", len(src), len(dst)*size)
	}
	for i := range dst {
		if !decodePointG1(&dst[i], (*[size]byte)(src[i*size:])) {
			return fault.New(fault.InvalidArtifact, "read points of G1: encoding of point %d isn't canonical", i)
		}
	}
	return nil
}

func decodePointG1(p *bn254.G1Affine, src *[2 * coordinateBytesG1]byte) bool {
	x := (*[coordinateBytesG1]byte)(src[:coordinateBytesG1])
	y := *(*[coordinateBytesG1]byte)(src[coordinateBytesG1:])
	infinity := y[coordinateBytesG1-1]&infinityFlag != 0
	y[coordinateBytesG1-1] &^= infinityFlag
	if !decodeCoordinateG1(&p.X, x) || !decodeCoordinateG1(&p.Y, &y) {
		return false
	}
	if !infinity {
		// (0, 0) is on none of the curves and stands for infinity in memory.
		return !p.IsInfinity()
	}
	if !p.X.IsZero() || !p.Y.IsOne() {
		return false
	}
	*p = bn254.G1Affine{}
	return true
}

// Encode writes points as Decode reads them.
func (G1) Encode(dst []byte, src []bn254.G1Affine) {
	const size = 2 * coordinateBytesG1
	for i := range src {
		p := src[i]
		b := dst[i*size : (i+1)*size]
		infinity := p.IsInfinity()
		if infinity {
			p.Y.SetOne()
		}
		encodeCoordinateG1((*[coordinateBytesG1]byte)(b[:coordinateBytesG1]), &p.X)
		encodeCoordinateG1((*[coordinateBytesG1]byte)(b[coordinateBytesG1:]), &p.Y)
		if infinity {
			b[size-1] |= infinityFlag
		}
	}
}

// FromMemory views b as points without copying, as curve.Group says.
func (G1) FromMemory(b []byte) ([]bn254.G1Affine, error) {
	return curve.FromMemory[bn254.G1Affine](b)
}

// Memory views v's storage as bytes without copying.
func (G1) Memory(v []bn254.G1Affine) []byte { return curve.Memory(v) }
