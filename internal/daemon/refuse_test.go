package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"provery/api"
	"provery/client"
	"provery/internal/config"
)

// modulus of bn128's scalar field: the smallest number that isn't in it.
const modulus = "21888242871839275222246405745257275088548364400416034343698204186575808495617"

// TestArgumentsThatAreRefused sends arguments of the wrong shape, count and
// range. The answers name the place, and repeat nothing.
func TestArgumentsThatAreRefused(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	r.ready(mul)
	r.ready(fixture{"mixed", "bn128"})
	mixed := func(old, new string) string {
		good := compact(t, fixture{"mixed", "bn128"}.args(t))
		if !strings.Contains(good, old) {
			t.Fatalf("no %s in %s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	for _, tc := range []struct{ name, circuit, arguments, path string }{
		{"too few", "mul", `["99123"]`, "/arguments"},
		{"too many", "mul", `["99123","5","6"]`, "/arguments"},
		{"not a list", "mul", `"99123"`, "/arguments"},
		{"a list in a number's place", "mul", `[["99123"],"5"]`, "/arguments/0"},
		{"an object in a number's place", "mul", `["5",{"a":"99123"}]`, "/arguments/1"},
		{"the field's order", "mul", `["5","` + modulus + `"]`, "/arguments/1"},
		{"negative", "mul", `["-99123","5"]`, "/arguments/0"},
		{"no number", "mul", `["99123x","5"]`, "/arguments/0"},
		{"a fraction", "mul", `[99123.5,"5"]`, "/arguments/0"},
		{"a bare number over 2^53", "mul", `[9007199254740993,"5"]`, "/arguments/0"},
		{"a boolean in a number's place", "mul", `[true,"5"]`, "/arguments/0"},
		{"null", "mul", `[null,"5"]`, "/arguments/0"},
		{"u8 too large", "mixed", mixed(`"tag":"200"`, `"tag":"99123"`), "/arguments/0/p/tag"},
		{"u16 too large", "mixed", mixed(`"65535"`, `"99123"`), "/arguments/3/1"},
		{"u64 too large", "mixed", mixed(`"0x1000000000000001"`, `"0x99123000000000000"`), "/arguments/4"},
		{"a number for a boolean", "mixed", mixed(`"on":true`, `"on":99123`), "/arguments/0/p/on"},
		{"an array too short", "mixed", mixed(`["1","2","4294967295"]`, `["99123","2"]`), "/arguments/1"},
		{"a missing field", "mixed", mixed(`,"on":true`, ``), "/arguments/0/p"},
		{"an unknown field", "mixed", mixed(`"on":true`, `"on":true,"k99123":1`), "/arguments/0/p"},
	} {
		r.wantRefused(tc.name, tc.circuit, tc.arguments, tc.path)
	}
	reduced := r.prove(api.ProofRequest{Circuit: "mul", Arguments: json.RawMessage(`["3","` + modulus + `"]`), Reduce: true})
	wantProduct(t, reduced, 3, 0)
	if page, err := r.cl.Proofs(r.ctx(), api.ProofFilter{}, "", 0); err != nil || len(page.Items) != 1 {
		t.Errorf("got %+v, %v, want no jobs of refused requests", page, err)
	}
}

// wantRefused sends arguments for a proof and for a witness. Both answers have to
// be of a request that is wrong below the path, and mustn't repeat 99123 or the
// field's order.
func (r *rig) wantRefused(name, circuit, arguments, path string) {
	r.t.Helper()
	for _, a := range []answer{
		r.do("POST", "/v1/proofs", fmt.Sprintf(`{"circuit":%q,"arguments":%s}`, circuit, arguments)),
		r.do("POST", "/v1/circuits/"+circuit+"/witness", `{"arguments":`+arguments+`}`),
	} {
		var p api.Problem
		if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != 400 || p.Code != api.CodeInvalidRequest || !strings.HasPrefix(p.Path, path) || p.Detail == "" {
			r.t.Errorf("%s: got %d %s, want 400 at %s", name, a.status, a.body, path)
		}
		if strings.Contains(a.body, "99123") || strings.Contains(a.body, modulus) {
			r.t.Errorf("%s: the answer repeats the value: %s", name, a.body)
		}
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	r := start(t, setup{config: func(c *config.Config) {
		c.Limits.MaxBodyBytes, c.Limits.MaxArgumentsBytes, c.Limits.MaxUploadBytes = 64<<10, 32<<10, 256<<10
	}})
	r.ready(mul)
	other := r.ready(fixture{"inout", "bn128"})
	r.register(fixture{"square", "bn128"})
	good := string(times(6, 7).Arguments)
	for _, tc := range []struct {
		name string
		req  api.ProofRequest
		code api.Code
		path string
	}{
		{"unknown circuit", api.ProofRequest{Circuit: "nobody"}, api.CodeNotFound, "-"},
		{"no circuit", api.ProofRequest{}, api.CodeInvalidRequest, "/circuit"},
		{"circuit without keys", api.ProofRequest{Circuit: "square"}, api.CodeNotFound, "-"},
		{"unknown scheme", api.ProofRequest{Circuit: "mul", Scheme: "plonk"}, api.CodeUnsupported, "-"},
		{"scheme without keys", api.ProofRequest{Circuit: "mul", Scheme: "gm17"}, api.CodeNotFound, "-"},
		{"unknown keys", api.ProofRequest{Circuit: "mul", Keys: other.ID}, api.CodeNotFound, "-"},
		{"keys that are no id", api.ProofRequest{Circuit: "mul", Keys: "mine"}, api.CodeInvalidRequest, "-"},
		{"keys of another scheme", api.ProofRequest{Circuit: "mul", Keys: "groth16", Scheme: "gm17"}, api.CodeInvalidRequest, "/scheme"},
		{"unknown priority", api.ProofRequest{Circuit: "mul", Priority: "urgent"}, api.CodeInvalidRequest, "/priority"},
	} {
		tc.req.Arguments = json.RawMessage(good)
		_, err := r.cl.Submit(r.ctx(), tc.req, client.SubmitOptions{})
		wantProblem(t, tc.name, err, tc.code, tc.path)
	}
	_, err := r.cl.Submit(r.ctx(), api.ProofRequest{Circuit: "mul", Arguments: json.RawMessage(`["` + strings.Repeat("0", 40<<10) + `1","2"]`)}, client.SubmitOptions{})
	wantProblem(t, "arguments over the limit", err, api.CodeTooLarge, "/arguments")
	_, err = r.cl.Submit(r.ctx(), api.ProofRequest{Circuit: "mul", Arguments: json.RawMessage(`["` + strings.Repeat("0", 80<<10) + `1","2"]`)}, client.SubmitOptions{})
	wantProblem(t, "body over the limit", err, api.CodeTooLarge, "-")
	_, _, err = r.cl.Register(r.ctx(), client.Registration{Artefacts: map[string]io.Reader{"program": reader(make([]byte, 300<<10))}})
	wantProblem(t, "upload over the limit", err, api.CodeTooLarge, "/program")
	wantProduct(t, r.prove(times(6, 7)), 6, 7)
}

// TestProgramsThatAreRefused uploads damaged programs.
func TestProgramsThatAreRefused(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	program, abi := read(t, mul.file("out")), read(t, mul.file("abi.json"))
	other := read(t, fixture{"mixed", "bn128"}.file("abi.json"))
	for _, tc := range []struct {
		name         string
		program, abi []byte
	}{
		{"empty", nil, abi},
		{"cut to its head", program[:16], abi},
		{"cut in the middle", program[:len(program)/2], abi},
		{"last byte missing", program[:len(program)-1], abi},
		{"magic altered", tamper(program, 0), abi},
		{"version altered", tamper(program, 7), abi},
		{"curve altered", tamper(program, 9), abi},
		{"the ABI as the program", abi, abi},
		{"a key as the program", read(t, mul.file("ark-g16/proving.key")), abi},
		{"the ABI of another program", program, other},
		{"an ABI that is no JSON", program, []byte("{")},
	} {
		_, _, err := r.cl.Register(r.ctx(), client.Registration{Name: "bad", Artefacts: map[string]io.Reader{"program": reader(tc.program), "abi": reader(tc.abi)}})
		wantProblem(t, tc.name, err, api.CodeInvalidArtifact, "-")
	}
	_, _, err := r.cl.Register(r.ctx(), client.Registration{Artefacts: map[string]io.Reader{"abi": reader(abi)}})
	wantProblem(t, "no program", err, api.CodeInvalidRequest, "/program")
	_, _, err = r.cl.Register(r.ctx(), client.Registration{Frontend: "noir", Artefacts: map[string]io.Reader{"program": reader(program)}})
	wantProblem(t, "unknown language", err, api.CodeInvalidRequest, "/frontend")
	if page, err := r.cl.Circuits(r.ctx(), "", 0); err != nil || len(page.Items) != 0 {
		t.Errorf("got %+v, %v, want nothing registered", page, err)
	}
}

// TestKeysThatAreRefused uploads keys of other programs, curves and schemes,
// and damaged ones.
func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	r.register(mul)
	key := read(t, mul.file("ark-g16/proving.key"))
	bellman := read(t, mul.file("bellman-g16/proving.key"))
	vk := read(t, mul.file("ark-g16/verification.key"))
	foreign := read(t, fixture{"assertmsg", "bn128"}.file("ark-g16/proving.key"))
	for _, tc := range []struct {
		name, circuit string
		upload        client.KeyUpload
		code          api.Code
	}{
		{"of another program", "mul", client.KeyUpload{ProvingKey: reader(foreign)}, api.CodeInvalidArtifact},
		{"of another curve", "mul", client.KeyUpload{ProvingKey: reader(read(t, fixture{"mul", "bls12_381"}.file("ark-g16/proving.key")))}, api.CodeInvalidArtifact},
		{"of another scheme than it is said to be", "mul", client.KeyUpload{ProvingKey: reader(read(t, mul.file("ark-gm17/proving.key"))), Scheme: "groth16"}, api.CodeInvalidArtifact},
		{"said to be of another scheme", "mul", client.KeyUpload{ProvingKey: reader(key), Scheme: "gm17"}, api.CodeInvalidArtifact},
		{"said to be of no known scheme", "mul", client.KeyUpload{ProvingKey: reader(key), Scheme: "plonk"}, api.CodeUnsupported},
		{"said to be of another layout", "mul", client.KeyUpload{ProvingKey: reader(key), Layout: "bellman"}, api.CodeInvalidArtifact},
		{"of no known layout", "mul", client.KeyUpload{ProvingKey: reader(key), Layout: "zkey"}, api.CodeUnsupported},
		{"empty", "mul", client.KeyUpload{ProvingKey: reader(nil)}, api.CodeInvalidArtifact},
		{"cut", "mul", client.KeyUpload{ProvingKey: reader(key[:len(key)-1])}, api.CodeInvalidArtifact},
		{"cut in the middle", "mul", client.KeyUpload{ProvingKey: reader(key[:len(key)/2])}, api.CodeInvalidArtifact},
		{"longer", "mul", client.KeyUpload{ProvingKey: reader(append(bytes.Clone(key), 0))}, api.CodeInvalidArtifact},
		{"altered at its start", "mul", client.KeyUpload{ProvingKey: reader(tamper(key, 3))}, api.CodeInvalidArtifact},
		{"altered in the middle", "mul", client.KeyUpload{ProvingKey: reader(tamper(key, len(key)/2))}, api.CodeInvalidArtifact},
		{"altered at its end", "mul", client.KeyUpload{ProvingKey: reader(tamper(key, len(key)-70))}, api.CodeInvalidArtifact},
		{"the verifying key as the proving key", "mul", client.KeyUpload{ProvingKey: reader(vk)}, api.CodeInvalidArtifact},
		{"verifying key of another key", "mul", client.KeyUpload{ProvingKey: reader(bellman), VerifyingKey: reader(vk)}, api.CodeInvalidArtifact},
		{"verifying key of another program", "mul", client.KeyUpload{ProvingKey: reader(key), VerifyingKey: reader(read(t, fixture{"mixed", "bn128"}.file("ark-g16/verification.key")))}, api.CodeInvalidArtifact},
		{"verifying key that is a proof", "mul", client.KeyUpload{ProvingKey: reader(key), VerifyingKey: reader(read(t, mul.file("ark-g16/proof.json")))}, api.CodeInvalidArtifact},
		{"verifying key of another scheme", "mul", client.KeyUpload{ProvingKey: reader(key), VerifyingKey: reader(read(t, mul.file("ark-gm17/verification.key")))}, api.CodeInvalidArtifact},
		{"unknown circuit", "nobody", client.KeyUpload{ProvingKey: reader(key)}, api.CodeNotFound},
	} {
		_, _, err := r.cl.AddKeys(r.ctx(), tc.circuit, tc.upload)
		wantProblem(t, tc.name, err, tc.code, "-")
	}
	if keys, err := r.cl.Keys(r.ctx(), "mul"); err != nil || len(keys) != 0 {
		t.Errorf("got %+v, %v, want no keys", keys, err)
	}
	r.addKeys(mul, "mul", "ark")
	wantProduct(t, r.prove(times(6, 7)), 6, 7)
}

// TestKeyOfAProgramOfTheSameShape uses the key of "a == b" for "a·a == b". Both
// have the same matrices' shapes, and both accept all the sample arguments (0
// and 1), so that nothing tells them apart at registration. But no proof that
// isn't one of both programs is released.
func TestKeyOfAProgramOfTheSameShape(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	square := fixture{"square", "bn128"}
	r.register(square)
	_, _, err := r.cl.AddKeys(r.ctx(), "square", client.KeyUpload{ProvingKey: reader(read(t, fixture{"assertmsg", "bn128"}.file("ark-g16/proving.key")))})
	if client.CodeOf(err) == api.CodeInvalidArtifact {
		return // better than it has to be
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.cl.Prove(r.ctx(), requestOf(t, square))
	if e := wantProblem(t, "proof with a foreign key", err, api.CodeInternal, ""); !strings.Contains(e.Detail, "withheld") {
		t.Errorf("got %+v, want it to say that the proof was withheld", e)
	}
}

// TestVerifyingWhatCantBeRead tells files that can't be read from proofs that
// don't hold.
func TestVerifyingWhatCantBeRead(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	r.ready(mul)
	proof, vk := read(t, mul.file("ark-g16/proof.json")), read(t, mul.file("ark-g16/verification.key"))
	gm17 := read(t, mul.file("ark-gm17/proof.json"))
	edit := func(b []byte, old, new string) []byte {
		if !bytes.Contains(b, []byte(old)) {
			t.Fatalf("no %s", old)
		}
		return bytes.Replace(b, []byte(old), []byte(new), 1)
	}
	for _, tc := range []struct {
		name string
		req  api.VerifyRequest
		code api.Code // "": not valid
	}{
		{"another scheme's proof", api.VerifyRequest{VerifyingKey: vk, Proof: gm17}, ""},
		{"another curve's proof", api.VerifyRequest{VerifyingKey: vk, Proof: read(t, fixture{"mul", "bls12_377"}.file("ark-g16/proof.json"))}, ""},
		{"another program's proof", api.VerifyRequest{Circuit: "mul", Proof: read(t, fixture{"mixed", "bn128"}.file("ark-g16/proof.json"))}, ""},
		{"a scheme that the circuit has no key for", api.VerifyRequest{Circuit: "mul", Proof: gm17}, api.CodeNotFound},
		{"a scheme that isn't supported", api.VerifyRequest{VerifyingKey: edit(vk, "g16", "marlin"), Proof: edit(proof, "g16", "marlin")}, api.CodeUnsupported},
		{"a key in the proof's place", api.VerifyRequest{Circuit: "mul", Proof: vk}, api.CodeInvalidRequest},
		{"a proof in the key's place", api.VerifyRequest{VerifyingKey: proof, Proof: proof}, api.CodeInvalidArtifact},
		{"a proof that is a list", api.VerifyRequest{Circuit: "mul", Proof: json.RawMessage(`[]`)}, api.CodeInvalidRequest},
		{"an unknown curve", api.VerifyRequest{VerifyingKey: vk, Proof: edit(proof, "bn128", "bn129")}, api.CodeUnsupported},
		{"an unknown scheme", api.VerifyRequest{VerifyingKey: vk, Proof: edit(proof, "g16", "g17")}, api.CodeUnsupported},
		{"a point off the curve", api.VerifyRequest{Circuit: "mul", Proof: edit(proof, "0x", "0x0")}, api.CodeInvalidRequest},
		{"an input beyond the field", api.VerifyRequest{Circuit: "mul", Proof: proof, PublicInputs: []string{modulus, "1"}}, api.CodeInvalidRequest},
		{"an input that is no number", api.VerifyRequest{Circuit: "mul", Proof: proof, PublicInputs: []string{"x", "1"}}, api.CodeInvalidRequest},
		{"unknown keys", api.VerifyRequest{Circuit: "mul", Keys: strings.Repeat("0", 64), Proof: proof}, api.CodeNotFound},
		{"unknown circuit", api.VerifyRequest{Circuit: "nobody", Proof: proof}, api.CodeNotFound},
	} {
		v, err := r.cl.Verify(r.ctx(), tc.req)
		if tc.code != "" {
			wantProblem(t, tc.name, err, tc.code, "-")
		} else if err != nil || v.Valid || v.Reason == "" {
			t.Errorf("%s: got %+v, %v, want it not valid", tc.name, v, err)
		}
	}
}
