package daemon

import (
	"context"
	"errors"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/registry"
	"provery/internal/worker"
)

// dryRun solves the arguments of a request, and returns the witness if the
// request names a format for it.
func (s *services) dryRun(ctx context.Context, c registry.Circuit, r *api.WitnessRequest) (*frontend.Solution, []byte, error) {
	task := worker.Task{Arguments: r.Arguments, Reduce: r.Reduce}
	if r.Witness == "" {
		solution, err := s.d.tools.DryRun(ctx, c, task, r.Logs)
		return solution, nil, err
	}
	return s.d.tools.Witness(ctx, c, task, r.Logs, r.Witness)
}

// logsOf returns the lines that a program printed before it failed.
func logsOf(s *frontend.Solution) []string {
	if s == nil {
		return nil
	}
	return s.Logs
}

// underInput makes an error about a task's form one about the request. A
// witness that can't be read is the request's fault, not the circuit's.
func underInput(task *worker.Task, err error) error {
	if task.Witness == nil {
		return underArguments(err)
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.InvalidArtifact {
		return err
	}
	bad := f.At("/witness")
	bad.Code = fault.InvalidRequest
	return bad
}
