package groth16

import (
	"encoding/json"

	"provery/internal/fault"
	"provery/internal/scheme/wire"
)

// snarkjsKey is verification_key.json. What snarkjs writes besides, the pairing
// of alpha and beta, is derived and read by nobody.
type snarkjsKey struct {
	Protocol  string            `json:"protocol"`
	Curve     string            `json:"curve"`
	NumPublic int               `json:"nPublic"`
	Alpha     json.RawMessage   `json:"vk_alpha_1"`
	Beta      json.RawMessage   `json:"vk_beta_2"`
	Gamma     json.RawMessage   `json:"vk_gamma_2"`
	Delta     json.RawMessage   `json:"vk_delta_2"`
	IC        []json.RawMessage `json:"IC"`
}

// EncodeSnarkJS writes the key as snarkjs's verification_key.json.
func (vk *verifyingKey[S, A1, A2]) EncodeSnarkJS() ([]byte, error) {
	b := vk.backend
	name, err := b.SnarkJSCurve()
	if err != nil {
		return nil, err
	}
	out := snarkjsKey{Protocol: string(b.Scheme()), Curve: name, NumPublic: vk.NumPublic(), IC: make([]json.RawMessage, len(vk.gammaABC))}
	err = wire.InOrder(
		func() error { return wire.EncodeDecimal(b.G1, b.Params, &out.Alpha, &vk.alpha) },
		func() error { return wire.EncodeDecimal(b.G2, b.Params, &out.Beta, &vk.beta) },
		func() error { return wire.EncodeDecimal(b.G2, b.Params, &out.Gamma, &vk.gamma) },
		func() error { return wire.EncodeDecimal(b.G2, b.Params, &out.Delta, &vk.delta) },
	)
	for i := 0; i < len(vk.gammaABC) && err == nil; i++ {
		err = wire.EncodeDecimal(b.G1, b.Params, &out.IC[i], &vk.gammaABC[i])
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "encode verifying key")
	}
	return wire.Indented(out)
}

func (b *backend[S, A1, A2]) parseSnarkJSKey(data []byte) (*verifyingKey[S, A1, A2], error) {
	var in snarkjsKey
	if err := wire.Unmarshal(data, &in); err != nil {
		return nil, err
	}
	if len(in.IC) == 0 || in.NumPublic != len(in.IC)-1 {
		return nil, fault.New(fault.InvalidArtifact, "IC hasn't one point more than nPublic says")
	}
	vk := &verifyingKey[S, A1, A2]{backend: b, gammaABC: make([]A1, len(in.IC))}
	err := wire.InOrder(
		func() error { return b.CheckSnarkJSNames(in.Protocol, in.Curve) },
		func() error { return wire.ParseDecimal(b.G1, b.Params, "vk_alpha_1", in.Alpha, &vk.alpha) },
		func() error { return wire.ParseDecimal(b.G2, b.Params, "vk_beta_2", in.Beta, &vk.beta) },
		func() error { return wire.ParseDecimal(b.G2, b.Params, "vk_gamma_2", in.Gamma, &vk.gamma) },
		func() error { return wire.ParseDecimal(b.G2, b.Params, "vk_delta_2", in.Delta, &vk.delta) },
	)
	for i := 0; i < len(in.IC) && err == nil; i++ {
		err = wire.ParseDecimal(b.G1, b.Params, "IC", in.IC[i], &vk.gammaABC[i])
	}
	return vk, err
}
