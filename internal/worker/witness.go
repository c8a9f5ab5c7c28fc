package worker

import (
	"bytes"
	"context"
	"io"

	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/registry"
)

// maxWitness bounds a witness file that is made for an answer.
const maxWitness = 256 << 20

// witness returns the task's witness file, nil if it has arguments.
func (t *Task) witness() *io.SectionReader {
	if t.Witness == nil {
		return nil
	}
	return io.NewSectionReader(bytes.NewReader(t.Witness), 0, int64(len(t.Witness)))
}

// check returns the error that proving the task would return for its form.
func check(program frontend.Program, t *Task) error {
	if t.Witness == nil {
		return program.Check(t.Arguments, frontend.SolveOptions{Reduce: t.Reduce})
	}
	files, err := witnessFiles(program)
	if err != nil {
		return err
	}
	return files.CheckWitness(t.witness())
}

func witnessFiles(program frontend.Program) (frontend.WitnessFiles, error) {
	files, ok := program.(frontend.WitnessFiles)
	if !ok {
		return nil, fault.New(fault.Unsupported, "the circuit's language has no witness files")
	}
	return files, nil
}

// Witness is DryRun that returns the witness, too, as a file in format. It is
// private, as the arguments are.
func (t *Tools) Witness(ctx context.Context, circuit registry.Circuit, task Task, logs bool, format string) (s *frontend.Solution, file []byte, err error) {
	defer recoverTo(&err)
	leave, err := t.light.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	handle, err := t.catalogue.programs.Acquire(ctx, circuit.ID)
	if err != nil {
		return nil, nil, err
	}
	defer handle.Release()
	program := handle.Value().program
	files, err := witnessFiles(program)
	if err != nil {
		return nil, nil, err
	}
	if size := files.WitnessSize(format); size > maxWitness {
		return nil, nil, fault.New(fault.TooLarge, "the witness file has %d bytes, more than the %d that an answer may hold", size, maxWitness)
	}
	if s, err = program.Solve(ctx, task.Arguments, frontend.SolveOptions{Reduce: task.Reduce, Logs: logs}); err != nil {
		return s, nil, err // s may hold log lines
	}
	var out bytes.Buffer
	if err := files.WriteWitness(&out, s, format); err != nil {
		return nil, nil, err
	}
	return s, out.Bytes(), nil
}
