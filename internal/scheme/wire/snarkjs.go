package wire

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
)

// The JSON of snarkjs (verification_key.json, proof.json, public.json):
// coordinates as decimal strings, points projective with the third coordinate
// 1: [x, y, "1"] in G1, [[c0, c1], [c0, c1], ["1", "0"]] in G2.

// snarkjsCurves are the curves' names there.
var snarkjsCurves = map[curve.ID]string{curve.BN128: "bn128", curve.BLS12381: "bls12381"}

// SnarkJSCurve returns the curve's name in snarkjs's files; fault.Unsupported if
// it has none, or the scheme.
func (b *Base[S, A1, A2]) SnarkJSCurve() (string, error) {
	name, ok := snarkjsCurves[b.Curve()]
	if !ok || b.id != scheme.Groth16 {
		return "", fault.New(fault.Unsupported, "%s on %v has no form in snarkjs's files", b.id, b.Curve())
	}
	return name, nil
}

// IsSnarkJS reports whether a JSON object is one of snarkjs: it has a protocol
// where ZoKrates's have a scheme, or holds a proof that has one.
func IsSnarkJS(data []byte) bool {
	var probe struct {
		Protocol string `json:"protocol"`
		Proof    struct {
			Protocol string `json:"protocol"`
		} `json:"proof"`
	}
	return json.Unmarshal(data, &probe) == nil && (probe.Protocol != "" || probe.Proof.Protocol != "")
}

// CheckSnarkJSNames compares a document's protocol and curve with the base's; the curve
// may be missing, as rapidsnark leaves it out. Others are fault.InvalidArtifact.
func (b *Base[S, A1, A2]) CheckSnarkJSNames(protocol, curveName string) error {
	name, err := b.SnarkJSCurve()
	switch {
	case err != nil:
		return err
	case protocol != string(b.id):
		return fault.New(fault.InvalidArtifact, "protocol isn't %s", b.id)
	case curveName != "" && curveName != name:
		return fault.New(fault.InvalidArtifact, "curve isn't %s", name)
	}
	return nil
}

// EncodeDecimal sets dst to the JSON of a finite point. Infinity is
// fault.Internal.
func EncodeDecimal[S, A any](g curve.Group[S, A], p *curve.Params, dst *json.RawMessage, point *A) error {
	if g.IsInfinity(point) {
		return fault.New(fault.Internal, "a point that is infinity")
	}
	buf := make([]byte, g.Bytes())
	g.Encode(buf, []A{*point})
	words := decimalEach(buf, p.BaseBytes)
	var form any
	if len(words) == 4 {
		form = [3][]string{words[:2], words[2:], {"1", "0"}}
	} else {
		form = append(words, "1")
	}
	var err error
	*dst, err = json.Marshal(form)
	return err
}

// decimalEach writes each little-endian group of size bytes as a decimal number.
func decimalEach(b []byte, size int) []string {
	out := make([]string, 0, len(b)/size)
	for group := range slices.Chunk(b, size) {
		v := slices.Clone(group)
		slices.Reverse(v)
		out = append(out, new(big.Int).SetBytes(v).String())
	}
	return out
}

// ParseDecimal sets dst to a finite point and checks that it is in its group:
// fault.InvalidArtifact if not. The errors call it name.
func ParseDecimal[S, A any](g curve.Group[S, A], p *curve.Params, name string, raw json.RawMessage, dst *A) error {
	notPoint := fault.New(fault.InvalidArtifact, "%s: not a finite point of three coordinates", name)
	var words []string
	if g.Bytes() == 4*p.BaseBytes {
		var pairs [][]string
		if json.Unmarshal(raw, &pairs) != nil || len(pairs) != 3 || len(pairs[0]) != 2 || len(pairs[1]) != 2 || !slices.Equal(pairs[2], []string{"1", "0"}) {
			return notPoint
		}
		words = append(pairs[0], pairs[1]...)
	} else {
		if json.Unmarshal(raw, &words) != nil || len(words) != 3 || words[2] != "1" {
			return notPoint
		}
		words = words[:2]
	}
	var buf []byte
	for _, w := range words {
		v, ok := parseDecimal(w, 3*p.BaseBytes)
		if !ok || v.Cmp(p.BaseModulus) >= 0 {
			return fault.New(fault.InvalidArtifact, "%s: a coordinate isn't a decimal number below the field's order", name)
		}
		le := v.FillBytes(make([]byte, p.BaseBytes))
		slices.Reverse(le)
		buf = append(buf, le...)
	}
	return takeFinite(g, name, buf, dst)
}

func parseDecimal(text string, most int) (*big.Int, bool) {
	if text == "" || len(text) > most || strings.Trim(text, "0123456789") != "" {
		return nil, false
	}
	return new(big.Int).SetString(text, 10)
}

type snarkjsProof struct {
	A        json.RawMessage `json:"pi_a"`
	B        json.RawMessage `json:"pi_b"`
	C        json.RawMessage `json:"pi_c"`
	Protocol string          `json:"protocol"`
	Curve    string          `json:"curve,omitempty"`
}

type snarkjsStatement struct {
	Proof  snarkjsProof `json:"proof"`
	Public []string     `json:"public"`
}

// EncodeSnarkJS writes a proof and its public inputs as an object with the
// content of snarkjs's proof.json as "proof" and that of public.json as
// "public". A scheme or curve that snarkjs lacks is fault.Unsupported.
func (b *Base[S, A1, A2]) EncodeSnarkJS(p scheme.Proof, public curve.Vector) ([]byte, error) {
	name, err := b.SnarkJSCurve()
	if err != nil {
		return nil, err
	}
	proof, ok := b.own(p)
	if !ok {
		return nil, fault.New(fault.Internal, "encode proof: not a %s proof on %v", b.id, b.Curve())
	}
	out := snarkjsStatement{Proof: snarkjsProof{Protocol: string(b.id), Curve: name}}
	err = InOrder(
		func() (err error) { out.Public, err = b.decimalInputs(public); return },
		func() error { return EncodeDecimal(b.G1, b.Params, &out.Proof.A, &proof.A) },
		func() error { return EncodeDecimal(b.G2, b.Params, &out.Proof.B, &proof.B) },
		func() error { return EncodeDecimal(b.G1, b.Params, &out.Proof.C, &proof.C) },
	)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "encode proof")
	}
	return Indented(out)
}

func (b *Base[S, A1, A2]) decimalInputs(public curve.Vector) ([]string, error) {
	x, err := curve.Elements[S](b.Curve(), public)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, len(x)*b.Params.ScalarBytes)
	b.Field.Encode(buf, x)
	return decimalEach(buf, b.Params.ScalarBytes), nil
}

// parseSnarkJS reads what EncodeSnarkJS writes. Public inputs may also be
// called pub_signals. Anything wrong is fault.InvalidRequest.
func (b *Base[S, A1, A2]) parseSnarkJS(data []byte) (scheme.Proof, curve.Vector, error) {
	fail := func(detail string) (scheme.Proof, curve.Vector, error) {
		return nil, curve.Vector{}, fault.New(fault.InvalidRequest, "read proof: %s", detail)
	}
	var in struct {
		snarkjsStatement
		Signals []string `json:"pub_signals"`
	}
	if err := Unmarshal(data, &in); err != nil {
		return fail(err.Error())
	}
	if in.Public == nil {
		in.Public = in.Signals
	}
	if in.Public == nil {
		return fail("public is missing")
	}
	proof := b.NewProof()
	public, err := b.ParsePublicInputs(in.Public)
	if err != nil {
		return fail("public: " + err.Error())
	}
	err = InOrder(
		func() error { return b.CheckSnarkJSNames(in.Proof.Protocol, in.Proof.Curve) },
		func() error { return ParseDecimal(b.G1, b.Params, "pi_a", in.Proof.A, &proof.A) },
		func() error { return ParseDecimal(b.G2, b.Params, "pi_b", in.Proof.B, &proof.B) },
		func() error { return ParseDecimal(b.G1, b.Params, "pi_c", in.Proof.C, &proof.C) },
	)
	if err != nil {
		return fail(err.Error())
	}
	return proof, public, nil
}
