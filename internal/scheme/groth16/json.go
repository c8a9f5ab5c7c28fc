package groth16

import (
	"encoding/json"

	"provery/internal/fault"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

type verifyingKeyJSON struct {
	Scheme   string            `json:"scheme"`
	Curve    string            `json:"curve"`
	Alpha    json.RawMessage   `json:"alpha"`
	Beta     json.RawMessage   `json:"beta"`
	Gamma    json.RawMessage   `json:"gamma"`
	Delta    json.RawMessage   `json:"delta"`
	GammaABC []json.RawMessage `json:"gamma_abc"`
}

// Encode writes the key as ZoKrates's verification.key.
func (vk *verifyingKey[S, A1, A2]) Encode() ([]byte, error) {
	b := vk.backend
	out := verifyingKeyJSON{Scheme: b.Name(), Curve: vk.Curve().String()}
	err := wire.InOrder(
		func() error { return wire.EncodePoint(b.G1, b.Params, &out.Alpha, &vk.alpha) },
		func() error { return wire.EncodePoint(b.G2, b.Params, &out.Beta, &vk.beta) },
		func() error { return wire.EncodePoint(b.G2, b.Params, &out.Gamma, &vk.gamma) },
		func() error { return wire.EncodePoint(b.G2, b.Params, &out.Delta, &vk.delta) },
		func() (err error) { out.GammaABC, err = wire.EncodePoints(b.G1, b.Params, vk.gammaABC); return },
	)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "encode verifying key")
	}
	return wire.Indented(out)
}

// ParseVerifyingKey reads ZoKrates's verification.key or snarkjs's verification_key.json, as scheme.Backend says.
// Anything wrong is fault.InvalidArtifact.
func (b *backend[S, A1, A2]) ParseVerifyingKey(data []byte) (scheme.VerifyingKey, error) {
	const doing = "read verifying key"
	if wire.IsSnarkJS(data) {
		vk, err := b.parseSnarkJSKey(data)
		if err != nil {
			return nil, fault.Wrap(err, fault.InvalidArtifact, doing)
		}
		return vk, nil
	}
	var in verifyingKeyJSON
	if err := wire.Unmarshal(data, &in); err != nil {
		return nil, fault.New(fault.InvalidArtifact, doing+": %s", err)
	}
	vk := &verifyingKey[S, A1, A2]{backend: b}
	err := wire.InOrder(
		func() error { return b.CheckNames(in.Scheme, in.Curve) },
		func() error { return wire.ParsePoint(b.G1, b.Params, "alpha", in.Alpha, &vk.alpha) },
		func() error { return wire.ParsePoint(b.G2, b.Params, "beta", in.Beta, &vk.beta) },
		func() error { return wire.ParsePoint(b.G2, b.Params, "gamma", in.Gamma, &vk.gamma) },
		func() error { return wire.ParsePoint(b.G2, b.Params, "delta", in.Delta, &vk.delta) },
		func() (err error) {
			vk.gammaABC, err = wire.ParsePoints(b.G1, b.Params, "gamma_abc", in.GammaABC)
			return
		},
	)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, doing)
	}
	return vk, nil
}
