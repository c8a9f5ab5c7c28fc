package daemon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"provery/internal/config"
	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
	"provery/internal/scheme/gm17"
	"provery/internal/worker"
)

// fixtureCompiler "compiles" the source of mul to what ZoKrates made of it.
type fixtureCompiler struct {
	t      *testing.T
	source string
}

func (fixtureCompiler) Version() string             { return "fixture" }
func (fixtureCompiler) Ready() error                { return nil }
func (fixtureCompiler) Check(*worker.Sources) error { return nil }

func (c fixtureCompiler) Compile(_ context.Context, s *worker.Sources, stage func(string)) (*worker.Compiled, error) {
	stage("compile")
	if s.Files[s.Main] != c.source {
		err := fault.New(fault.InvalidArtifact, "expected an expression")
		err.Position = &fault.Position{File: s.Main, Line: 1, Column: 2}
		return nil, err
	}
	f := fixture{"mul", s.Curve}
	out := &worker.Compiled{Artefacts: map[string]*io.SectionReader{}, Close: func() error { return nil }}
	for role, name := range map[string]string{"program": "out", "abi": "abi.json"} {
		b := read(c.t, f.file(name))
		out.Artefacts[role] = io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
	}
	return out, nil
}

// facade is a setup with ZoKrates-API's routes, whose compiler knows mul.
func facade(t *testing.T, dir, schemeName string) setup {
	return setup{
		dir:    dir,
		config: func(c *config.Config) { c.Facades.ZoKratesAPI.Enabled, c.Facades.ZoKratesAPI.Scheme = true, schemeName },
		before: func(d *Daemon) {
			d.compilers["zokrates"] = fixtureCompiler{t, mulSource(t)}
			if _, err := d.kit.Backend(scheme.GM17, curve.BN128); err == nil {
				return
			}
			b, err := gm17.New(curve.BN128)
			if err != nil {
				t.Fatal(err)
			}
			d.kit.Backends = append(d.kit.Backends, b)
		},
	}
}

func mulSource(t *testing.T) string {
	return string(read(t, filepath.Join(fixtures, "mul", "main.zok")))
}

func mulHash(t *testing.T) string {
	sum := sha256.Sum256([]byte(mulSource(t)))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// wantJSON checks status and body of an answer and returns the body's fields.
func (a answer) want(t *testing.T, what string, status int) map[string]json.RawMessage {
	t.Helper()
	var body map[string]json.RawMessage
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status != status {
		t.Fatalf("%s: got %d %s (%v), want %d", what, a.status, a.body, err, status)
	}
	if _, failed := body["error_message"]; failed != (status != http.StatusOK) || failed && len(body) != 1 {
		t.Fatalf("%s: got %s, want error_message alone in errors and nowhere else", what, a.body)
	}
	return body
}

// TestZoKratesAPISession is the session that the facade exists for: a program
// is compiled, gets its key, and proves; the proof is ZoKrates's own JSON.
// Then the service is started anew, and goes on.
func TestZoKratesAPISession(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]string{"gm17": "g16", "g16": "gm17"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			zokratesAPISession(t, func() setup { return facade(t, dir, name) }, name, other)
		})
	}
}

// TestZoKratesAPIWithCompiler is the same session with ZoKrates's compiler and
// the keys that ZoKrates made for the program, which so has to be the same to
// the byte. Nothing is configured but that the facade is on: it is GM17 on
// bn128.
func TestZoKratesAPIWithCompiler(t *testing.T) {
	t.Parallel()
	s := withCompiler(t, func(c *config.Config) { c.Facades.ZoKratesAPI.Enabled = true })
	zokratesAPISession(t, func() setup { return s }, "gm17", "g16")
}

func zokratesAPISession(t *testing.T, service func() setup, scheme, other string) {
	keys := "ark-" + scheme
	r := start(t, service())
	hash := mulHash(t)
	post := func(path, body string) answer { return r.do(http.MethodPost, path, body) }

	r.do(http.MethodGet, "/health", "").want(t, "health", 200)
	post("/"+hash+"/proving-key", "x").want(t, "key before the program", 404)
	post("/compile", "def main(").want(t, "source with an error", 400)
	program := post("/compile", mulSource(t)).want(t, "compile", 200)
	if got := string(program["program_hash"]); got != `"`+hash+`"` {
		t.Errorf("got hash %s, want %s", got, hash)
	}
	if got, want := compact(t, program["abi"]), compact(t, read(t, mul.file("abi.json"))); got != want {
		t.Errorf("got ABI %s, want %s", got, want)
	}
	post("/compile", mulSource(t)).want(t, "compile again", 409)

	post("/"+hash+"/compute-generate-proof", `{"payload":["3","5"]}`).want(t, "prove without a key", 404)
	post("/"+hash+"/proving-key", "damaged").want(t, "damaged key", 422)
	post("/"+hash+"/proving-key", string(read(t, fixture{"asmdir", "bn128"}.file(keys+"/proving.key")))).want(t, "key of another program", 422)
	post("/"+hash+"/proving-key", string(read(t, mul.file(keys+"/proving.key")))).want(t, "key", 200)

	witness := post("/"+hash+"/compute-witness", `{"payload":["3","5"]}`).want(t, "witness", 200)
	if string(witness["output"]) != `"15"` || string(witness["witness"]) != `"~out_0 15\n~one 1\n_0 3\n_1 5"` {
		t.Errorf("got %s and %s", witness["output"], witness["witness"])
	}
	post("/"+hash+"/compute-witness", `{"payload":["3"]}`).want(t, "too few arguments", 400)
	r.wantProof(post("/"+hash+"/generate-proof", string(read(t, mul.file("witness")))), "native witness", scheme, 15)
	r.wantProof(post("/"+hash+"/generate-proof", "~out_0 21\n~one 1\n_0 3\n_1 7"), "text witness", scheme, 21)
	post("/"+hash+"/generate-proof", "~out_0 22\n~one 1\n_0 3\n_1 7").want(t, "false witness", 400)
	r.wantProof(post("/"+hash+"/compute-generate-proof", `{"payload":["4","5"]}`), "arguments", scheme, 20)
	post("/"+hash+"/compute-generate-proof?scheme="+other, `{"payload":["4","5"]}`).want(t, "no key of the scheme", 404)

	r.stop()
	r = start(t, service())
	post("/compile", mulSource(t)).want(t, "compile after the restart", 409)
	r.wantProof(post("/"+hash+"/compute-generate-proof", `{"payload":["6","7"]}`), "after the restart", scheme, 42)
}

// wantProof checks that an answer holds a proof of mul's output that the
// registered key accepts.
func (r *rig) wantProof(a answer, what, scheme string, output int) {
	r.t.Helper()
	body := a.want(r.t, what, 200)
	var proof struct {
		Scheme, Curve string
		Inputs        []string
	}
	var took struct{ Secs, Nanos *int64 }
	if json.Unmarshal(body["payload"], &proof) != nil || json.Unmarshal(body["time"], &took) != nil || took.Secs == nil || took.Nanos == nil {
		r.t.Fatalf("%s: got %s, want payload and time", what, a.body)
	}
	if want := fmt.Sprintf("0x%064x", output); proof.Scheme != scheme || proof.Curve != "bn128" || proof.Inputs[len(proof.Inputs)-1] != want {
		r.t.Errorf("%s: got %+v, want the output %s", what, proof, want)
	}
	vk := string(read(r.t, mul.file("ark-"+scheme+"/verification.key")))
	v := r.do(http.MethodPost, "/v1/verify", `{"verifying_key":`+vk+`,"proof":`+string(body["payload"])+`}`)
	if !strings.Contains(v.body, `"valid":true`) {
		r.t.Errorf("%s: got %s, want a valid proof", what, v.body)
	}
}

// TestZoKratesAPIKeepsRequestsApart sends different requests at once: each
// gets the proof of its own arguments. ZoKrates-API mixes up the witnesses of
// such requests, since they share a file.
func TestZoKratesAPIKeepsRequestsApart(t *testing.T) {
	t.Parallel()
	r := start(t, facade(t, "", "g16"))
	hash := mulHash(t)
	r.do(http.MethodPost, "/compile", mulSource(t)).want(t, "compile", 200)
	r.do(http.MethodPost, "/"+hash+"/proving-key", string(read(t, mul.file("ark-g16/proving.key")))).want(t, "key", 200)
	const n = 24
	answers := make([]answer, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			if i%2 == 0 {
				answers[i] = r.do(http.MethodPost, "/"+hash+"/compute-generate-proof", fmt.Sprintf(`{"payload":["%d","2"]}`, i+1))
			} else {
				answers[i] = r.do(http.MethodPost, "/"+hash+"/generate-proof", fmt.Sprintf("~out_0 %d\n~one 1\n_0 %d\n_1 2", 2*i+2, i+1))
			}
		})
	}
	group.Wait()
	for i, a := range answers {
		r.wantProof(a, fmt.Sprint("request ", i), "g16", 2*i+2)
	}
}

// TestZoKratesAPICompilerIsMissing checks what the facade says where no
// compiler is installed.
func TestZoKratesAPICompilerIsMissing(t *testing.T) {
	t.Parallel()
	s := facade(t, "", "g16")
	s.before = nil
	r := start(t, s)
	body := r.do(http.MethodPost, "/compile", mulSource(t)).want(t, "compile", 422)
	if text := string(body["error_message"]); !strings.Contains(text, "toolchain install zokrates") {
		t.Errorf("got %s, want how to install it", text)
	}
}
