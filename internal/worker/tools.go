package worker

import (
	"context"

	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/registry"
	"provery/internal/verify"
)

// Tools runs what needs no queue entry: verifications and dry runs, a bounded
// number at a time.
type Tools struct {
	kit       *Kit
	catalogue *Catalogue
	light     gate
}

// NewTools returns tools that run at most n calls at a time.
func NewTools(kit *Kit, c *Catalogue, n int) *Tools {
	return &Tools{kit: kit, catalogue: c, light: newGate(n)}
}

// DryRun computes the witness for the arguments, checks it and throws it away.
// A failed assertion is fault.UnsatisfiedWitness with its position.
func (t *Tools) DryRun(ctx context.Context, circuit registry.Circuit, task Task, logs bool) (s *frontend.Solution, err error) {
	defer recoverTo(&err)
	leave, err := t.light.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	handle, err := t.catalogue.programs.Acquire(ctx, circuit.ID)
	if err != nil {
		return nil, err
	}
	defer handle.Release()
	return handle.Value().program.Solve(ctx, task.Arguments, frontend.SolveOptions{Reduce: task.Reduce, Logs: logs})
}

// Check returns the error that proving would return for the arguments' form.
func (t *Tools) Check(ctx context.Context, circuit registry.Circuit, task Task) (err error) {
	defer recoverTo(&err)
	handle, err := t.catalogue.programs.Acquire(ctx, circuit.ID)
	if err != nil {
		return err
	}
	defer handle.Release()
	return check(handle.Value().program, &task)
}

// EncodeVerifyingKey returns a verifying key in the format: "zokrates", as it is
// stored, or "snarkjs".
func (t *Tools) EncodeVerifyingKey(vk []byte, format string) ([]byte, error) {
	switch format {
	case "", "zokrates":
		return vk, nil
	case "snarkjs":
	default:
		return nil, fault.New(fault.Unsupported, "verifying keys are exported in the formats zokrates and snarkjs")
	}
	key, err := verify.Open(t.kit.Backend, vk)
	if err != nil {
		return nil, err
	}
	return key.EncodeSnarkJS()
}

// Verify reports whether the proof holds, as verify.Files does.
func (t *Tools) Verify(ctx context.Context, in verify.Input) (valid bool, why string, err error) {
	defer recoverTo(&err)
	leave, err := t.light.enter(ctx)
	if err != nil {
		return false, "", err
	}
	defer leave()
	return verify.Files(t.kit.Backend, in)
}
