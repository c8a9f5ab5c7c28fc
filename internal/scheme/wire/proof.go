package wire

import (
	"encoding/json"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
)

// Proof is a proof of three points, as Groth16's and GM17's are. It implements
// scheme.Proof.
type Proof[A1, A2 any] struct {
	scheme scheme.ID
	curve  curve.ID
	A      A1
	B      A2
	C      A1
}

// Scheme returns the proof's scheme.
func (p *Proof[A1, A2]) Scheme() scheme.ID { return p.scheme }

// Curve returns the proof's curve.
func (p *Proof[A1, A2]) Curve() curve.ID { return p.curve }

// NewProof returns a proof of the base's scheme and curve, its points yet to
// be set.
func (b *Base[S, A1, A2]) NewProof() *Proof[A1, A2] {
	return &Proof[A1, A2]{scheme: b.id, curve: b.Curve()}
}

// own returns p with its type if it is of the base's scheme and curve.
func (b *Base[S, A1, A2]) own(p scheme.Proof) (*Proof[A1, A2], bool) {
	proof, ok := p.(*Proof[A1, A2])
	return proof, ok && proof.scheme == b.id && proof.curve == b.Curve()
}

type proofJSON struct {
	Scheme string     `json:"scheme"`
	Curve  string     `json:"curve"`
	Proof  pointsJSON `json:"proof"`
	Inputs []string   `json:"inputs"`
}

type pointsJSON struct {
	A json.RawMessage `json:"a"`
	B json.RawMessage `json:"b"`
	C json.RawMessage `json:"c"`
}

// EncodeProof writes proof and public inputs as ZoKrates's proof.json.
func (b *Base[S, A1, A2]) EncodeProof(p scheme.Proof, public curve.Vector) ([]byte, error) {
	proof, ok := b.own(p)
	if !ok {
		return nil, fault.New(fault.Internal, "encode proof: not a %s proof on %v", b.id, b.Curve())
	}
	out := proofJSON{Scheme: b.name, Curve: b.Curve().String()}
	err := InOrder(
		func() (err error) { out.Inputs, err = b.PublicInputs(public); return },
		func() error { return EncodePoint(b.G1, b.Params, &out.Proof.A, &proof.A) },
		func() error { return EncodePoint(b.G2, b.Params, &out.Proof.B, &proof.B) },
		func() error { return EncodePoint(b.G1, b.Params, &out.Proof.C, &proof.C) },
	)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "encode proof")
	}
	return Indented(out)
}

// ParseProof reads ZoKrates's proof.json or what EncodeSnarkJS writes, as scheme.Backend says. Anything
// wrong is fault.InvalidRequest.
func (b *Base[S, A1, A2]) ParseProof(data []byte) (scheme.Proof, curve.Vector, error) {
	fail := func(detail string) (scheme.Proof, curve.Vector, error) {
		return nil, curve.Vector{}, fault.New(fault.InvalidRequest, "read proof: %s", detail)
	}
	if IsSnarkJS(data) {
		return b.parseSnarkJS(data)
	}
	var in proofJSON
	if err := Unmarshal(data, &in); err != nil {
		return fail(err.Error())
	}
	if err := b.CheckNames(in.Scheme, in.Curve); err != nil {
		return fail(err.Error())
	}
	if in.Inputs == nil {
		return fail("inputs are missing")
	}
	proof := b.NewProof()
	public := make([]S, len(in.Inputs))
	err := InOrder(
		func() error { return ParsePoint(b.G1, b.Params, "a", in.Proof.A, &proof.A) },
		func() error { return ParsePoint(b.G2, b.Params, "b", in.Proof.B, &proof.B) },
		func() error { return ParsePoint(b.G1, b.Params, "c", in.Proof.C, &proof.C) },
		func() error { return b.parseInputs(in.Inputs, public) },
	)
	if err != nil {
		return fail(err.Error())
	}
	return proof, curve.NewVector(b.Curve(), public), nil
}
