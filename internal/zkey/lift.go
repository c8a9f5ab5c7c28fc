package zkey

import (
	"math/big"

	"provery/internal/curve"
)

// coordinateField computes square roots in the field of a group's coordinates: F_p, or
// F_p[u]/(u²+1), with p = 3 mod 4. It is slow, and needed once for each
// contribution.
type coordinateField struct {
	p        *big.Int
	r, rInv  *big.Int // the Montgomery constant
	size     int      // bytes of an element of F_p
	degree   int
	constant element // b of the curve y² = x³ + b
}

// element is c0 + c1·u; c1 is 0 in F_p.
type element struct{ c0, c1 *big.Int }

// fieldOf returns the field of the group's coordinates. The curve's constant is
// that of the generator.
func fieldOf[S, A any](params *curve.Params, g curve.Group[S, A]) *coordinateField {
	f := &coordinateField{p: params.BaseModulus, size: params.BaseBytes, degree: g.Bytes() / (2 * params.BaseBytes)}
	f.r = new(big.Int).Lsh(big.NewInt(1), uint(8*f.size))
	f.r.Mod(f.r, f.p)
	f.rInv = new(big.Int).ModInverse(f.r, f.p)
	memory := g.Memory([]A{g.Generator()})
	x, y := f.decode(memory[:len(memory)/2]), f.decode(memory[len(memory)/2:])
	f.constant = f.sub(f.mul(y, y), f.cube(x))
	return f
}

// lift returns the memory form of the y that belongs to x, the larger or the
// smaller of the two; ok is false if there is none.
func (f *coordinateField) lift(memory []byte, larger bool) (y []byte, ok bool) {
	cube := f.cube(f.decode(memory))
	root, ok := f.sqrt(element{f.mod(cube.c0.Add(cube.c0, f.constant.c0)), f.mod(cube.c1.Add(cube.c1, f.constant.c1))})
	if !ok {
		return nil, false
	}
	if f.isLarger(root) != larger {
		root = f.sub(element{new(big.Int), new(big.Int)}, root)
	}
	y = LittleEndian(f.mod(root.c0.Mul(root.c0, f.r)), f.size)
	if f.degree == 2 {
		y = append(y, LittleEndian(f.mod(root.c1.Mul(root.c1, f.r)), f.size)...)
	}
	return y, true
}

// decode reads an element in memory form.
func (f *coordinateField) decode(memory []byte) element {
	out := element{new(big.Int), new(big.Int)}
	for i, c := range []*big.Int{out.c0, out.c1}[:f.degree] {
		b := make([]byte, f.size)
		for j := range b {
			b[j] = memory[(i+1)*f.size-1-j]
		}
		f.mod(c.Mul(c.SetBytes(b), f.rInv))
	}
	return out
}

func (f *coordinateField) mod(v *big.Int) *big.Int { return v.Mod(v, f.p) }

func (f *coordinateField) sub(a, b element) element {
	return element{f.mod(new(big.Int).Sub(a.c0, b.c0)), f.mod(new(big.Int).Sub(a.c1, b.c1))}
}

func (f *coordinateField) mul(a, b element) element {
	mul := func(x, y *big.Int) *big.Int { return new(big.Int).Mul(x, y) }
	c0 := mul(a.c0, b.c0)
	c1 := mul(a.c0, b.c1)
	return element{f.mod(c0.Sub(c0, mul(a.c1, b.c1))), f.mod(c1.Add(c1, mul(a.c1, b.c0)))}
}

func (f *coordinateField) cube(a element) element { return f.mul(f.mul(a, a), a) }

// isLarger reports whether a is above its negative: c1 decides, c0 where that is 0.
func (f *coordinateField) isLarger(a element) bool {
	c := a.c1
	if c.Sign() == 0 {
		c = a.c0
	}
	return new(big.Int).Lsh(c, 1).Cmp(f.p) > 0
}

// sqrt returns a square root of a, if it has one. For a root x0 + x1·u in the
// extension the norm of a is the square of n = x0² + x1², and x0² = (c0 + n)/2 for
// one of the two signs of n.
func (f *coordinateField) sqrt(a element) (element, bool) {
	root := func(v *big.Int) *big.Int { return new(big.Int).ModSqrt(f.mod(v), f.p) }
	if x := root(new(big.Int).Set(a.c0)); a.c1.Sign() == 0 && x != nil {
		return element{x, new(big.Int)}, true
	}
	if f.degree == 1 {
		return element{}, false
	}
	n := new(big.Int).Mul(a.c0, a.c0)
	if n = root(n.Add(n, new(big.Int).Mul(a.c1, a.c1))); n == nil {
		return element{}, false
	}
	half := new(big.Int).ModInverse(big.NewInt(2), f.p)
	for range 2 {
		square := new(big.Int).Add(a.c0, n)
		if x0 := root(square.Mul(square, half)); x0 != nil && x0.Sign() != 0 {
			x1 := new(big.Int).ModInverse(new(big.Int).Lsh(x0, 1), f.p)
			return element{x0, f.mod(x1.Mul(x1, a.c1))}, true
		}
		n.Neg(n)
	}
	// a is in F_p, where it has no root, so -a has: its root times u is a's.
	return element{new(big.Int), root(new(big.Int).Neg(a.c0))}, true
}
