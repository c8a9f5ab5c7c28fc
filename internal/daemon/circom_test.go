package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"provery/api"
	"provery/client"
	"provery/internal/config"
)

// circomFile reads a file of testdata/circom.
func circomFile(t *testing.T, name string) []byte {
	return read(t, filepath.Join("../../testdata/circom", name))
}

// TestCircom takes a circuit and keys of snarkjs through the service.
func TestCircom(t *testing.T) {
	t.Parallel()
	r := start(t, setup{config: func(c *config.Config) { c.Facades.ProverServer.Enabled = true }})
	for curve, zkeys := range map[string][]string{"bn128": {"fresh", "contributed", "beaconed"}, "bls12381": {"fresh", "contributed"}} {
		c := r.registerTiny(curve)
		if c.Frontend != "circom" || c.Curve == "" {
			t.Errorf("got %+v", c)
		}
		for i, zkey := range zkeys {
			u := client.KeyUpload{ProvingKey: bytes.NewReader(circomFile(t, curve+"/"+zkey+".zkey"))}
			if last := i == len(zkeys)-1; last {
				u.VerifyingKey = bytes.NewReader(circomFile(t, curve+"/verification_key.json"))
			}
			k, _, err := r.cl.AddKeys(r.ctx(), c.ID, u)
			if err != nil {
				t.Fatal(err)
			}
			if k.Layout != "snarkjs" || !strings.HasPrefix(k.SelfTest, "passed") {
				t.Errorf("got %+v", k)
			}
			r.proveTiny(c.ID, k.ID)
		}
		theirs := fmt.Appendf(nil, `{"proof":%s,"public":%s}`, circomFile(t, curve+"/proof.json"), circomFile(t, curve+"/public.json"))
		r.wantVerdict("snarkjs's proof", api.VerifyRequest{Circuit: c.ID, Proof: theirs}, true)
		r.wantVerdict("snarkjs's proof and key", api.VerifyRequest{VerifyingKey: circomFile(t, curve+"/verification_key.json"), Proof: theirs}, true)
		r.wantVerdict("other inputs", api.VerifyRequest{Circuit: c.ID, Proof: theirs, PublicInputs: []string{"91", "14", "77", "92"}}, false)
	}
	r.setUpTiny("tiny-bn128")
	r.dryRunTiny("tiny-bn128")
	r.proverServer("tiny-bls12381")
}

// proverServer proves and verifies as a client of iden3's prover-server does.
func (r *rig) proverServer(circuit string) {
	r.t.Helper()
	input := circomFile(r.t, "tiny.json")
	proof := r.do("POST", "/api/v1/proof/generate", fmt.Sprintf(`{"circuit_name":%q,"inputs":%s}`, circuit, input), "Content-Type", "application/json")
	if proof.status != 200 || !strings.Contains(proof.body, `"pub_signals":["91","14","77","91"]`) {
		r.t.Fatalf("generate: got %d %s", proof.status, proof.body)
	}
	for signals, want := range map[string]string{`"91"]`: `"valid":true`, `"92"]`: `"valid":false`} {
		zkp := strings.Replace(strings.TrimSpace(proof.body), `"91"]`, signals, 1)
		got := r.do("POST", "/api/v1/proof/verify", fmt.Sprintf(`{"circuit_name":%q,"zkp":%s}`, circuit, zkp), "Content-Type", "application/json")
		if got.status != 200 || !strings.Contains(got.body, want) {
			r.t.Errorf("verify: got %d %s, want %s", got.status, got.body, want)
		}
	}
}

// proveTiny proves with a key and checks everything that is exported.
func (r *rig) proveTiny(circuit, keys string) {
	r.t.Helper()
	p := r.prove(api.ProofRequest{Circuit: circuit, Keys: keys, Arguments: json.RawMessage(circomFile(r.t, "tiny.json"))})
	if got, want := compact(r.t, p.Result.Outputs), `{"sum":"91","squares":["14","77"]}`; got != want {
		r.t.Errorf("got outputs %s, want %s", got, want)
	}
	var proof struct {
		Public []string `json:"public"`
	}
	if err := json.Unmarshal(p.Result.Proof, &proof); err != nil || strings.Join(proof.Public, " ") != "91 14 77 91" {
		r.t.Errorf("got proof %s", p.Result.Proof)
	}
	vk, err := r.cl.VerifyingKeyAs(r.ctx(), circuit, keys, "snarkjs")
	if err != nil {
		r.t.Fatal(err)
	}
	r.wantVerdict("own key", api.VerifyRequest{Circuit: circuit, Keys: keys, Proof: p.Result.Proof}, true)
	r.wantVerdict("exported key", api.VerifyRequest{VerifyingKey: vk, Proof: p.Result.Proof}, true)
	if !strings.Contains(string(vk), "bn128") {
		return // the EVM has no other curve
	}
	call, err := r.cl.Calldata(r.ctx(), p.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	source, err := r.cl.Verifier(r.ctx(), circuit, keys, "")
	if err != nil {
		r.t.Fatal(err)
	}
	if !strings.HasPrefix(call.Function, "verifyProof(") || !strings.Contains(source, "function verifyProof(") {
		r.t.Errorf("got calldata for %s", call.Function)
	}
}

// setUpTiny has the service make keys.
func (r *rig) setUpTiny(circuit string) {
	r.t.Helper()
	k, err := r.cl.SetupKeys(r.ctx(), circuit, "groth16")
	if err != nil {
		r.t.Fatal(err)
	}
	if k.Layout != "snarkjs" {
		r.t.Errorf("got layout %q, want snarkjs", k.Layout)
	}
	r.proveTiny(circuit, k.ID)
}

// dryRunTiny computes a witness file, and fails an assertion.
func (r *rig) dryRunTiny(circuit string) {
	r.t.Helper()
	w, err := r.cl.DryRun(r.ctx(), circuit, api.WitnessRequest{Arguments: json.RawMessage(circomFile(r.t, "tiny.json")), Witness: "wtns", Logs: true})
	if err != nil {
		r.t.Fatal(err)
	}
	if !bytes.Equal(w.Witness, circomFile(r.t, "bn128/tiny.wtns")) || strings.Join(w.Logs, "|") != "sum 91" {
		r.t.Errorf("the witness isn't snarkjs's, or the logs are wrong: %q", w.Logs)
	}
	w, err = r.cl.DryRun(r.ctx(), circuit, api.WitnessRequest{Arguments: json.RawMessage(`{"secret":[1,2,3,4,5,6],"limit":7}`)})
	if err != nil {
		r.t.Fatal(err)
	}
	if w.Satisfied || w.Assertion == nil || w.Assertion.Position == nil || w.Assertion.Position.Line != 23 {
		r.t.Errorf("got %+v, want a failed assertion in line 23", w)
	}
}
