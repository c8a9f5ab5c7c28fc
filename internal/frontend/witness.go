package frontend

import (
	"context"
	"io"
)

// WitnessFiles is implemented by programs whose language keeps witnesses in
// files. A witness holds the private arguments: it is handled as they are.
type WitnessFiles interface {
	// CheckWitness reads a witness file and returns the error that
	// ReadWitness would return for its form: fault.InvalidArtifact. It
	// computes nothing.
	CheckWitness(file *io.SectionReader) error
	// ReadWitness reads a witness file and checks every constraint. One that
	// doesn't hold is fault.UnsatisfiedWitness with its position. No error
	// holds a value.
	ReadWitness(ctx context.Context, file *io.SectionReader) (*Solution, error)
	// WriteWitness writes a solution of this program in one of the
	// language's formats. A format it doesn't have is fault.Unsupported.
	WriteWitness(w io.Writer, s *Solution, format string) error
	// WitnessSize returns the most bytes that WriteWitness writes.
	WitnessSize(format string) int64
}
