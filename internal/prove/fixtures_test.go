package prove_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/frontend/zokrates"
	"provery/internal/peer"
	"provery/internal/prove"
	"provery/internal/scheme"
	"provery/internal/scheme/gm17"
	"provery/internal/scheme/groth16"
)

const fixtures = "../../testdata/zokrates"

// fixture is one program on one curve with one key of ZoKrates's. The backend
// is "ark" or "bellman" for a Groth16 key and "ark-gm17" for a GM17 key.
type fixture struct {
	program, curve, backend string
}

func (f fixture) String() string { return f.program + "/" + f.curve + "/" + f.backend }
func (f fixture) dir() string    { return filepath.Join(fixtures, f.program, f.curve) }

func (f fixture) key(name string) string {
	folder := f.backend
	if !f.isGM17() {
		folder += "-g16"
	}
	return filepath.Join(f.dir(), folder, name)
}

func (f fixture) isGM17() bool { return f.backend == "ark-gm17" }

// layout is what ZoKrates calls the backend.
func (f fixture) layout() string { return strings.TrimSuffix(f.backend, "-gm17") }

// suite returns the fixture's scheme on its curve.
func (f fixture) suite(t testing.TB) scheme.Backend {
	t.Helper()
	id, err := curve.Parse(f.curve)
	if err != nil {
		t.Fatal(err)
	}
	open := groth16.New
	if f.isGM17() {
		open = gm17.New
	}
	backend, err := open(id)
	if err != nil {
		t.Fatal(err)
	}
	return backend
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// all lists the fixtures with a proving key, of both schemes.
func all(t testing.TB) []fixture {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(fixtures, "*", "*", "*-g*", "proving.key"))
	if err != nil || len(paths) < 34 {
		t.Fatalf("got %d fixtures (%v), want at least 34", len(paths), err)
	}
	var out []fixture
	for _, p := range paths {
		rel, err := filepath.Rel(fixtures, filepath.Dir(p))
		if err != nil {
			t.Fatal(err)
		}
		part := strings.Split(filepath.ToSlash(rel), "/")
		out = append(out, fixture{part[0], part[1], strings.TrimSuffix(part[2], "-g16")})
	}
	return out
}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

func (f fixture) open(t testing.TB) (frontend.Program, scheme.Backend, scheme.ProvingKey) {
	t.Helper()
	program, err := zokrates.New().Import(t.Context(), frontend.Artefacts{
		"program": section(read(t, filepath.Join(f.dir(), "out"))),
		"abi":     section(read(t, filepath.Join(f.dir(), "abi.json"))),
	})
	if err != nil {
		t.Fatal(err)
	}
	backend := f.suite(t)
	pk := read(t, f.key("proving.key"))
	key, err := backend.ImportProvingKey(t.Context(), scheme.ImportInput{
		System: program.System(), Data: bytes.NewReader(pk), Size: int64(len(pk)), Threads: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := scheme.Layout(f.layout()); key.Layout() != want {
		t.Errorf("got layout %s, want %s", key.Layout(), want)
	}
	return program, backend, key
}

func (f fixture) arguments(t testing.TB) json.RawMessage {
	return read(t, filepath.Join(fixtures, f.program, "args.json"))
}

// TestFixturesBothWays proves with ZoKrates's keys and has ZoKrates verify, and
// verifies ZoKrates's own proofs.
func TestFixturesBothWays(t *testing.T) {
	t.Parallel()
	tools := peer.Require(t)
	var proofs []peer.Proof
	var names []string
	for _, f := range all(t) {
		program, backend, key := f.open(t)
		vk, err := backend.ParseVerifyingKey(read(t, f.key("verification.key")))
		if err != nil {
			t.Fatalf("%v: %v", f, err)
		}
		if !vk.Equal(key.VerifyingKey()) {
			t.Errorf("%v: the proving key's verifying part differs from verification.key", f)
		}
		sameExport(t, f, key)
		theirs, public, err := backend.ParseProof(read(t, f.key("proof.json")))
		if err != nil {
			t.Fatalf("%v: %v", f, err)
		}
		if err := backend.Verify(vk, theirs, public); err != nil {
			t.Errorf("%v: their proof: %v", f, err)
		}
		prover, err := prove.New(program, backend, key)
		if err != nil {
			t.Fatalf("%v: %v", f, err)
		}
		var stages []string
		result, err := prover.Prove(t.Context(), prove.Request{
			Arguments: f.arguments(t), Threads: 2, Rand: rand.Reader, Stage: func(s string) { stages = append(stages, s) },
		})
		if err != nil {
			t.Fatalf("%v: %v", f, err)
		}
		if len(stages) < 4 || stages[0] != prove.StageWitness || stages[len(stages)-1] != prove.StageCheck {
			t.Errorf("%v: got stages %v", f, stages)
		}
		sameInputs(t, f, result)
		proofs = append(proofs, peer.Proof{VK: read(t, f.key("verification.key")), Proof: result.Proof, Backend: f.layout()})
		names = append(names, f.String())
	}
	verdicts, err := tools.Verify(context.WithoutCancel(t.Context()), proofs...)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range verdicts {
		if err != nil {
			t.Errorf("%s: zokrates-js refuses our proof: %v", names[i], err)
		}
	}
}

// sameExport checks that a key is exported as it was imported, and that its
// verifying part is verification.key byte for byte.
func sameExport(t *testing.T, f fixture, key scheme.ProvingKey) {
	t.Helper()
	vk, err := key.VerifyingKey().Encode()
	if err != nil || !bytes.Equal(vk, read(t, f.key("verification.key"))) {
		t.Errorf("%v: the verifying key's JSON differs from verification.key (%v)", f, err)
	}
	var out bytes.Buffer
	switch err := key.Export(&out, nil); {
	case err != nil:
		t.Errorf("%v: %v", f, err)
	case !bytes.Equal(out.Bytes(), read(t, f.key("proving.key"))):
		t.Errorf("%v: the exported key differs from proving.key", f)
	}
}

// sameInputs checks that the proof's public inputs are those of ZoKrates's own.
func sameInputs(t *testing.T, f fixture, result *prove.Result) {
	t.Helper()
	var theirs struct{ Inputs []string }
	if err := json.Unmarshal(read(t, f.key("proof.json")), &theirs); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(result.PublicInputs), fmt.Sprint(theirs.Inputs); got != want {
		t.Errorf("%v: got inputs %s, want %s", f, got, want)
	}
	var got, want bytes.Buffer
	if err := json.Compact(&want, read(t, filepath.Join(f.dir(), "output.json"))); err != nil {
		t.Fatal(err)
	}
	if err := json.Compact(&got, result.Outputs); err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() {
		t.Errorf("%v: got outputs %s, want %s", f, &got, &want)
	}
}

// TestVerifyRefusesAlterations alters each public input, and swaps parts of
// the proof.
func TestVerifyRefusesAlterations(t *testing.T) {
	t.Parallel()
	for _, f := range all(t) {
		backend := f.suite(t)
		vk, err := backend.ParseVerifyingKey(read(t, f.key("verification.key")))
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Scheme string          `json:"scheme"`
			Curve  string          `json:"curve"`
			Proof  json.RawMessage `json:"proof"`
			Inputs []string        `json:"inputs"`
		}
		if err := json.Unmarshal(read(t, f.key("proof.json")), &doc); err != nil {
			t.Fatal(err)
		}
		for i := range doc.Inputs {
			altered := doc
			altered.Inputs = append([]string(nil), doc.Inputs...)
			last := len(altered.Inputs[i]) - 1
			digit := "0"
			if altered.Inputs[i][last] == '0' {
				digit = "1"
			}
			altered.Inputs[i] = altered.Inputs[i][:last] + digit
			b, err := json.Marshal(altered)
			if err != nil {
				t.Fatal(err)
			}
			proof, public, err := backend.ParseProof(b)
			if err != nil {
				t.Fatal(err)
			}
			if err := backend.Verify(vk, proof, public); err != scheme.ErrInvalidProof {
				t.Errorf("%v: input %d altered: got %v, want ErrInvalidProof", f, i, err)
			}
		}
		var points map[string]json.RawMessage
		if err := json.Unmarshal(doc.Proof, &points); err != nil {
			t.Fatal(err)
		}
		points["a"], points["c"] = points["c"], points["a"]
		if doc.Proof, err = json.Marshal(points); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		proof, public, err := backend.ParseProof(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := backend.Verify(vk, proof, public); err != scheme.ErrInvalidProof {
			t.Errorf("%v: a and c swapped: got %v, want ErrInvalidProof", f, err)
		}
	}
}

// TestNewRefusesMismatches joins programs with keys that aren't theirs.
func TestNewRefusesMismatches(t *testing.T) {
	t.Parallel()
	mul, backend, _ := fixture{"mul", "bn128", "ark"}.open(t)
	_, _, mixedKey := fixture{"mixed", "bn128", "ark"}.open(t)
	_, _, blsKey := fixture{"mul", "bls12_381", "ark"}.open(t)
	_, _, gm17Key := fixture{"mul", "bn128", "ark-gm17"}.open(t)
	for name, key := range map[string]scheme.ProvingKey{"another program": mixedKey, "another curve": blsKey, "another scheme": gm17Key} {
		if _, err := prove.New(mul, backend, key); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %v, want invalid_artifact", name, err)
		}
	}
}
