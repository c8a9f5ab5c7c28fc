package bn254

import "github.com/consensys/gnark-crypto/ecc/bn254"

// outsideG1 returns points on the curve that aren't in the subgroup of order
// r, looked for among small x; none if the first points all are.
func outsideG1() []bn254.G1Affine {
	var out []bn254.G1Affine
	p := generatorG1()
	var b, t, x, one coordinateG1
	b.Square(&p.Y)
	t.Square(&p.X)
	t.Mul(&t, &p.X)
	b.Sub(&b, &t)
	one.SetOne()
	for range 20 {
		x.Add(&x, &one)
		t.Square(&x)
		t.Mul(&t, &x)
		t.Add(&t, &b)
		if t.Legendre() != 1 {
			continue
		}
		q := bn254.G1Affine{X: x}
		q.Y.Sqrt(&t)
		if !q.IsInSubGroup() && len(out) < 3 {
			out = append(out, q)
		}
	}
	return out
}
