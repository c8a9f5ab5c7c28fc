package gm17

import (
	"encoding/json"

	"provery/internal/fault"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

type verifyingKeyJSON struct {
	Scheme string            `json:"scheme"`
	Curve  string            `json:"curve"`
	H      json.RawMessage   `json:"h"`
	GAlpha json.RawMessage   `json:"g_alpha"`
	HBeta  json.RawMessage   `json:"h_beta"`
	GGamma json.RawMessage   `json:"g_gamma"`
	HGamma json.RawMessage   `json:"h_gamma"`
	Query  []json.RawMessage `json:"query"`
}

// Encode writes the key as ZoKrates's verification.key.
func (vk *verifyingKey[S, A1, A2]) Encode() ([]byte, error) {
	b := vk.backend
	out := verifyingKeyJSON{Scheme: b.Name(), Curve: vk.Curve().String()}
	err := wire.InOrder(
		func() error { return wire.EncodePoint(b.G2, b.Params, &out.H, &vk.h) },
		func() error { return wire.EncodePoint(b.G1, b.Params, &out.GAlpha, &vk.gAlpha) },
		func() error { return wire.EncodePoint(b.G2, b.Params, &out.HBeta, &vk.hBeta) },
		func() error { return wire.EncodePoint(b.G1, b.Params, &out.GGamma, &vk.gGamma) },
		func() error { return wire.EncodePoint(b.G2, b.Params, &out.HGamma, &vk.hGamma) },
		func() (err error) { out.Query, err = wire.EncodePoints(b.G1, b.Params, vk.query); return },
	)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "encode verifying key")
	}
	return wire.Indented(out)
}

// ParseVerifyingKey reads ZoKrates's verification.key, as scheme.Backend says.
// Anything wrong is fault.InvalidArtifact.
func (b *backend[S, A1, A2]) ParseVerifyingKey(data []byte) (scheme.VerifyingKey, error) {
	const doing = "read verifying key"
	var in verifyingKeyJSON
	if err := wire.Unmarshal(data, &in); err != nil {
		return nil, fault.New(fault.InvalidArtifact, doing+": %s", err)
	}
	vk := &verifyingKey[S, A1, A2]{backend: b}
	err := wire.InOrder(
		func() error { return b.CheckNames(in.Scheme, in.Curve) },
		func() error { return wire.ParsePoint(b.G2, b.Params, "h", in.H, &vk.h) },
		func() error { return wire.ParsePoint(b.G1, b.Params, "g_alpha", in.GAlpha, &vk.gAlpha) },
		func() error { return wire.ParsePoint(b.G2, b.Params, "h_beta", in.HBeta, &vk.hBeta) },
		func() error { return wire.ParsePoint(b.G1, b.Params, "g_gamma", in.GGamma, &vk.gGamma) },
		func() error { return wire.ParsePoint(b.G2, b.Params, "h_gamma", in.HGamma, &vk.hGamma) },
		func() (err error) { vk.query, err = wire.ParsePoints(b.G1, b.Params, "query", in.Query); return },
	)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, doing)
	}
	return vk, nil
}
