package groth16

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
)

// fixture is a directory of files that zokrates-js made: a key pair and a proof.
type fixture struct {
	name    string
	backend scheme.Backend
	vk      []byte
	proof   []byte
}

// fixtures returns all Groth16 fixtures of the repository.
func fixtures(t testing.TB) []fixture {
	t.Helper()
	paths, err := filepath.Glob("../../../testdata/zokrates/*/*/*-g16/verification.key")
	if err != nil || len(paths) < 5 {
		t.Fatalf("got %d fixtures and %v", len(paths), err)
	}
	var out []fixture
	for _, path := range paths {
		dir := filepath.Dir(path)
		id, err := curve.Parse(filepath.Base(filepath.Dir(dir)))
		if err != nil {
			t.Fatal(err)
		}
		b, err := New(id)
		if err != nil {
			t.Fatal(err)
		}
		f := fixture{name: dir, backend: b}
		if f.vk, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		if f.proof, err = os.ReadFile(filepath.Join(dir, "proof.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	proofs := 0
	for _, f := range fixtures(t) {
		vk, err := f.backend.ParseVerifyingKey(f.vk)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		if got, err := vk.Encode(); err != nil || !bytes.Equal(got, f.vk) {
			t.Errorf("%s: the verifying key's JSON differs from ZoKrates's (%v)", f.name, err)
		}
		if f.proof == nil {
			continue
		}
		proofs++
		proof, public, err := f.backend.ParseProof(f.proof)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		if err := f.backend.Verify(vk, proof, public); err != nil {
			t.Errorf("%s: verify: %v", f.name, err)
		}
		if got, err := f.backend.EncodeProof(proof, public); err != nil || !bytes.Equal(got, f.proof) {
			t.Errorf("%s: the proof's JSON differs from ZoKrates's (%v)", f.name, err)
		}
		refuseAltered(t, f, vk)
	}
	if proofs < 5 {
		t.Errorf("got %d proofs, want some on every curve", proofs)
	}
}

// proofJSON is a proof.json whose parts can be exchanged.
type proofJSON struct {
	Scheme string                     `json:"scheme"`
	Curve  string                     `json:"curve"`
	Proof  map[string]json.RawMessage `json:"proof"`
	Inputs []string                   `json:"inputs"`
}

// refuseAltered checks that a fixture's proof doesn't hold once a part of it
// is changed.
func refuseAltered(t *testing.T, f fixture, vk scheme.VerifyingKey) {
	t.Helper()
	alter := func(name string, change func(p *proofJSON)) {
		t.Helper()
		var p proofJSON
		if err := json.Unmarshal(f.proof, &p); err != nil {
			t.Fatal(err)
		}
		change(&p)
		altered, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		proof, public, err := f.backend.ParseProof(altered)
		if err != nil {
			t.Errorf("%s: %s: %v", f.name, name, err)
			return
		}
		err = f.backend.Verify(vk, proof, public)
		if !fault.Is(err, fault.InvalidRequest) || (len(p.Inputs) == vk.NumPublic()) != errors.Is(err, scheme.ErrInvalidProof) {
			t.Errorf("%s: %s: got %v", f.name, name, err)
		}
	}
	alter("A and C swapped", func(p *proofJSON) { p.Proof["a"], p.Proof["c"] = p.Proof["c"], p.Proof["a"] })
	alter("A for C", func(p *proofJSON) { p.Proof["c"] = p.Proof["a"] })
	alter("one more input", func(p *proofJSON) { p.Inputs = append(p.Inputs, zeroInput(f.backend.Curve())) })
	if vk.NumPublic() > 0 {
		alter("an input changed", func(p *proofJSON) {
			last := p.Inputs[0][len(p.Inputs[0])-1:]
			p.Inputs[0] = strings.TrimSuffix(p.Inputs[0], last) + map[bool]string{true: "1", false: "0"}[last == "0"]
		})
		alter("an input less", func(p *proofJSON) { p.Inputs = p.Inputs[1:] })
	}
}

func zeroInput(id curve.ID) string {
	if id == curve.BW6761 {
		return "0x" + strings.Repeat("0", 96)
	}
	return "0x" + strings.Repeat("0", 64)
}
