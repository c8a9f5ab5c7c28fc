package circom

import (
	"context"
	"encoding/json"
	"io"

	"provery/internal/curve"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/frontend"
)

// bare is a circuit without its witness calculator and names.
type bare[S any] struct{ *program[S] }

// OpenConstraints reads a circuit of which there is the .r1cs alone. Witness
// files of it can be checked and proven; its outputs have no names, and it
// computes no witness. Errors are Import's.
func OpenConstraints(ctx context.Context, file *io.SectionReader) (frontend.Program, error) {
	h, err := DescribeR1CS(file)
	if err != nil {
		return nil, err
	}
	if h.Curve == curve.BN128 {
		return openBare(ctx, bn254.NewField(), file)
	}
	return openBare(ctx, bls12381.NewField(), file)
}

func openBare[S any](ctx context.Context, f curve.Field[S], file *io.SectionReader) (frontend.Program, error) {
	frame, h, err := openR1CS(file)
	if err != nil {
		return nil, err
	}
	p := &program[S]{field: f, header: *h, abi: &abi{}, calculator: &calculator{host: newHost(Config{})}}
	if p.system, err = readSystem(ctx, f, frame, h); err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "read constraint system")
	}
	return bare[S]{p}, nil
}

var errBare = fault.New(fault.Unsupported, "only the circuit's constraints are here, without its witness calculator")

// Samples returns none: nobody knows their names.
func (bare[S]) Samples() []json.RawMessage { return nil }

// Check refuses arguments.
func (bare[S]) Check(json.RawMessage, frontend.SolveOptions) error { return errBare }

// Solve refuses arguments.
func (bare[S]) Solve(context.Context, json.RawMessage, frontend.SolveOptions) (*frontend.Solution, error) {
	return nil, errBare
}

// WriteFile refuses: what it would write couldn't be used.
func (bare[S]) WriteFile(io.Writer) error { return errBare }
