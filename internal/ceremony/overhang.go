package ceremony

import (
	"math/big"
	"slices"

	"provery/internal/zkey"
)

// overhang returns, as it is hashed, the difference that snarkjs computes of the
// power behind the powers of tau in G1, which isn't there, and the one n before it.
// What stands for it are the bytes that follow: two numbers of that length, which
// are coordinates of no point and may exceed the field's order. The result depends
// on how snarkjs's arithmetic treats those, so it is done here as it is done there.
func (s *start[S, A1, A2]) overhang(n int) ([]byte, error) {
	behind, err := s.powers.BehindPowers()
	if err != nil {
		return nil, err
	}
	low, err := s.powers.Powers(s.ctx, s.powers.NumPowers()-n, 1)
	if err != nil {
		return nil, err
	}
	return difference(s.Codec, behind, low[0]), nil
}

// difference returns what snarkjs hashes for two numbers less a point.
func difference[S, A1, A2 any](c zkey.Codec[S, A1, A2], numbers []byte, point A1) []byte {
	f := newLooseField(c.Params.BaseModulus, c.Params.BaseBytes)
	x1, y1 := f.pair(numbers)
	x2, y2 := f.pair(c.G1.Memory([]A1{point}))
	x, y := f.chord(x1, y1, x2, f.sub(new(big.Int), y2))
	out := make([]A1, 1)
	copy(c.G1.Memory(out), append(zkey.LittleEndian(x, f.size), zkey.LittleEndian(y, f.size)...))
	return zkey.Uncompressed(c.G1, out...)
}

// looseField is the base field as snarkjs computes in it: on numbers of so many
// bytes in Montgomery form, which each operation reduces once at most, as is enough
// for numbers below the order.
type looseField struct {
	p    *big.Int
	r    *big.Int // 2^(8·size)
	inv  *big.Int // -1/p mod r
	size int
}

func newLooseField(p *big.Int, size int) *looseField {
	r := new(big.Int).Lsh(big.NewInt(1), uint(8*size))
	inv := new(big.Int).ModInverse(p, r)
	return &looseField{p, r, inv.Sub(r, inv), size}
}

// pair reads two numbers.
func (f *looseField) pair(b []byte) (x, y *big.Int) {
	read := func(b []byte) *big.Int {
		b = slices.Clone(b)
		slices.Reverse(b)
		return new(big.Int).SetBytes(b)
	}
	return read(b[:f.size]), read(b[f.size:])
}

// wrap takes v, at least -r and below 2r, modulo r.
func (f *looseField) wrap(v *big.Int) *big.Int { return v.Mod(v, f.r) }

// reduced subtracts the order from v once if it isn't below it.
func (f *looseField) reduced(v *big.Int) *big.Int {
	if v.Cmp(f.p) >= 0 {
		v.Sub(v, f.p)
	}
	return f.wrap(v)
}

func (f *looseField) add(a, b *big.Int) *big.Int { return f.reduced(new(big.Int).Add(a, b)) }

func (f *looseField) sub(a, b *big.Int) *big.Int {
	d := new(big.Int).Sub(a, b)
	if d.Sign() < 0 {
		d.Add(d, f.p)
	}
	return f.wrap(d)
}

// mul returns a·b/r.
func (f *looseField) mul(a, b *big.Int) *big.Int {
	t := new(big.Int).Mul(a, b)
	m := f.wrap(new(big.Int).Mul(t, f.inv))
	return f.reduced(t.Rsh(t.Add(t, m.Mul(m, f.p)), uint(8*f.size)))
}

// inverse returns r²/a modulo the order, or 0 for 0.
func (f *looseField) inverse(a *big.Int) *big.Int {
	inv := new(big.Int)
	inv.ModInverse(a, f.p)
	inv.Mul(inv, f.r).Mul(inv, f.r)
	return inv.Mod(inv, f.p)
}

// chord adds two different points, of which the second is of the curve, by the
// formulas of [mmadd-2007-bl] in the order of snarkjs's operations.
//
// [mmadd-2007-bl]: https://hyperelliptic.org/EFD/g1p/auto-shortw-jacobian-0.html
func (f *looseField) chord(x1, y1, x2, y2 *big.Int) (x, y *big.Int) {
	if x1.Sign() == 0 && y1.Sign() == 0 { // infinity
		return x2, y2
	}
	h := f.sub(x2, x1)
	i := f.mul(h, h)
	i = f.add(i, i)
	i = f.add(i, i)
	j := f.mul(h, i)
	r := f.sub(y2, y1)
	r = f.add(r, r)
	v := f.mul(x1, i)
	x = f.sub(f.sub(f.mul(r, r), j), f.add(v, v))
	y1j := f.mul(y1, j)
	y = f.sub(f.mul(f.sub(v, x), r), f.add(y1j, y1j))
	z := f.inverse(f.add(h, h))
	zz := f.mul(z, z)
	return f.mul(zz, x), f.mul(f.mul(z, y), zz)
}
