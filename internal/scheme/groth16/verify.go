package groth16

import (
	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
)

// Verify checks a proof for the public inputs, as scheme.Backend says: one
// product of four pairings. The proof's and the key's points must have been
// checked, as ParseProof and ParseVerifyingKey do.
func (b *backend[S, A1, A2]) Verify(vk scheme.VerifyingKey, p scheme.Proof, public curve.Vector) error {
	key, ok := vk.(*verifyingKey[S, A1, A2])
	if !ok || key.Curve() != b.Curve() {
		return fault.New(fault.InvalidRequest, "verify: not a groth16 key on %v", b.Curve())
	}
	pr, x, err := b.Statement(p, public, key.NumPublic())
	if err != nil {
		return err
	}
	sum, err := b.PublicSum(key.gammaABC, x)
	if err != nil {
		return err
	}
	// e(-A, B) · e(alpha, beta) · e(sum, gamma) · e(C, delta) = 1
	valid, err := b.PairingIsOne(
		[]A1{b.G1.Neg(&pr.A), key.alpha, sum, pr.C},
		[]A2{pr.B, key.beta, key.gamma, key.delta})
	if err != nil {
		return err
	}
	if !valid {
		return scheme.ErrInvalidProof
	}
	return nil
}
