package contract

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"provery/internal/fault"
)

// Call is a call of a contract's verifyTx, or verifyProof, with one proof.
type Call struct {
	// Function is the canonical signature, such as
	// "verifyTx(((uint256,uint256),(uint256[2],uint256[2]),(uint256,uint256)),uint256[2])".
	Function string `json:"function"`
	// Selector is 0x and the signature's first four bytes of Keccak-256.
	Selector string `json:"selector"`
	// Calldata is 0x and the bytes that Calldata returns.
	Calldata string `json:"calldata"`
	// Arguments are those that a client library encodes itself: the proof as
	// [a, b, c], then the inputs if there are any, as formatProof of
	// zokrates-js has them; for verifyProof a, b, c and the inputs.
	Arguments []any `json:"arguments"`
}

// proofJSON is ZoKrates's proof.json.
type proofJSON struct {
	headJSON
	Proof struct {
		A json.RawMessage `json:"a"`
		B json.RawMessage `json:"b"`
		C json.RawMessage `json:"c"`
	} `json:"proof"`
	Inputs []word `json:"inputs"`
}

// proof is a proof with its public inputs.
type proof struct {
	a, c   g1
	b      g2
	inputs []word
	// snarkjs says that the proof came in snarkjs's form, and is for verifyProof.
	snarkjs bool
}

// Calldata returns the bytes of a transaction or call that has verifyTx check the
// proof, a proof.json of ZoKrates (scheme g16 or gm17, curve bn128): the
// selector, then a, b, c and the inputs, 32 bytes for each coordinate and input.
// They suit Provery's contracts and those that ZoKrates writes. For an object of
// snarkjs's proof.json as "proof" and public.json as "public" they are for
// verifyProof.
//
// Another scheme or curve is fault.Unsupported. A proof that isn't well-formed,
// with a point outside of its group or an input outside of the field, is
// fault.InvalidRequest. Calldata doesn't verify the proof.
func Calldata(proofJSON []byte) ([]byte, error) {
	p, err := parseProof(proofJSON)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidRequest, "write calldata")
	}
	return p.calldata(), nil
}

// NewCall is Calldata with everything else that a client may want of the call.
func NewCall(proofJSON []byte) (*Call, error) {
	p, err := parseProof(proofJSON)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidRequest, "write calldata")
	}
	data := p.calldata()
	c := &Call{
		Function: p.signature(),
		Selector: "0x" + hex.EncodeToString(data[:4]),
		Calldata: "0x" + hex.EncodeToString(data),
	}
	points := []any{[]word{p.a.X, p.a.Y}, [][2]word{p.b.X, p.b.Y}, []word{p.c.X, p.c.Y}}
	if c.Arguments = []any{points}; p.snarkjs {
		c.Arguments = []any{points[0], [][2]word{swapped(p.b.X), swapped(p.b.Y)}, points[2]}
	}
	if len(p.inputs) > 0 {
		c.Arguments = append(c.Arguments, p.inputs)
	}
	return c, nil
}

// parseProof reads a proof.json.
func parseProof(data []byte) (*proof, error) {
	if p, err := parseSnarkJS(data); p != nil || err != nil {
		return p, recode(err)
	}
	var in proofJSON
	if err := unmarshal(data, &in); err != nil {
		return nil, recode(err)
	}
	if _, err := in.check(fault.InvalidRequest); err != nil {
		return nil, err
	}
	if in.Inputs == nil {
		return nil, fault.New(fault.InvalidRequest, "inputs are missing")
	}
	p := &proof{inputs: in.Inputs}
	err := inOrder(
		readPoint("a", in.Proof.A, &p.a, parseG1),
		readPoint("b", in.Proof.B, &p.b, parseG2),
		readPoint("c", in.Proof.C, &p.c, parseG1),
		p.checkInputs,
	)
	if err != nil {
		return nil, recode(err)
	}
	return p, nil
}

// recode makes what is invalid in a request's proof the request's fault.
func recode(err error) error {
	if err == nil {
		return nil
	}
	if !fault.Is(err, fault.InvalidArtifact) {
		return err
	}
	return &fault.Error{Code: fault.InvalidRequest, Detail: err.Error(), Err: err}
}

func (p *proof) checkInputs() error {
	modulus := scalarModulus()
	for i, w := range p.inputs {
		if !w.below(modulus) {
			return fault.New(fault.InvalidRequest, "inputs[%d] isn't below the field's order", i)
		}
	}
	return nil
}

// signature returns the function's canonical signature for the number of inputs.
func (p *proof) signature() string { return verifySignature(p.snarkjs, len(p.inputs)) }

// verifySignature returns the canonical signature of verifyProof or verifyTx.
func verifySignature(snarkjs bool, numInputs int) string {
	name, proof := "verifyTx", "((uint256,uint256),(uint256[2],uint256[2]),(uint256,uint256))"
	if snarkjs {
		name, proof = "verifyProof", "uint256[2],uint256[2][2],uint256[2]"
	}
	if numInputs == 0 {
		return name + "(" + proof + ")"
	}
	return fmt.Sprintf("%s(%s,uint256[%d])", name, proof, numInputs)
}

// calldata encodes the call. All types have a fixed size, so the ABI puts one
// word after the other.
func (p *proof) calldata() []byte {
	x, y := p.b.X, p.b.Y
	if p.snarkjs {
		x, y = swapped(x), swapped(y)
	}
	words := slices.Concat([]word{p.a.X, p.a.Y}, x[:], y[:], []word{p.c.X, p.c.Y}, p.inputs)
	id := selector(p.signature())
	out := append(make([]byte, 0, len(id)+len(words)*wordBytes), id[:]...)
	for _, w := range words {
		out = append(out, w[:]...)
	}
	return out
}
