// Package frontend declares what a circuit language offers: reading its
// compiled artefacts, and solving arguments into a witness and outputs. The
// languages are in the packages below this one; package frontendtest holds
// the suite that all of them pass.
package frontend

import (
	"context"
	"encoding/json"
	"io"

	"provery/internal/curve"
	"provery/internal/r1cs"
)

// Artefacts are a circuit's compiled files by role, such as "program" and
// "abi". Each is read at any offset and has a size.
type Artefacts map[string]*io.SectionReader

// Frontend reads one circuit language. It is safe for concurrent use.
type Frontend interface {
	// Name is the language's name in the API, such as "zokrates".
	Name() string
	// Roles lists the artefacts that Import needs, in display order.
	Roles() []Role
	// Import reads artefacts from an untrusted source, checks them and
	// converts them to a Program. Damage is fault.InvalidArtifact, a
	// feature that isn't supported fault.Unsupported.
	Import(ctx context.Context, in Artefacts) (Program, error)
	// Open opens, in place, a file that Program.WriteFile wrote. file must
	// stay unchanged and mapped while the program is in use, and start at a
	// multiple of 8.
	Open(file []byte) (Program, error)
}

// Role describes one artefact.
type Role struct {
	Name     string
	Optional bool
	Usage    string // one line for help texts
}

// Program is an executable constraint system. It is immutable and safe for
// concurrent use. When it isn't used any more it is handed to Release.
type Program interface {
	Curve() curve.ID
	System() *r1cs.System
	// ABI describes the arguments and outputs in the language's own JSON.
	ABI() json.RawMessage
	// Samples returns a few plain arguments of the right shape (zeros, ones),
	// which the program may or may not accept: they test keys.
	Samples() []json.RawMessage
	// Statistics returns counts for display.
	Statistics() Statistics
	// WriteFile writes the program in Provery's own format.
	WriteFile(w io.Writer) error
	// Check reads the arguments and returns the error that Solve would return
	// for their form. It is cheap: it solves nothing.
	Check(arguments json.RawMessage, opts SolveOptions) error
	// Solve computes the witness for arguments, JSON in the language's own
	// conventions. Arguments that don't fit the ABI are
	// fault.InvalidRequest with the path of the culprit; a failed assertion
	// is fault.UnsatisfiedWitness with its position. No error holds an
	// argument's value. With opts.Logs, a Solution that holds nothing but
	// the lines up to the failure may come with an error.
	Solve(ctx context.Context, arguments json.RawMessage, opts SolveOptions) (*Solution, error)
}

// SolveOptions change how arguments are read.
type SolveOptions struct {
	// Reduce takes numbers modulo the field instead of refusing those that
	// are too large.
	Reduce bool
	// Logs collects the output of the program's log statements.
	Logs bool
}

// Solution is the result of Solve.
type Solution struct {
	Witness r1cs.Witness
	// Public is the instance without the constant 1.
	Public curve.Vector
	// Outputs is the program's return value, decoded by the ABI.
	Outputs json.RawMessage
	// Logs are the lines of log statements; empty unless asked for.
	Logs []string
}

// Statistics are a program's counts.
type Statistics struct {
	Constraints  int   `json:"constraints"`
	Variables    int   `json:"variables"`
	PublicInputs int   `json:"public_inputs"` // arguments and outputs
	Outputs      int   `json:"outputs"`       // flattened
	Arguments    int   `json:"arguments"`     // flattened
	Rows         int   `json:"rows"`          // distinct linear combinations
	Terms        int   `json:"terms"`         // of the distinct linear combinations
	Coefficients int   `json:"coefficients"`  // distinct
	Directives   int   `json:"directives"`    // solver calls
	CompactBytes int64 `json:"compact_bytes"` // size of the compact form, 0 if not known
	// SolverBytes is the memory that a witness calculator which came with the
	// program asks for. It is there only while that runs.
	SolverBytes int64 `json:"solver_bytes,omitempty"`
}

// Release frees what a program holds beside Go's memory: machine code, say. A
// program that holds such things is an io.Closer. It must not be in use.
func Release(p Program) error {
	if c, ok := p.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
