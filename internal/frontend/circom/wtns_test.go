package circom

import (
	"bytes"
	"io"
	"os"
	"testing"

	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/frontend/frontendtest"
)

func open(t testing.TB, name string) frontend.Program {
	t.Helper()
	p, err := New(Config{}).Import(t.Context(), frontendtest.Artefacts(fixture(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.(io.Closer).Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func sectionOf(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// TestWitnessFile compares with testdata/circom/bn128/tiny.wtns, which snarkjs 0.7.6 made.
func TestWitnessFile(t *testing.T) {
	t.Parallel()
	p := open(t, "tiny")
	files := p.(frontend.WitnessFiles)
	want, err := os.ReadFile("../../../testdata/circom/bn128/tiny.wtns")
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Solve(t.Context(), tinyArguments, frontend.SolveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := files.WriteWitness(&got, s, Witness); err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the witness isn't snarkjs's, error %v", err)
	}
	if size := files.WitnessSize(Witness); size != int64(len(want)) {
		t.Errorf("WitnessSize: got %d, want %d", size, len(want))
	}
	if err := files.WriteWitness(io.Discard, s, "text"); !fault.Is(err, fault.Unsupported) {
		t.Errorf("unknown format: got %v", err)
	}
	again, err := files.ReadWitness(t.Context(), sectionOf(want))
	if err != nil || string(again.Outputs) != string(s.Outputs) {
		t.Errorf("ReadWitness: %v", err)
	}
	for n := range want {
		if err := files.CheckWitness(sectionOf(want[:n])); !fault.Is(err, fault.InvalidArtifact) {
			t.Fatalf("cut at %d: got %v", n, err)
		}
	}
	wrong := bytes.Clone(want)
	wrong[len(wrong)-32]++
	if _, err := files.ReadWitness(t.Context(), sectionOf(wrong)); !fault.Is(err, fault.UnsatisfiedWitness) {
		t.Errorf("wrong value: got %v", err)
	}
	wrong[len(wrong)-1] = 0xff
	if _, err := files.ReadWitness(t.Context(), sectionOf(wrong)); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("value outside of the field: got %v", err)
	}
	if _, err := open(t, "bus").(frontend.WitnessFiles).ReadWitness(t.Context(), sectionOf(want)); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("another circuit's: got %v", err)
	}
}
