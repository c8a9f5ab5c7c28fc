// Package verify checks proofs where they are used, so that a service needn't be
// believed.
//
//	key, err := verify.ParseKey(text) // from where you trust it, not from the service that proves
//	c, err := client.New(base, client.WithCheck(key.Check))
//
// Such a client returns no proof that doesn't hold for the key. Groth16 and
// GM17 are verified on bn128, bls12_381, bls12_377 and bw6_761; keys and proofs
// are JSON of ZoKrates or snarkjs, as the service returns them.
package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"provery/api"
	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
	"provery/internal/scheme/gm17"
	"provery/internal/scheme/groth16"
	"provery/internal/verify"
)

// ErrInvalid is what a proof that doesn't hold is refused with.
var ErrInvalid = errors.New("verify: the proof doesn't hold")

// Key is a verifying key. It is immutable, and safe for concurrent use.
type Key struct{ key *verify.Key }

// ParseKey reads a verifying key: ZoKrates's verification.key, or snarkjs's
// verification_key.json. Every point is checked to be on its curve and in its
// subgroup.
func ParseKey(text []byte) (*Key, error) {
	k, err := verify.Open(backend, text)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return &Key{k}, nil
}

// backend returns the backend of a scheme on a curve.
func backend(s scheme.ID, c curve.ID) (scheme.Backend, error) {
	switch s {
	case scheme.Groth16:
		return groth16.New(c)
	case scheme.GM17:
		return gm17.New(c)
	}
	return nil, fault.New(fault.Unsupported, "unknown scheme")
}

// Scheme returns the key's scheme, such as "groth16".
func (k *Key) Scheme() string { return string(k.key.Scheme()) }

// Curve returns the key's curve, such as "bn128".
func (k *Key) Curve() string { return k.key.Curve().String() }

// NumPublic returns the number of public inputs.
func (k *Key) NumPublic() int { return k.key.NumPublic() }

// Verify checks a proof: ZoKrates's proof.json, or an object of snarkjs's
// proof.json as "proof" and public.json as "public". If inputs isn't nil it is
// checked for them instead of its own: decimal or 0x-prefixed hex. A proof that
// doesn't hold is ErrInvalid; text that isn't a proof is another error.
func (k *Key) Verify(proof []byte, inputs []string) error {
	valid, why, err := k.key.Verify(json.RawMessage(proof), inputs)
	switch {
	case err != nil:
		return fmt.Errorf("verify: %w", err)
	case !valid:
		return fmt.Errorf("%w: %s", ErrInvalid, why)
	}
	return nil
}

// Check checks the result of a proof that a service returned, for the public
// inputs that it names; it is for client.WithCheck. That Outputs is the decoded
// form of these inputs is not looked at. A proof without a result is ErrInvalid.
func (k *Key) Check(_ context.Context, p *api.Proof) error {
	if p.Result == nil {
		return fmt.Errorf("%w: there is no result", ErrInvalid)
	}
	inputs := p.Result.PublicInputs
	if inputs == nil {
		inputs = []string{} // none, rather than those of the proof itself
	}
	return k.Verify(p.Result.Proof, inputs)
}
