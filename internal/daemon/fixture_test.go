package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/api"
	"provery/client"
)

const fixtures = "../../testdata/zokrates"

// fixture is a program of ZoKrates's on a curve.
type fixture struct{ program, curve string }

var mul = fixture{"mul", "bn128"}

func (f fixture) String() string          { return f.program + "/" + f.curve }
func (f fixture) file(name string) string { return filepath.Join(fixtures, f.program, f.curve, name) }
func (f fixture) args(t *testing.T) []byte {
	return read(t, filepath.Join(fixtures, f.program, "args.json"))
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fixturesWithKeys lists the fixtures with the directories of their keys, such
// as "ark-g16".
func fixturesWithKeys(t *testing.T) map[fixture][]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(fixtures, "*", "*", "*", "proving.key"))
	if err != nil || len(paths) < 30 {
		t.Fatalf("got %d keys (%v), want at least 30", len(paths), err)
	}
	out := map[fixture][]string{}
	for _, p := range paths {
		rel, err := filepath.Rel(fixtures, p)
		if err != nil {
			t.Fatal(err)
		}
		part := strings.Split(filepath.ToSlash(rel), "/")
		f := fixture{part[0], part[1]}
		out[f] = append(out[f], part[2])
	}
	return out
}

// registration returns the upload of a program and its ABI.
func registration(t *testing.T, f fixture, name string) client.Registration {
	t.Helper()
	return client.Registration{Name: name, Artefacts: map[string]io.Reader{
		"program": bytes.NewReader(read(t, f.file("out"))), "abi": bytes.NewReader(read(t, f.file("abi.json"))),
	}}
}

// register registers a fixture under its program's name.
func (r *rig) register(f fixture) *api.Circuit {
	r.t.Helper()
	c, _, err := r.cl.Register(r.ctx(), registration(r.t, f, f.program))
	if err != nil {
		r.t.Fatalf("register %v: %v", f, err)
	}
	return c
}

// addKeys uploads the Groth16 key of a layout, with the verifying key.
func (r *rig) addKeys(f fixture, ref, layout string) *api.KeySet {
	r.t.Helper()
	return r.addKeysOf(f, ref, layout+"-g16")
}

// addKeysOf uploads the keys of a directory.
func (r *rig) addKeysOf(f fixture, ref, name string) *api.KeySet {
	r.t.Helper()
	dir := f.file(name)
	k, _, err := r.cl.AddKeys(r.ctx(), ref, client.KeyUpload{
		ProvingKey:   bytes.NewReader(read(r.t, filepath.Join(dir, "proving.key"))),
		VerifyingKey: bytes.NewReader(read(r.t, filepath.Join(dir, "verification.key"))),
	})
	if err != nil {
		r.t.Fatalf("add keys %v %s: %v", f, name, err)
	}
	return k
}

// ready registers a fixture with its ark key.
func (r *rig) ready(f fixture) *api.Circuit {
	r.t.Helper()
	c := r.register(f)
	r.addKeys(f, c.ID, "ark")
	return c
}

// prove makes a proof or fails the test.
func (r *rig) prove(req api.ProofRequest) *api.Proof {
	r.t.Helper()
	p, err := r.cl.Prove(r.ctx(), req)
	if err != nil {
		r.t.Fatalf("prove %s: %v", req.Circuit, err)
	}
	return p
}

// submit queues a proof or fails the test.
func (r *rig) submit(req api.ProofRequest) *api.Proof {
	r.t.Helper()
	p, err := r.cl.Submit(r.ctx(), req, client.SubmitOptions{})
	if err != nil {
		r.t.Fatalf("submit %s: %v", req.Circuit, err)
	}
	return p
}

// finished waits for a proof's success.
func (r *rig) finished(id string) *api.Proof {
	r.t.Helper()
	p, err := r.cl.Wait(r.ctx(), id)
	if err != nil {
		r.t.Fatalf("wait for %s: %v", id, err)
	}
	return p
}

// times is a request for a·b by the circuit mul.
func times(a, b uint64) api.ProofRequest {
	return api.ProofRequest{Circuit: "mul", Arguments: json.RawMessage(fmt.Sprintf(`["%d","%d"]`, a, b))}
}

// wantProduct checks that a proof of mul is the one of a and b.
func wantProduct(t *testing.T, p *api.Proof, a, b uint64) {
	t.Helper()
	if p.Result == nil {
		t.Errorf("%d·%d: got no result in state %s", a, b, p.State)
		return
	}
	inputs := []string{fmt.Sprintf("0x%064x", b), fmt.Sprintf("0x%064x", a*b)}
	if got, want := string(p.Result.Outputs), fmt.Sprintf(`"%d"`, a*b); got != want {
		t.Errorf("%d·%d: got outputs %s, want %s", a, b, got, want)
	}
	if got, want := fmt.Sprint(p.Result.PublicInputs), fmt.Sprint(inputs); got != want {
		t.Errorf("%d·%d: got inputs %s, want %s", a, b, got, want)
	}
}
