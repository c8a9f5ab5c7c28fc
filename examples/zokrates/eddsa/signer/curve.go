package signer

import "math/big"

// The curve is a*x^2 + y^2 = 1 + d*x^2*y^2 over the scalar field of bn128. As a
// is a square and d is not, the addition law below holds for all pairs of points.
// The values are those of the ZoKrates standard library (ecc/babyjubjubParams).
var (
	// fieldOrder is the scalar modulus of bn128.
	fieldOrder = decimal("21888242871839275222246405745257275088548364400416034343698204186575808495617")
	// groupOrder is the prime order of the subgroup that base generates; the
	// whole curve has eight times as many points.
	groupOrder = decimal("2736030358979909402780800718157159386076813972158567259200215660948447373041")
	coeffA     = big.NewInt(168700)
	coeffD     = big.NewInt(168696)
	base       = Point{
		X: decimal("16540640123574156134436876038791482806971768689494387082833631921987005038935"),
		Y: decimal("20819045374670962167435360035096875258406992893633759881276124905556507972311"),
	}
)

// Point is an affine point of the BabyJubJub curve. Its coordinates are below the
// field's modulus. Points are values: no function changes a coordinate in place.
type Point struct {
	X, Y *big.Int
}

// identity returns the neutral element.
func identity() Point { return Point{X: new(big.Int), Y: big.NewInt(1)} }

// Equal reports whether p and q are the same point.
func (p Point) Equal(q Point) bool { return p.X.Cmp(q.X) == 0 && p.Y.Cmp(q.Y) == 0 }

// OnCurve reports whether p's coordinates are in range and satisfy the equation.
func (p Point) OnCurve() bool {
	if !inRange(p.X, fieldOrder) || !inRange(p.Y, fieldOrder) {
		return false
	}
	xx, yy := mul(p.X, p.X), mul(p.Y, p.Y)
	left := add(mul(coeffA, xx), yy)
	right := add(big.NewInt(1), mul(coeffD, mul(xx, yy)))
	return left.Cmp(right) == 0
}

// plus returns p + q.
func (p Point) plus(q Point) Point {
	xy, yx := mul(p.X, q.Y), mul(p.Y, q.X)
	t := mul(coeffD, mul(xy, yx))
	one := big.NewInt(1)
	return Point{
		X: div(add(xy, yx), add(one, t)),
		Y: div(sub(mul(p.Y, q.Y), mul(coeffA, mul(p.X, q.X))), sub(one, t)),
	}
}

// times returns k*p for k >= 0 by doubling and adding: about 10 ms.
func (p Point) times(k *big.Int) Point {
	sum := identity()
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = sum.plus(sum)
		if k.Bit(i) == 1 {
			sum = sum.plus(p)
		}
	}
	return sum
}

func add(x, y *big.Int) *big.Int { z := new(big.Int).Add(x, y); return z.Mod(z, fieldOrder) }
func sub(x, y *big.Int) *big.Int { z := new(big.Int).Sub(x, y); return z.Mod(z, fieldOrder) }
func mul(x, y *big.Int) *big.Int { z := new(big.Int).Mul(x, y); return z.Mod(z, fieldOrder) }

// div returns x/y; y is not zero.
func div(x, y *big.Int) *big.Int { return mul(x, new(big.Int).ModInverse(y, fieldOrder)) }

// inRange reports whether 0 <= x < n; a nil x is not.
func inRange(x, n *big.Int) bool { return x != nil && x.Sign() >= 0 && x.Cmp(n) < 0 }

// decimal parses a constant of this package.
func decimal(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic("signer: bad constant " + s)
	}
	return n
}
