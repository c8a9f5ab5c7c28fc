package zokrates

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/internal/frontend"
)

const fixtures = "../../../testdata/zokrates"

// fixture is one program of testdata compiled for one curve.
type fixture struct {
	name, curve string
	dir         string
	args        json.RawMessage
}

// file returns the bytes of one of the fixture's files, nil if there is none.
func (f *fixture) file(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil && !os.IsNotExist(err) {
		tb.Fatal(err)
	}
	return b
}

func (f *fixture) artefacts(tb testing.TB) frontend.Artefacts {
	tb.Helper()
	return artefacts(f.file(tb, "out"), f.file(tb, "abi.json"))
}

func artefacts(program, abi []byte) frontend.Artefacts {
	in := frontend.Artefacts{RoleProgram: sectionReader(program)}
	if abi != nil {
		in[RoleABI] = sectionReader(abi)
	}
	return in
}

func sectionReader(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// corpusVariable names a directory of more programs, laid out as testdata is.
const corpusVariable = "PROVERY_ZOKRATES_CORPUS"

// allFixtures returns every program on every curve.
func allFixtures(tb testing.TB) []*fixture {
	tb.Helper()
	outs, err := filepath.Glob(filepath.Join(fixtures, "*", "*", "out"))
	if dir := os.Getenv(corpusVariable); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*", "*", "out"))
		if err != nil {
			tb.Fatal(err)
		}
		outs = append(outs, more...)
	}
	if err != nil || len(outs) < 9 {
		tb.Fatalf("fixtures: %d found, %v", len(outs), err)
	}
	var all []*fixture
	for _, out := range outs {
		dir := filepath.Dir(out)
		args, err := os.ReadFile(filepath.Join(dir, "..", "args.json"))
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, &fixture{filepath.Base(filepath.Dir(dir)), filepath.Base(dir), dir, args})
	}
	return all
}

func findFixture(tb testing.TB, name, curve string) *fixture {
	tb.Helper()
	for _, f := range allFixtures(tb) {
		if f.name == name && f.curve == curve {
			return f
		}
	}
	tb.Fatalf("no fixture %s on %s", name, curve)
	return nil
}

func mustImport(tb testing.TB, in frontend.Artefacts) frontend.Program {
	tb.Helper()
	p, err := New().Import(tb.Context(), in)
	if err != nil {
		tb.Fatalf("Import: %v", err)
	}
	return p
}

func mustReopen(tb testing.TB, p frontend.Program) frontend.Program {
	tb.Helper()
	var b bytes.Buffer
	if err := p.WriteFile(&b); err != nil {
		tb.Fatal(err)
	}
	q, err := New().Open(b.Bytes())
	if err != nil {
		tb.Fatalf("Open: %v", err)
	}
	return q
}

func compactJSON(tb testing.TB, text []byte) string {
	tb.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// TestFixtures compares witness, outputs and logs of every fixture, imported
// and reopened, with those of the original implementation.
func TestFixtures(t *testing.T) {
	t.Parallel()
	for _, f := range allFixtures(t) {
		t.Run(f.name+"/"+f.curve, func(t *testing.T) {
			t.Parallel()
			imported := mustImport(t, f.artefacts(t))
			for name, p := range map[string]frontend.Program{"imported": imported, "reopened": mustReopen(t, imported)} {
				s, err := p.Solve(t.Context(), f.args, frontend.SolveOptions{Logs: true})
				if err != nil {
					t.Fatalf("%s: Solve: %v", name, err)
				}
				f.compare(t, p, s)
			}
		})
	}
}

func (f *fixture) compare(t *testing.T, p frontend.Program, s *frontend.Solution) {
	t.Helper()
	var got bytes.Buffer
	if err := WriteWitness(&got, p, s, WordSize32); err != nil {
		t.Fatal(err)
	}
	want := f.file(t, "witness")
	compareWitnesses(t, p, got.Bytes(), want)
	if got, want := string(s.Outputs), compactJSON(t, f.file(t, "output.json")); got != want {
		t.Errorf("outputs: got %s, want %s", got, want)
	}
	if got, want := strings.Join(s.Logs, "\n"), strings.TrimSuffix(string(f.file(t, "log.txt")), "\n"); got != want {
		t.Errorf("logs: got %q, want %q", got, want)
	}
	w, err := ReadWitness(sectionReader(want), p.Curve())
	if err != nil {
		t.Fatal(err)
	}
	imported, err := ImportWitness(t.Context(), p, w)
	if err != nil {
		t.Fatalf("ImportWitness: %v", err)
	}
	if got, want := string(imported.Outputs), string(s.Outputs); got != want {
		t.Errorf("outputs of the imported witness: got %s, want %s", got, want)
	}
}

func compareWitnesses(t *testing.T, p frontend.Program, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	g, err := ReadWitness(sectionReader(got), p.Curve())
	if err != nil {
		t.Fatal(err)
	}
	w, err := ReadWitness(sectionReader(want), p.Curve())
	if err != nil {
		t.Fatal(err)
	}
	unplaced := map[int]bool{} // occur in no constraint, so that they aren't part of z
	for _, id := range compactOf(p).ids[p.System().NumVariables:] {
		unplaced[int(id)] = true
	}
	if g.Len()+len(unplaced) != w.Len() {
		t.Errorf("witness: got %d values and %d that are in no constraint, want %d", g.Len(), len(unplaced), w.Len())
	}
	for i := range w.Len() {
		id, want := w.At(i)
		if got, ok := g.Value(id); ok != !unplaced[id] || ok && got.Cmp(want) != 0 {
			t.Fatalf("witness: variable %d: got %v, want %v", id, got, want)
		}
	}
}

// compactOf returns the compact form of a program of this package.
func compactOf(p frontend.Program) *code { return p.(interface{ compact() *code }).compact() }

func (c *code) compact() *code { return c }
