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
)

// TestFixtures registers every program and key of ZoKrates's, proves, and
// verifies: our proof, ZoKrates's own, and ours with altered inputs.
func TestFixtures(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	for f, dirs := range fixturesWithKeys(t) {
		c, existed, err := r.cl.Register(r.ctx(), registration(t, f, f.program))
		if err != nil || existed {
			t.Fatalf("%v: got existed %v, %v", f, existed, err)
		}
		if c.Curve != f.curve || c.Frontend != "zokrates" || len(c.Artefacts) != 2 || len(c.KeySets) != 0 {
			t.Errorf("%v: got %+v", f, c)
		}
		for _, dir := range dirs {
			k := r.addKeysOf(f, c.ID, dir)
			layout, scheme, _ := strings.Cut(dir, "-")
			if scheme == "g16" {
				scheme = "groth16"
			}
			if k.Layout != layout || k.Curve != f.curve || k.Scheme != scheme || k.Provenance != api.ProvenanceUploaded {
				t.Errorf("%v %s: got %+v", f, dir, k)
			}
			if !strings.HasPrefix(k.SelfTest, "passed") && !strings.HasPrefix(k.SelfTest, "not possible") {
				t.Errorf("%v %s: got self-test %q", f, dir, k.SelfTest)
			}
			r.checkKey(f, c, k, f.file(dir))
		}
	}
}

// checkKey proves with a key and verifies the outcome in every way.
func (r *rig) checkKey(f fixture, c *api.Circuit, k *api.KeySet, dir string) {
	t := r.t
	t.Helper()
	vk, err := r.cl.VerifyingKey(r.ctx(), c.ID, k.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !sameJSON(t, vk, read(t, filepath.Join(dir, "verification.key"))) {
		t.Errorf("%s: the exported key isn't verification.key", dir)
	}
	p := r.prove(api.ProofRequest{Circuit: c.ID, Keys: k.ID, Arguments: f.args(t)})
	if got, want := compact(t, p.Result.Outputs), compact(t, read(t, f.file("output.json"))); got != want {
		t.Errorf("%s: got outputs %s, want %s", dir, got, want)
	}
	if p.KeySet != k.ID || p.Circuit != c.ID || p.Insecure || p.Result.ProvingKeyDigest != k.ProvingKeyDigest ||
		p.Result.VerifyingKeyDigest != k.VerifyingKeyDigest || p.Result.CircuitDigest != c.ID {
		t.Errorf("%s: got %+v", dir, p)
	}
	if l := p.Ledger; l == nil || l.Prove <= 0 || l.Witness <= 0 || l.Check <= 0 || len(l.Stages) == 0 || l.Total < l.Prove {
		t.Errorf("%s: got ledger %+v", dir, l)
	}
	theirs := read(t, filepath.Join(dir, "proof.json"))
	r.wantVerdict(dir+" ours", api.VerifyRequest{Circuit: c.ID, Keys: k.ID, Proof: p.Result.Proof}, true)
	r.wantVerdict(dir+" theirs", api.VerifyRequest{Circuit: c.ID, Keys: k.ID, Proof: theirs}, true)
	r.wantVerdict(dir+" with the key given", api.VerifyRequest{VerifyingKey: vk, Proof: p.Result.Proof, PublicInputs: p.Result.PublicInputs}, true)
	for i := range p.Result.PublicInputs {
		altered := append([]string{}, p.Result.PublicInputs...)
		altered[i] = "0x123456789abcdef"
		r.wantVerdict(fmt.Sprintf("%s with input %d altered", dir, i),
			api.VerifyRequest{Circuit: c.ID, Keys: k.ID, Proof: p.Result.Proof, PublicInputs: altered}, false)
	}
	r.wantVerdict(dir+" with an input too many",
		api.VerifyRequest{Circuit: c.ID, Keys: k.ID, Proof: theirs, PublicInputs: append([]string{"1"}, p.Result.PublicInputs...)}, false)
}

func (r *rig) wantVerdict(what string, req api.VerifyRequest, valid bool) {
	r.t.Helper()
	v, err := r.cl.Verify(r.ctx(), req)
	if err != nil || v.Valid != valid || (v.Reason == "") != valid {
		r.t.Errorf("%s: got %+v, %v, want valid %v", what, v, err, valid)
	}
}

// sameJSON reports whether two texts hold the same JSON value.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	texts := [2]string{}
	for i, text := range [][]byte{a, b} {
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(again)
	}
	return texts[0] == texts[1]
}

func TestRegisteringTwice(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	first := r.ready(mul)
	again, existed, err := r.cl.Register(r.ctx(), registration(t, mul, ""))
	if err != nil || !existed || again.ID != first.ID || !again.Created.Equal(first.Created) {
		t.Errorf("got %+v, existed %v, %v, want the first circuit", again, existed, err)
	}
	for _, withVK := range []bool{false, true} {
		u := client.KeyUpload{ProvingKey: bytes.NewReader(read(t, mul.file("ark-g16/proving.key")))}
		if withVK {
			u.VerifyingKey = bytes.NewReader(read(t, mul.file("ark-g16/verification.key")))
		}
		k, existed, err := r.cl.AddKeys(r.ctx(), "mul", u)
		if err != nil || !existed || k.ID != again.KeySets[0].ID {
			t.Errorf("verifying key %v: got %+v, existed %v, %v, want the first key set", withVK, k, existed, err)
		}
	}
	// The same program without its ABI takes other arguments: another circuit.
	reg := registration(t, mul, "flat")
	delete(reg.Artefacts, "abi")
	flat, existed, err := r.cl.Register(r.ctx(), reg)
	if err != nil || existed || flat.ID == first.ID {
		t.Errorf("without ABI: got %+v, existed %v, %v, want another circuit", flat, existed, err)
	}
}

func TestInsecureSetup(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	c := r.register(mul)
	k, err := r.cl.SetupKeys(r.ctx(), "mul", "groth16")
	if err != nil || k.Provenance != api.ProvenanceInsecureDev || k.SelfTest != "passed" || k.Layout != "native" {
		t.Fatalf("got %+v, %v", k, err)
	}
	p := r.prove(times(6, 7))
	wantProduct(t, p, 6, 7)
	if !p.Insecure {
		t.Error("the proof isn't marked as insecure")
	}
	// ZoKrates's proof is of other keys.
	r.wantVerdict("theirs", api.VerifyRequest{Circuit: c.ID, Proof: read(t, mul.file("ark-g16/proof.json"))}, false)
	_, err = r.cl.SetupKeys(r.ctx(), "mul", "marlin")
	wantProblem(t, "marlin", err, api.CodeUnsupported, "-")

	no := false
	s := start(t, setup{config: configWithoutSetup(&no)})
	s.register(mul)
	_, err = s.cl.SetupKeys(s.ctx(), "mul", "groth16")
	wantProblem(t, "switched off", err, api.CodeForbidden, "")
	if c, err := s.cl.Circuit(s.ctx(), "mul"); err != nil || len(c.KeySets) != 0 {
		t.Errorf("got %+v, %v, want no keys", c, err)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	logs := fixture{"logs", "bn128"}
	r.register(logs)
	w, err := r.cl.DryRun(r.ctx(), "logs", api.WitnessRequest{Arguments: logs.args(t), Logs: true})
	if err != nil || !w.Satisfied || compact(t, w.Outputs) != compact(t, read(t, logs.file("output.json"))) {
		t.Errorf("got %+v, %v", w, err)
	}
	if got, want := strings.Join(w.Logs, "\n"), strings.TrimSpace(string(read(t, logs.file("log.txt")))); got != want {
		t.Errorf("got logs %q, want %q", got, want)
	}
	r.register(fixture{"assertmsg", "bn128"})
	w, err = r.cl.DryRun(r.ctx(), "assertmsg", api.WitnessRequest{Arguments: json.RawMessage(`["4","5"]`)})
	if err != nil || w.Satisfied || w.Assertion == nil || !strings.Contains(w.Assertion.Message, "values differ") || w.Assertion.Position == nil || w.Assertion.Position.Line != 1 {
		t.Errorf("got %+v, %v, want the assertion and its position", w, err)
	}
	_, err = r.cl.DryRun(r.ctx(), "assertmsg", api.WitnessRequest{Arguments: json.RawMessage(`["4",{}]`)})
	wantProblem(t, "shape", err, api.CodeInvalidRequest, "/arguments/1")
}

// TestWorkloads proves the two examples, compiled from source at set-up.
func TestWorkloads(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short leaves out the example workloads (eddsa, reserves)")
	}
	r := start(t, setup{})
	for _, w := range workloads(t) {
		c, _, err := r.cl.Register(r.ctx(), client.Registration{Name: w.name, Artefacts: w.files(t, "out", "abi.json")})
		if err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		if c.Statistics.Constraints != w.constraints || c.Statistics.CompactBytes > 40<<20 {
			t.Errorf("%s: got %+v, want %d constraints, at most 40 MiB", w.name, c.Statistics, w.constraints)
		}
		files := w.files(t, "ark-g16/proving.key", "ark-g16/verification.key")
		k, _, err := r.cl.AddKeys(r.ctx(), w.name, client.KeyUpload{ProvingKey: files["proving.key"], VerifyingKey: files["verification.key"]})
		if err != nil || k.Scheme != "groth16" {
			t.Fatalf("%s: got %+v, %v", w.name, k, err)
		}
		p := r.prove(api.ProofRequest{Circuit: w.name, Arguments: w.arguments})
		if got := compact(t, p.Result.Outputs); got != w.outputs {
			t.Errorf("%s: got outputs %s, want %s", w.name, got, w.outputs)
		}
		r.wantVerdict(w.name, api.VerifyRequest{Circuit: w.name, Proof: p.Result.Proof}, true)
		if w.other != nil {
			p := r.prove(api.ProofRequest{Circuit: w.name, Arguments: w.other})
			if got := compact(t, p.Result.Outputs); got != w.otherOutput {
				t.Errorf("%s: got outputs %s, want %s", w.name, got, w.otherOutput)
			}
		}
		if w.refused != nil {
			_, err = r.cl.Prove(r.ctx(), api.ProofRequest{Circuit: w.name, Arguments: w.refused})
			if e := wantProblem(t, w.name+" refused", err, api.CodeUnsatisfiedWitness, ""); e.Position == nil || e.Position.Line == 0 {
				t.Errorf("%s: got %+v, want a position", w.name, e)
			}
		}
	}
}
