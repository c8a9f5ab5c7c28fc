package gm17

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
)

// fixture is a directory of files that zokrates-js made.
type fixture struct {
	name          string
	backend       scheme.Backend
	vk, proof, pk []byte // pk is nil where the repository leaves it out
}

// fixtures returns all GM17 fixtures of the repository.
func fixtures(t testing.TB) []fixture {
	t.Helper()
	paths, err := filepath.Glob("../../../testdata/zokrates/*/*/ark-gm17/verification.key")
	if err != nil || len(paths) < 10 {
		t.Fatalf("got %d fixtures and %v", len(paths), err)
	}
	var out []fixture
	for _, path := range paths {
		f := fixture{name: filepath.Dir(path)}
		id, err := curve.Parse(filepath.Base(filepath.Dir(f.name)))
		if err != nil {
			t.Fatal(err)
		}
		if f.backend, err = New(id); err != nil {
			t.Fatal(err)
		}
		for file, dst := range map[string]*[]byte{"verification.key": &f.vk, "proof.json": &f.proof, "proving.key": &f.pk} {
			if *dst, err = os.ReadFile(filepath.Join(f.name, file)); err != nil && (dst != &f.pk || !errors.Is(err, os.ErrNotExist)) {
				t.Fatal(err)
			}
		}
		out = append(out, f)
	}
	return out
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	curves := map[curve.ID]bool{}
	for _, f := range fixtures(t) {
		curves[f.backend.Curve()] = true
		vk, err := f.backend.ParseVerifyingKey(f.vk)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		if got, err := vk.Encode(); err != nil || !bytes.Equal(got, f.vk) {
			t.Errorf("%s: the verifying key's JSON differs from ZoKrates's (%v)", f.name, err)
		}
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
	if len(curves) != len(curve.All()) {
		t.Errorf("got fixtures on %v, want all curves", curves)
	}
}

// refuseAltered checks that a fixture's proof doesn't hold once a part of it
// is changed.
func refuseAltered(t *testing.T, f fixture, vk scheme.VerifyingKey) {
	t.Helper()
	type document struct {
		Scheme string                     `json:"scheme"`
		Curve  string                     `json:"curve"`
		Proof  map[string]json.RawMessage `json:"proof"`
		Inputs []string                   `json:"inputs"`
	}
	var key map[string]json.RawMessage
	if err := json.Unmarshal(f.vk, &key); err != nil {
		t.Fatal(err)
	}
	check := func(name string, change func(p *document)) {
		t.Helper()
		var p document
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
	check("A and C swapped", func(p *document) { p.Proof["a"], p.Proof["c"] = p.Proof["c"], p.Proof["a"] })
	check("A for C", func(p *document) { p.Proof["c"] = p.Proof["a"] })
	check("another A", func(p *document) { p.Proof["a"] = key["g_gamma"] })
	check("another B", func(p *document) { p.Proof["b"] = key["h_beta"] })
	check("another C", func(p *document) { p.Proof["c"] = key["g_alpha"] })
	check("another A and B that belong together", func(p *document) { p.Proof["a"], p.Proof["b"] = key["g_gamma"], key["h_gamma"] })
	for i := range vk.NumPublic() {
		check("an input changed", func(p *document) {
			digits := []byte(p.Inputs[i])
			last := &digits[len(digits)-1]
			*last = map[bool]byte{true: '1', false: '0'}[*last == '0']
			p.Inputs[i] = string(digits)
		})
	}
	if vk.NumPublic() > 0 {
		check("an input less", func(p *document) { p.Inputs = p.Inputs[1:] })
		check("an input more", func(p *document) { p.Inputs = append(p.Inputs, p.Inputs[0]) })
	}
}

func TestDescribeProvingKey(t *testing.T) {
	t.Parallel()
	described := 0
	for _, f := range fixtures(t) {
		if f.pk == nil {
			continue
		}
		described++
		vk, err := f.backend.ParseVerifyingKey(f.vk)
		if err != nil {
			t.Fatal(err)
		}
		info, err := DescribeProvingKey(bytes.NewReader(f.pk), int64(len(f.pk)))
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		if info.Curve != f.backend.Curve() || info.Layout != scheme.LayoutArk || info.NumPublic != vk.NumPublic() ||
			info.NumVariables != 0 || info.Domain&(info.Domain-1) != 0 {
			t.Errorf("%s: got %+v", f.name, info)
		}
		for _, n := range []int{0, 100, len(f.pk) / 2, len(f.pk) - 1} {
			if _, err := DescribeProvingKey(bytes.NewReader(f.pk[:n]), int64(n)); !fault.Is(err, fault.InvalidArtifact) {
				t.Errorf("%s: cut at %d: got %v, want invalid_artifact", f.name, n, err)
			}
		}
	}
	if described < 10 {
		t.Errorf("described %d keys, want at least 10", described)
	}
	b := onBN254()
	pk, _, _ := setUp(t, b, 1, shape{public: 3, constraints: 9})
	file := arkFile(t, pk)
	if info, err := DescribeProvingKey(bytes.NewReader(file), int64(len(file))); err != nil || info.NumPublic != 3 || info.Domain != 32 {
		t.Errorf("got %+v and %v, want 3 public inputs and a domain of 32", info, err)
	}
}
