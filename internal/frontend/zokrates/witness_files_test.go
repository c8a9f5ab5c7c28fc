package zokrates

import (
	"bytes"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
)

// witnessFiles imports a fixture.
func witnessFiles(t *testing.T, f *fixture) (frontend.Program, frontend.WitnessFiles) {
	t.Helper()
	p := mustImport(t, f.artefacts(t))
	files, ok := p.(frontend.WitnessFiles)
	if !ok {
		t.Fatal("a program has no witness files")
	}
	return p, files
}

// text writes a solution as a text witness.
func text(t *testing.T, files frontend.WitnessFiles, s *frontend.Solution) string {
	t.Helper()
	var out bytes.Buffer
	if err := files.WriteWitness(&out, s, WitnessText); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestWitnessFormats writes ZoKrates's own witnesses in each format and reads
// them back.
func TestWitnessFormats(t *testing.T) {
	t.Parallel()
	for _, f := range allFixtures(t) {
		t.Run(f.name+"/"+f.curve, func(t *testing.T) {
			t.Parallel()
			_, files := witnessFiles(t, f)
			s, err := files.ReadWitness(t.Context(), sectionReader(f.file(t, "witness")))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(s.Outputs), compactJSON(t, f.file(t, "output.json")); got != want {
				t.Errorf("got outputs %s, want %s", got, want)
			}
			for _, format := range []string{Witness32, Witness64, WitnessText} {
				var out bytes.Buffer
				if err := files.WriteWitness(&out, s, format); err != nil {
					t.Fatal(err)
				}
				if int64(out.Len()) > files.WitnessSize(format) {
					t.Errorf("%s: got %d bytes, more than WitnessSize's %d", format, out.Len(), files.WitnessSize(format))
				}
				if err := files.CheckWitness(sectionReader(out.Bytes())); err != nil {
					t.Errorf("%s: check: %v", format, err)
				}
				again, err := files.ReadWitness(t.Context(), sectionReader(out.Bytes()))
				if err != nil {
					t.Fatalf("%s: %v", format, err)
				}
				if text(t, files, again) != text(t, files, s) || again.Public.Len() != s.Public.Len() || string(again.Outputs) != string(s.Outputs) {
					t.Errorf("%s: the witness that was read isn't the one that was written", format)
				}
			}
		})
	}
}

// TestWitnessText holds the text form, which ZoKrates-API answers.
func TestWitnessText(t *testing.T) {
	t.Parallel()
	p, files := witnessFiles(t, findFixture(t, "mul", "bn128"))
	s, err := p.Solve(t.Context(), []byte(`["3","5"]`), frontend.SolveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "~out_0 15\n~one 1\n_0 3\n_1 5"
	if got := text(t, files, s); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := files.WriteWitness(io.Discard, s, "wtns"); !fault.Is(err, fault.Unsupported) {
		t.Errorf("unknown format: got %v, want unsupported", err)
	}
	for _, order := range []string{"_1 5\n_0 3\n~one 1\n~out_0 15\n", want + "\n"} {
		if s, err := files.ReadWitness(t.Context(), sectionReader([]byte(order))); err != nil || string(s.Outputs) != `"15"` {
			t.Errorf("%q: got %v", order, err)
		}
	}
}

func TestWitnessIsRefused(t *testing.T) {
	t.Parallel()
	mul := findFixture(t, "mul", "bn128")
	_, files := witnessFiles(t, mul)
	params, err := paramsOf(curve.BN128)
	if err != nil {
		t.Fatal(err)
	}
	modulus := params.ScalarModulus.String()
	binary := mul.file(t, "witness")
	for _, tc := range []struct {
		name, content string
		code          fault.Code
		secret        string
	}{
		{"empty", "", fault.InvalidArtifact, ""},
		{"truncated", string(binary[:len(binary)-1]), fault.InvalidArtifact, ""},
		{"another curve", string(findFixture(t, "mul", "bw6_761").file(t, "witness")), fault.InvalidArtifact, ""},
		{"another program", string(findFixture(t, "inout", "bn128").file(t, "witness")), fault.InvalidArtifact, ""},
		{"wrong output", "~out_0 31337\n~one 1\n_0 3\n_1 5", fault.UnsatisfiedWitness, "31337"},
		{"missing variable", "~out_0 15\n~one 1\n_0 3", fault.InvalidArtifact, ""},
		{"the constant", "~out_0 15\n~one 31337\n_0 3\n_1 5", fault.InvalidArtifact, "31337"},
		{"twice", "~out_0 15\n~one 1\n_0 3\n_1 5\n_1 5", fault.InvalidArtifact, ""},
		{"no value", "~out_0 15\n~one 1\n_0", fault.InvalidArtifact, ""},
		{"negative", "~out_0 15\n~one 1\n_0 -31337\n_1 5", fault.InvalidArtifact, "31337"},
		{"hex", "~out_0 15\n~one 1\n_0 0x3\n_1 5", fault.InvalidArtifact, ""},
		{"not below the modulus", "~out_0 15\n~one 1\n_0 " + modulus + "\n_1 5", fault.InvalidArtifact, modulus},
		{"not a name", "~two 31337", fault.InvalidArtifact, "31337"},
		{"name out of range", "_2147483647 1", fault.InvalidArtifact, ""},
		{"name with a sign", "_-1 1", fault.InvalidArtifact, ""},
		{"empty line", "~out_0 15\n\n~one 1", fault.InvalidArtifact, ""},
		{"long line", "_0 " + strings.Repeat("31337", 1000), fault.InvalidArtifact, "31337"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := files.ReadWitness(t.Context(), sectionReader([]byte(tc.content)))
			if !fault.Is(err, tc.code) {
				t.Fatalf("got %v, want %s", err, tc.code)
			}
			if tc.secret != "" && strings.Contains(err.Error(), tc.secret) {
				t.Errorf("the error holds the value: %v", err)
			}
			err = files.CheckWitness(sectionReader([]byte(tc.content)))
			if (tc.code == fault.UnsatisfiedWitness) != (err == nil) {
				t.Errorf("check: got %v", err)
			}
		})
	}
}

func TestVariableNames(t *testing.T) {
	t.Parallel()
	for id, want := range map[int32]string{0: "~one", -1: "~out_0", -2: "~out_1", 1: "_0", 2: "_1", 1<<31 - 1: "_2147483646"} {
		got := variableName(id)
		back, ok := variableOf(got)
		if got != want || !ok || back != id {
			t.Errorf("%d: got %q, which is %d, want %q", id, got, back, want)
		}
	}
}

func FuzzWitnessText(f *testing.F) {
	for _, s := range []string{"~out_0 15\n~one 1\n_0 3\n_1 5", "_0 1\n_0 1", "~one", "_ 1", "~out_-1 0\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		w, err := readWitnessText(sectionReader(content), curve.BN128)
		if err != nil {
			if !fault.Is(err, fault.InvalidArtifact) {
				t.Fatalf("got %v, want invalid_artifact", err)
			}
			return
		}
		if !slices.IsSorted(w.ids) || len(w.values) != len(w.ids)*w.width {
			t.Fatalf("got %d ids and %d bytes", len(w.ids), len(w.values))
		}
		for i := range w.Len() {
			id, value := w.At(i)
			if back, ok := w.Value(id); !ok || back.Cmp(value) != 0 || value.Cmp(big.NewInt(0)) < 0 {
				t.Fatalf("variable %d can't be found again", id)
			}
		}
	})
}

// TestLogsBeforeAFailure checks that the lines printed before a failed
// assertion come with its error.
func TestLogsBeforeAFailure(t *testing.T) {
	t.Parallel()
	b := newBuilder(t, curve.BN128).private(1)
	line := func(part string) dict {
		return dict{"Log", dict{"format_string", dict{"parts", list{part}}, "span", nil, "expressions", list{}}}
	}
	b.statement(line("before")).constraint(b.lc(0, 1), b.lc(1, 1), b.lc(0, 2), sourceError("SourceAssertion", nil)).statement(line("after"))
	p := b.program(t)
	s, err := p.Solve(t.Context(), []byte(`["3"]`), frontend.SolveOptions{Logs: true})
	if !fault.Is(err, fault.UnsatisfiedWitness) || s == nil || !slices.Equal(s.Logs, []string{"before"}) {
		t.Errorf("got %+v, %v, want the line before the failure", s, err)
	}
	if s, err := p.Solve(t.Context(), []byte(`["3"]`), frontend.SolveOptions{}); err == nil || s != nil {
		t.Errorf("without logs: got %+v, %v, want no solution", s, err)
	}
}
