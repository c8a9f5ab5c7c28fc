package contract

import (
	"encoding/json"
	"math/big"
	"strings"

	"provery/internal/fault"
)

// snarkjsJSON is an object of snarkjs's proof.json and public.json.
type snarkjsJSON struct {
	Proof struct {
		Protocol string          `json:"protocol"`
		Curve    string          `json:"curve"`
		A        json.RawMessage `json:"pi_a"`
		B        json.RawMessage `json:"pi_b"`
		C        json.RawMessage `json:"pi_c"`
	} `json:"proof"`
	Public []string `json:"public"`
}

// parseSnarkJS reads a proof in snarkjs's form; nil if data is in another form.
func parseSnarkJS(data []byte) (*proof, error) {
	var in snarkjsJSON
	if unmarshal(data, &in) != nil || in.Proof.Protocol == "" {
		return nil, nil
	}
	switch {
	case in.Proof.Protocol != "groth16" || in.Proof.Curve != "" && in.Proof.Curve != "bn128":
		return nil, fault.New(fault.Unsupported, "the EVM verifies proofs of groth16 on bn128 in snarkjs's form only")
	case in.Public == nil:
		return nil, fault.New(fault.InvalidRequest, "public is missing")
	}
	p := &proof{snarkjs: true, inputs: make([]word, len(in.Public))}
	for i, text := range in.Public {
		if err := p.inputs[i].setDecimal(text); err != nil {
			return nil, fault.Wrap(err, fault.InvalidArtifact, "public[%d]", i)
		}
	}
	err := inOrder(
		readPoint("pi_a", in.Proof.A, &p.a, decimalG1),
		readPoint("pi_b", in.Proof.B, &p.b, decimalG2),
		readPoint("pi_c", in.Proof.C, &p.c, decimalG1),
		p.checkInputs,
	)
	return p, err
}

// setDecimal sets w to a decimal number of at most 256 bits.
func (w *word) setDecimal(text string) error {
	const most = 78 // digits of 2^256
	v, ok := new(big.Int).SetString(text, 10)
	if !ok || len(text) > most || strings.Trim(text, "0123456789") != "" || v.BitLen() > 8*wordBytes {
		return fault.New(fault.InvalidArtifact, "not a decimal number of at most 256 bits")
	}
	v.FillBytes(w[:])
	return nil
}

// decimalG1 and decimalG2 turn a point of snarkjs into ZoKrates's form, and
// read that.
func decimalG1(raw json.RawMessage) (g1, error) {
	var text []string
	if json.Unmarshal(raw, &text) != nil || len(text) != 3 || text[2] != "1" {
		return g1{}, fault.New(fault.InvalidArtifact, "not a finite point [x, y, 1]")
	}
	words, err := decimalPair(text[:2])
	if err != nil {
		return g1{}, err
	}
	return parseG1(mustJSON(words))
}

func decimalG2(raw json.RawMessage) (g2, error) {
	var text [][]string
	if json.Unmarshal(raw, &text) != nil || len(text) != 3 || len(text[2]) != 2 || text[2][0] != "1" || text[2][1] != "0" {
		return g2{}, fault.New(fault.InvalidArtifact, "not a finite point [[c0, c1], [c0, c1], [1, 0]]")
	}
	x, err := decimalPair(text[0])
	if err != nil {
		return g2{}, err
	}
	y, err := decimalPair(text[1])
	if err != nil {
		return g2{}, err
	}
	return parseG2(mustJSON([2][2]word{x, y}))
}

func decimalPair(text []string) (out [2]word, err error) {
	if len(text) != 2 {
		return out, fault.New(fault.InvalidArtifact, "not a pair of numbers")
	}
	if err := out[0].setDecimal(text[0]); err != nil {
		return out, err
	}
	return out, out[1].setDecimal(text[1])
}

func mustJSON(v any) json.RawMessage {
	b, _ := json.Marshal(v) // words always can be
	return b
}

// swapped returns a coordinate as verifyProof takes it, c1 before c0.
func swapped(c [2]word) [2]word { return [2]word{c[1], c[0]} }
