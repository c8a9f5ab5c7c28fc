package daemon

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"provery/api"
)

// TestContract exports a circuit's contract, which names the verifying key that
// is exported, and a proof's calldata.
func TestContract(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	r.register(mul)
	r.addKeys(mul, "mul", "ark")
	vk, err := r.cl.VerifyingKey(r.ctx(), "mul", "groth16")
	if err != nil {
		t.Fatal(err)
	}
	source, err := r.cl.Verifier(r.ctx(), "mul", "", "Mul")
	if err != nil || !strings.Contains(source, "contract Mul") || !strings.Contains(source, fmt.Sprintf("%x", sha256.Sum256(vk))) {
		t.Errorf("got %v and a contract without its name or its key's digest:\n%.600s", err, source)
	}
	p := r.prove(times(6, 7))
	call, err := r.cl.Calldata(r.ctx(), p.ID)
	if err != nil || call.Target != "evm" || !strings.HasPrefix(call.Calldata, call.Selector) || len(call.Calldata) != 2+2*(4+32*(8+2)) {
		t.Errorf("got %+v, %v", call, err)
	}
	for _, input := range p.Result.PublicInputs {
		if !strings.Contains(call.Calldata, strings.TrimPrefix(input, "0x")) {
			t.Errorf("input %s isn't in the calldata", input)
		}
	}
	r.register(fixture{"mul", "bls12_381"})
	_, err = r.cl.Verifier(r.ctx(), "mul", "nobody", "")
	wantProblem(t, "unknown keys", err, api.CodeInvalidRequest, "-")
	_, err = r.cl.Verifier(r.ctx(), "mul", "", "not a name")
	if err == nil {
		t.Error("a contract name with blanks was accepted")
	}
}
