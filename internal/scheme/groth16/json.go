package groth16

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
)

// ZoKrates's JSON (verification.key, proof.json): coordinates as 0x and
// big-endian hexadecimal digits of fixed width, [x, y] in G1, [[c0, c1],
// [c0, c1]] in G2, or [x, y] where G2 lies over the base field; two spaces of
// indentation and no newline at the end. Infinity has no form.

// maxJSON bounds the documents that are parsed, in bytes.
const maxJSON = 64 << 20

// schemeName is what ZoKrates calls Groth16.
const schemeName = "g16"

type verifyingKeyJSON struct {
	Scheme   string            `json:"scheme"`
	Curve    string            `json:"curve"`
	Alpha    json.RawMessage   `json:"alpha"`
	Beta     json.RawMessage   `json:"beta"`
	Gamma    json.RawMessage   `json:"gamma"`
	Delta    json.RawMessage   `json:"delta"`
	GammaABC []json.RawMessage `json:"gamma_abc"`
}

type proofJSON struct {
	Scheme string          `json:"scheme"`
	Curve  string          `json:"curve"`
	Proof  proofPointsJSON `json:"proof"`
	Inputs []string        `json:"inputs"`
}

type proofPointsJSON struct {
	A json.RawMessage `json:"a"`
	B json.RawMessage `json:"b"`
	C json.RawMessage `json:"c"`
}

// Encode writes the key as ZoKrates's verification.key.
func (vk *verifyingKey[S, A1, A2]) Encode() ([]byte, error) {
	b := vk.backend
	out := verifyingKeyJSON{Scheme: schemeName, Curve: vk.Curve().String(), GammaABC: make([]json.RawMessage, len(vk.gammaABC))}
	err := inOrder(
		func() error { return encodePoint(b.G1, b.Params, &out.Alpha, &vk.alpha) },
		func() error { return encodePoint(b.G2, b.Params, &out.Beta, &vk.beta) },
		func() error { return encodePoint(b.G2, b.Params, &out.Gamma, &vk.gamma) },
		func() error { return encodePoint(b.G2, b.Params, &out.Delta, &vk.delta) },
	)
	for i := range vk.gammaABC {
		if err == nil {
			err = encodePoint(b.G1, b.Params, &out.GammaABC[i], &vk.gammaABC[i])
		}
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "encode verifying key")
	}
	return indented(out)
}

// ParseVerifyingKey reads ZoKrates's verification.key, as scheme.Backend says.
// Anything wrong is fault.InvalidArtifact.
func (b *backend[S, A1, A2]) ParseVerifyingKey(data []byte) (scheme.VerifyingKey, error) {
	const doing = "read verifying key"
	var in verifyingKeyJSON
	if err := unmarshal(data, &in); err != nil {
		return nil, fault.New(fault.InvalidArtifact, doing+": %s", err)
	}
	if err := b.checkNames(in.Scheme, in.Curve); err != nil {
		return nil, fault.New(fault.InvalidArtifact, doing+": %s", err)
	}
	if len(in.GammaABC) == 0 {
		return nil, fault.New(fault.InvalidArtifact, doing+": gamma_abc is empty")
	}
	vk := &verifyingKey[S, A1, A2]{backend: b, gammaABC: make([]A1, len(in.GammaABC))}
	err := inOrder(
		func() error { return parsePoint(b.G1, b.Params, "alpha", in.Alpha, &vk.alpha) },
		func() error { return parsePoint(b.G2, b.Params, "beta", in.Beta, &vk.beta) },
		func() error { return parsePoint(b.G2, b.Params, "gamma", in.Gamma, &vk.gamma) },
		func() error { return parsePoint(b.G2, b.Params, "delta", in.Delta, &vk.delta) },
	)
	for i, raw := range in.GammaABC {
		if err == nil {
			err = parsePoint(b.G1, b.Params, "gamma_abc", raw, &vk.gammaABC[i])
		}
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, doing)
	}
	return vk, nil
}

// EncodeProof writes proof and public inputs as ZoKrates's proof.json.
func (b *backend[S, A1, A2]) EncodeProof(p scheme.Proof, public curve.Vector) ([]byte, error) {
	pr, ok := p.(*proof[A1, A2])
	if !ok || pr.curve != b.Curve() {
		return nil, fault.New(fault.Internal, "encode proof: not a groth16 proof on %v", b.Curve())
	}
	out := proofJSON{Scheme: schemeName, Curve: b.Curve().String()}
	err := inOrder(
		func() (err error) { out.Inputs, err = b.PublicInputs(public); return },
		func() error { return encodePoint(b.G1, b.Params, &out.Proof.A, &pr.a) },
		func() error { return encodePoint(b.G2, b.Params, &out.Proof.B, &pr.b) },
		func() error { return encodePoint(b.G1, b.Params, &out.Proof.C, &pr.c) },
	)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "encode proof")
	}
	return indented(out)
}

// ParseProof reads ZoKrates's proof.json, as scheme.Backend says. Anything
// wrong is fault.InvalidRequest.
func (b *backend[S, A1, A2]) ParseProof(data []byte) (scheme.Proof, curve.Vector, error) {
	fail := func(detail string) (scheme.Proof, curve.Vector, error) {
		return nil, curve.Vector{}, fault.New(fault.InvalidRequest, "read proof: %s", detail)
	}
	var in proofJSON
	if err := unmarshal(data, &in); err != nil {
		return fail(err.Error())
	}
	if err := b.checkNames(in.Scheme, in.Curve); err != nil {
		return fail(err.Error())
	}
	if in.Inputs == nil {
		return fail("inputs are missing")
	}
	pr := &proof[A1, A2]{curve: b.Curve()}
	public := make([]S, len(in.Inputs))
	err := inOrder(
		func() error { return parsePoint(b.G1, b.Params, "a", in.Proof.A, &pr.a) },
		func() error { return parsePoint(b.G2, b.Params, "b", in.Proof.B, &pr.b) },
		func() error { return parsePoint(b.G1, b.Params, "c", in.Proof.C, &pr.c) },
		func() error { return b.parseInputs(in.Inputs, public) },
	)
	if err != nil {
		return fail(err.Error())
	}
	return pr, curve.NewVector(b.Curve(), public), nil
}

// checkNames compares a document's scheme and curve with the backend's.
func (b *backend[S, A1, A2]) checkNames(scheme, curve string) error {
	if scheme != schemeName {
		return fault.New(fault.InvalidArtifact, "scheme isn't %s", schemeName)
	}
	if curve != b.Curve().String() {
		return fault.New(fault.InvalidArtifact, "curve isn't %v", b.Curve())
	}
	return nil
}

// encodePoint sets dst to the JSON of a finite point.
func encodePoint[S, A any](g curve.Group[S, A], p *curve.Params, dst *json.RawMessage, point *A) error {
	if g.IsInfinity(point) {
		return fault.New(fault.Internal, "infinity has no form in ZoKrates's files")
	}
	buf := make([]byte, g.Bytes())
	g.Encode(buf, []A{*point})
	words := hexEach(buf, p.BaseBytes)
	var form any = words
	if len(words) == 4 {
		form = [2][]string{words[:2], words[2:]}
	}
	var err error
	*dst, err = json.Marshal(form)
	return err
}

// parsePoint reads a finite point and checks that it is in its group.
func parsePoint[S, A any](g curve.Group[S, A], p *curve.Params, name string, raw json.RawMessage, dst *A) error {
	var words []string
	err := json.Unmarshal(raw, &words)
	if g.Bytes() == 4*p.BaseBytes {
		var pairs [][]string
		words, err = nil, json.Unmarshal(raw, &pairs)
		for _, pair := range pairs {
			if len(pair) != 2 {
				return fault.New(fault.InvalidArtifact, "%s: not a point", name)
			}
			words = append(words, pair...)
		}
	}
	if err != nil || len(words) != g.Bytes()/p.BaseBytes {
		return fault.New(fault.InvalidArtifact, "%s: not a point", name)
	}
	buf, err := unhexEach(words, p.BaseBytes)
	if err != nil {
		return fault.Wrap(err, fault.InvalidArtifact, "%s", name)
	}
	points := make([]A, 1)
	if err := g.Decode(points, buf); err != nil {
		return fault.Wrap(err, fault.InvalidArtifact, "%s", name)
	}
	if g.IsInfinity(&points[0]) {
		return fault.New(fault.InvalidArtifact, "%s: coordinate isn't below the field's order", name)
	}
	*dst = points[0]
	return fault.Wrap(g.Check(context.Background(), points, 1), fault.InvalidArtifact, "%s", name)
}

// hexEach writes each little-endian group of size bytes as 0x and big-endian digits.
func hexEach(b []byte, size int) []string {
	out := make([]string, 0, len(b)/size)
	for lo := 0; lo < len(b); lo += size {
		group := slices.Clone(b[lo : lo+size])
		slices.Reverse(group)
		out = append(out, "0x"+hex.EncodeToString(group))
	}
	return out
}

// unhexEach is the inverse of hexEach. It insists on the width.
func unhexEach(words []string, size int) ([]byte, error) {
	out := make([]byte, len(words)*size)
	for i, w := range words {
		digits, prefixed := strings.CutPrefix(w, "0x")
		group := out[i*size : (i+1)*size]
		if !prefixed || len(digits) != 2*size {
			return nil, fault.New(fault.InvalidArtifact, "value %d isn't 0x and %d hexadecimal digits", i, 2*size)
		}
		if _, err := hex.Decode(group, []byte(digits)); err != nil {
			return nil, fault.New(fault.InvalidArtifact, "value %d isn't 0x and %d hexadecimal digits", i, 2*size)
		}
		slices.Reverse(group)
	}
	return out, nil
}

// indented returns v in ZoKrates's formatting.
func indented(v any) ([]byte, error) {
	out, err := json.MarshalIndent(v, "", "  ")
	return out, fault.Wrap(err, fault.Internal, "encode JSON")
}

// unmarshal reads exactly one JSON value. Its errors don't repeat the input.
func unmarshal(data []byte, v any) error {
	if len(data) > maxJSON {
		return fault.New(fault.TooLarge, "more than %d bytes", maxJSON)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(v); err != nil {
		return fault.New(fault.InvalidArtifact, "not JSON of the expected form")
	}
	if _, err := d.Token(); err != io.EOF {
		return fault.New(fault.InvalidArtifact, "data after the JSON value")
	}
	return nil
}
