// Package frontendtest is the suite that every front-end passes. A front-end's
// own tests call Run with circuits whose results are known from elsewhere.
package frontendtest

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"provery/internal/frontend"
)

// Case is one circuit with what is known of it.
type Case struct {
	Name string
	// Artefacts are the compiled files by role. They must be small: the suite
	// damages them in hundreds of ways.
	Artefacts map[string][]byte
	// Opaque names an artefact that is code with a format of its own and is slow
	// to read: it is damaged in fewer places, and part of the damage may pass.
	Opaque string
	// Arguments are accepted and give Outputs, as compact JSON.
	Arguments json.RawMessage
	Outputs   json.RawMessage
	// Distinct returns the i-th of many accepted arguments with their outputs,
	// no two of them alike. It may be nil.
	Distinct func(i int) (arguments, outputs json.RawMessage)
	// Refused are arguments that don't fit the circuit's interface.
	Refused []Refused
	// Unsatisfied are well-formed arguments that the circuit doesn't accept.
	Unsatisfied []Unsatisfied
}

// Refused are arguments that must be answered with fault.InvalidRequest.
type Refused struct {
	Arguments json.RawMessage
	// Path is the JSON pointer that the error must name.
	Path string
	// Secret, unless empty, is a part of Arguments that no error may hold.
	Secret string
}

// Unsatisfied are arguments that must be answered with
// fault.UnsatisfiedWitness.
type Unsatisfied struct {
	Arguments json.RawMessage
	// Position is "file:line:column" of the failed assertion, or "" if the
	// language has no positions.
	Position string
	// Detail is the error's text.
	Detail string
	// Secret is as in Refused.
	Secret string
}

// Run runs the suite.
func Run(t *testing.T, f frontend.Frontend, cases []Case) {
	t.Parallel()
	checks := []struct {
		name string
		run  func(*testing.T, frontend.Frontend, *Case)
	}{
		{"Roles", testRoles},
		{"RoundTrip", testRoundTrip},
		{"Solve", testSolve},
		{"Satisfied", testSatisfied},
		{"Samples", testSamples},
		{"Concurrent", testConcurrent},
		{"Cancelled", testCancelled},
		{"Refused", testRefused},
		{"Unsatisfied", testUnsatisfied},
		{"DamagedArtefact", testDamagedArtefact},
		{"DamagedFile", testDamagedFile},
	}
	for i := range cases {
		c := &cases[i]
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			for _, check := range checks {
				t.Run(check.name, func(t *testing.T) {
					t.Parallel()
					check.run(t, f, c)
				})
			}
		})
	}
}

// Artefacts returns files as Import takes them.
func Artefacts(files map[string][]byte) frontend.Artefacts {
	in := frontend.Artefacts{}
	for role, b := range files {
		in[role] = io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
	}
	return in
}

func importCase(t *testing.T, f frontend.Frontend, c *Case) frontend.Program {
	t.Helper()
	p, err := f.Import(t.Context(), Artefacts(c.Artefacts))
	if err != nil {
		t.Fatalf("Import: %v", err)
	}
	releaseLater(t, p)
	return p
}

func writeFile(t *testing.T, p frontend.Program) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.WriteFile(&b); err != nil {
		t.Fatalf("WriteFile: %v", err)
	}
	return b.Bytes()
}

// both returns the program as imported and as reopened.
func both(t *testing.T, f frontend.Frontend, c *Case) map[string]frontend.Program {
	t.Helper()
	imported := importCase(t, f, c)
	reopened, err := f.Open(writeFile(t, imported))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	releaseLater(t, reopened)
	return map[string]frontend.Program{"imported": imported, "reopened": reopened}
}

func equalJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

func releaseLater(t *testing.T, p frontend.Program) {
	t.Cleanup(func() {
		if err := frontend.Release(p); err != nil {
			t.Errorf("Release: %v", err)
		}
	})
}
