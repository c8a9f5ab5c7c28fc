package zokrates

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
)

// TestWitnessRoundTrip writes witnesses in both word sizes and reads them.
func TestWitnessRoundTrip(t *testing.T) {
	t.Parallel()
	for _, f := range allFixtures(t) {
		p := mustImport(t, f.artefacts(t))
		s, err := p.Solve(t.Context(), f.args, frontend.SolveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{WordSize32, WordSize64} {
			var b bytes.Buffer
			if err := WriteWitness(&b, p, s, size); err != nil {
				t.Fatal(err)
			}
			w, err := ReadWitness(sectionReader(b.Bytes()), p.Curve())
			if err != nil {
				t.Fatalf("%s/%s: %v", f.name, f.curve, err)
			}
			if w.WordSize != size || w.Len() != p.System().NumVariables {
				t.Errorf("%s/%s: word size %d, %d values", f.name, f.curve, w.WordSize, w.Len())
			}
			again, err := ImportWitness(t.Context(), p, w)
			if err != nil || string(again.Outputs) != string(s.Outputs) || again.Public.Len() != s.Public.Len() {
				t.Errorf("%s/%s: ImportWitness: %+v, %v", f.name, f.curve, again, err)
			}
		}
		if err := WriteWitness(&bytes.Buffer{}, p, s, 2); !fault.Is(err, fault.Unsupported) {
			t.Errorf("word size 2: got error %v", err)
		}
	}
}

// witnessBytes is a witness file of 32-bit words.
func witnessBytes(width int, values ...any) []byte {
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(values)/2))
	for i := 0; i < len(values); i += 2 {
		out = binary.LittleEndian.AppendUint32(out, uint32(int32(values[i].(int))))
		v := values[i+1].(*big.Int).FillBytes(make([]byte, width))
		slices.Reverse(v)
		out = append(out, v...)
	}
	return out
}

func TestReadWitnessErrors(t *testing.T) {
	t.Parallel()
	params, _ := paramsOf(curve.BN128)
	one := big.NewInt(1)
	good := witnessBytes(32, -1, one, 0, one, 5, new(big.Int).Sub(params.ScalarModulus, one))
	w, err := ReadWitness(sectionReader(good), curve.BN128)
	if err != nil || w.Len() != 3 {
		t.Fatalf("got %+v, %v", w, err)
	}
	if v, ok := w.Value(5); !ok || v.Cmp(new(big.Int).Sub(params.ScalarModulus, one)) != 0 {
		t.Errorf("value 5: got %v, %v", v, ok)
	}
	if _, ok := w.Value(4); ok {
		t.Error("value 4 exists")
	}
	bad := map[string][]byte{
		"empty":       nil,
		"short":       good[:len(good)-1],
		"long":        append(slices.Clone(good), 0),
		"descending":  witnessBytes(32, 1, one, 0, one),
		"twice":       witnessBytes(32, 0, one, 0, one),
		"not reduced": witnessBytes(32, 0, params.ScalarModulus),
		"other width": witnessBytes(48, 0, one, 1, one),
		"huge count":  bytes.Repeat([]byte{255}, 40),
		"huge number": append(append(binary.LittleEndian.AppendUint64(nil, 1), bytes.Repeat([]byte{127}, 8)...), make([]byte, 32)...),
	}
	for name, b := range bad {
		if _, err := ReadWitness(sectionReader(b), curve.BN128); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
	if _, err := ReadWitness(sectionReader(good), 0); !fault.Is(err, fault.Unsupported) {
		t.Errorf("no curve: got error %v", err)
	}
}

// TestImportWitnessErrors alters the witness of a program.
func TestImportWitnessErrors(t *testing.T) {
	t.Parallel()
	b := simple(t)
	b.constraint(b.lc(9, 1), b.lc(0, 1), b.lc(0, 42), sourceError("SourceAssertion", "not 42"))
	p := b.program(t)
	n := big.NewInt
	witness := func(values ...any) error {
		w, err := ReadWitness(sectionReader(witnessBytes(32, values...)), curve.BN128)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ImportWitness(t.Context(), p, w)
		return err
	}
	if err := witness(-1, n(42), 0, n(1), 1, n(6), 7, n(7), 9, n(42), 70, n(99)); err != nil {
		t.Errorf("good witness: %v", err)
	}
	if err := witness(-1, n(42), 0, n(1), 1, n(6), 7, n(7)); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("variable missing: got error %v", err)
	}
	if err := witness(-1, n(42), 0, n(2), 1, n(6), 7, n(7), 9, n(42)); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("constant is two: got error %v", err)
	}
	err := witness(-1, n(12), 0, n(1), 1, n(3), 7, n(4), 9, n(12))
	var e *fault.Error
	if !errors.As(err, &e) || e.Code != fault.UnsatisfiedWitness || e.Position == nil || e.Detail != "assertion failed: not 42" {
		t.Errorf("assertion: got error %v", err)
	}
	other, err := ReadWitness(sectionReader(witnessBytes(32, 0, n(1))), curve.BLS12381)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ImportWitness(t.Context(), p, other); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("other curve: got error %v", err)
	}
}

// TestCurveTags checks the identifiers against the fields.
func TestCurveTags(t *testing.T) {
	t.Parallel()
	if len(curveIDs) != len(curve.All()) {
		t.Errorf("%d identifiers for %d curves", len(curveIDs), len(curve.All()))
	}
	for tag, id := range curveIDs {
		params, err := paramsOf(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := curveTag(params.ScalarModulus, params.ScalarBytes); got != tag {
			t.Errorf("%v: got %x, want %x", id, got, tag)
		}
	}
}

// TestSamples checks the form of samples.
func TestSamples(t *testing.T) {
	t.Parallel()
	f := findFixture(t, "mixed", "bn128")
	got := mustImport(t, f.artefacts(t)).Samples()
	want := `[{"hi":"0x00000001","p":{"xs":["1","1"],"tag":"0x01","on":true}},["0x00000001","0x00000001","0x00000001"],true,["1","0x0001"],"0x0000000000000001"]`
	if len(got) != 2 || string(got[1]) != want || !json.Valid(got[0]) {
		t.Errorf("got %s", got)
	}
}
