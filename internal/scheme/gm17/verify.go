package gm17

import (
	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
)

// Verify checks a proof for the public inputs, as scheme.Backend says: a
// product of four pairings and one of two. The proof's and the key's points
// must have been checked, as ParseProof and ParseVerifyingKey do.
func (b *backend[S, A1, A2]) Verify(vk scheme.VerifyingKey, p scheme.Proof, public curve.Vector) error {
	key, ok := vk.(*verifyingKey[S, A1, A2])
	if !ok || key.Curve() != b.Curve() {
		return fault.New(fault.InvalidRequest, "verify: not a gm17 key on %v", b.Curve())
	}
	pr, x, err := b.Statement(p, public, key.NumPublic())
	if err != nil {
		return err
	}
	sum, err := b.PublicSum(key.query, x)
	if err != nil {
		return err
	}
	left, right := b.G1.Add(&pr.A, &key.gAlpha), b.G2.Add(&pr.B, &key.hBeta)
	for _, product := range []struct {
		g1 []A1
		g2 []A2
	}{
		// e(A, gamma·h) = e(gamma·g, B)
		{[]A1{b.G1.Neg(&pr.A), key.gGamma}, []A2{key.hGamma, pr.B}},
		// e(A + alpha·g, B + beta·h) = e(alpha·g, beta·h) · e(sum, gamma·h) · e(C, h)
		{[]A1{b.G1.Neg(&left), key.gAlpha, sum, pr.C}, []A2{right, key.hBeta, key.hGamma, key.h}},
	} {
		valid, err := b.PairingIsOne(product.g1, product.g2)
		if err != nil {
			return err
		}
		if !valid {
			return scheme.ErrInvalidProof
		}
	}
	return nil
}
