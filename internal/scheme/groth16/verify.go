package groth16

import (
	"context"

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
	pr, ok := p.(*proof[A1, A2])
	if !ok || pr.curve != b.Curve() {
		return fault.New(fault.InvalidRequest, "verify: not a groth16 proof on %v", b.Curve())
	}
	x, err := curve.Elements[S](b.Curve(), public)
	if err != nil {
		return fault.New(fault.InvalidRequest, "verify: public inputs aren't over %v", b.Curve())
	}
	if len(x) != key.NumPublic() {
		return fault.New(fault.InvalidRequest, "verify: %d public inputs; the key has %d", len(x), key.NumPublic())
	}
	sum, err := b.G1.MSM(context.Background(), key.gammaABC[1:], x, 1)
	if err != nil {
		return err
	}
	sum = b.G1.Add(&sum, &key.gammaABC[0])
	// e(-A, B) · e(alpha, beta) · e(sum, gamma) · e(C, delta) = 1
	valid, err := b.PairingIsOne(
		[]A1{b.G1.Neg(&pr.a), key.alpha, sum, pr.c},
		[]A2{pr.b, key.beta, key.gamma, key.delta})
	if err != nil {
		return err
	}
	if !valid {
		return scheme.ErrInvalidProof
	}
	return nil
}
