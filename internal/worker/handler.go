package worker

import (
	"context"
	"encoding/json"

	"provery/internal/fault"
	"provery/internal/queue"
)

// Handler runs the jobs of one kind. It is safe for concurrent use.
type Handler interface {
	// Kind is the kind of job, as queue.NewJob names it.
	Kind() string
	// Need predicts what a job takes. It is called while a job is being
	// chosen: it must be quick. Of the job it gets what the queue's index
	// knows, as queue.LeaseOptions says.
	Need(job queue.Job) Need
	// Run runs one attempt, with what was granted, and returns its result,
	// which the pool hands in; the lease is the pool's to end. Run tells the
	// lease its stages, and returns soon after ctx is done. Errors are as in
	// queue.Lease.Fail: which of them is worth another attempt their code says.
	Run(ctx context.Context, lease *queue.Lease, g Grant) (queue.Result, error)
}

// Opener opens the sealed arguments of a job.
type Opener interface {
	Open(jobID, purpose string, sealed []byte) ([]byte, error)
}

// SealPurpose is the purpose under which a job's arguments are sealed.
const SealPurpose = "arguments"

// openTask opens the sealed arguments of a job into task.
func openTask(ctx context.Context, lease *queue.Lease, sealed Opener, task any) error {
	box, err := lease.Arguments(ctx)
	if err != nil {
		return err
	}
	plain, err := sealed.Open(lease.Job().ID, SealPurpose, box)
	if err != nil {
		return notTheClients(err)
	}
	defer clear(plain)
	if err := json.Unmarshal(plain, task); err != nil {
		// The error's text may quote the arguments.
		return fault.New(fault.Internal, "the job's arguments are damaged")
	}
	return nil
}
