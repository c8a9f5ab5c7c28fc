package daemon

import (
	"context"
	"encoding/json"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
	"provery/internal/queue"
	"provery/internal/worker"
)

// Compile implements httpapi.Compilations. That the compiler is installed, and
// that the sources are worth its time, is checked before the job is accepted.
func (s *services) Compile(ctx context.Context, in httpapi.Sources) (*api.Circuit, api.Job, error) {
	if err := s.space(); err != nil {
		return nil, api.Job{}, err
	}
	task := worker.CompileTask{Name: in.Name, Tag: in.Tag, Sources: worker.Sources{
		Frontend: in.Frontend, Main: in.Main, Curve: in.Curve, Files: make(map[string]string, len(in.Files)),
		Debug: in.Debug, Optimize: in.Optimize, Include: in.Include,
	}}
	for name, content := range in.Files {
		task.Sources.Files[name] = string(content)
	}
	switch c, err := s.d.compiling.Built(ctx, &task); {
	case err == nil:
		out, err := s.circuit(ctx, c, true)
		return &out, api.Job{}, err
	case !fault.Is(err, fault.NotFound):
		return nil, api.Job{}, err
	}
	if err := s.d.compiling.Check(&task, s.d.compilesHere()); err != nil {
		return nil, api.Job{}, err
	}
	j, err := s.enqueueCompilation(ctx, &in, &task)
	if err != nil {
		return nil, api.Job{}, err
	}
	return nil, s.jobView(j), nil
}

func (s *services) enqueueCompilation(ctx context.Context, in *httpapi.Sources, task *worker.CompileTask) (queue.Job, error) {
	plain, err := json.Marshal(task)
	if err != nil {
		return queue.Job{}, fault.Wrap(err, fault.Internal, "encode the sources")
	}
	defer clear(plain)
	job := queue.NewJob{
		ID: queue.NewID(now()), Kind: worker.KindCompile, Owner: in.Caller,
		Priority: queue.Priority(in.Priority), IdempotencyKey: in.IdempotencyKey,
	}
	if in.Deadline != nil {
		job.Deadline = *in.Deadline
	}
	if in.IdempotencyKey != "" {
		job.RequestHash = s.d.ring.Fingerprint("compilation", plain)
	}
	job.Sealed = s.d.ring.Seal(job.ID, worker.SealPurpose, plain)
	j, _, err := s.d.queue.Enqueue(context.WithoutCancel(ctx), job) // as in Submit
	return j, s.refused(err)
}

// compiledTo returns the circuit that a compilation has registered, zero if the
// job is none or hasn't succeeded.
func compiledTo(j *queue.Job) (result worker.CompileResult) {
	if j.Kind != worker.KindCompile || j.State != queue.Succeeded || j.Result == nil {
		return result
	}
	_ = json.Unmarshal(j.Result.Inline, &result) // it is ours, and too small for a blob
	return result
}
