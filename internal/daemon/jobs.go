package daemon

import (
	"context"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
	"provery/internal/queue"
)

// may reports whether a caller may see what an owner has.
func may(who httpapi.Caller, owner string) bool { return who.Admin || who.Name == owner }

// ownerFilter returns the owner whose jobs a list may show, "" for all.
func ownerFilter(who httpapi.Caller, asked string) string {
	if who.Admin {
		return asked
	}
	return who.Name
}

// job returns a job that the caller may see. Anybody else's doesn't exist, as
// far as the caller is told.
func (s *services) job(ctx context.Context, who httpapi.Caller, id string) (queue.Job, error) {
	j, err := s.d.queue.Job(ctx, id)
	if err == nil && !may(who, j.Owner) {
		return queue.Job{}, fault.New(fault.NotFound, "no such job")
	}
	return j, err
}

// proofJob is job for proofs.
func (s *services) proofJob(ctx context.Context, who httpapi.Caller, id string) (queue.Job, error) {
	j, err := s.job(ctx, who, id)
	if err == nil && j.Kind != queue.KindProof {
		return queue.Job{}, fault.New(fault.NotFound, "the job is no proof: see %s", jobPath(id))
	}
	return j, err
}

// cancel cancels a job. One that has ended otherwise stays so.
func (s *services) cancel(ctx context.Context, id string) (queue.Job, error) {
	j, err := s.d.queue.Cancel(ctx, id)
	if fault.Is(err, fault.Conflict) {
		return s.d.queue.Job(ctx, id)
	}
	return j, err
}

// remove deletes a job that has ended; noun is what the caller takes it for.
func (s *services) remove(ctx context.Context, j queue.Job, noun string) error {
	if !j.State.Terminal() {
		return fault.New(fault.Conflict, "the %s hasn't ended: cancel it first", noun)
	}
	return s.d.queue.Delete(ctx, j.ID)
}

// ofCircuit narrows a filter to the circuit of a reference, if there is one.
func (s *services) ofCircuit(ctx context.Context, f *queue.Filter, ref string) error {
	if ref == "" {
		return nil
	}
	c, err := s.d.registry.Resolve(ctx, ref)
	f.Circuit = c.ID
	return err
}

// Job implements httpapi.Jobs.
func (s *services) Job(ctx context.Context, who httpapi.Caller, id string) (api.Job, error) {
	return s.jobAnswer(s.job(ctx, who, id))
}

// WaitJob implements httpapi.Jobs.
func (s *services) WaitJob(ctx context.Context, who httpapi.Caller, id string, timeout time.Duration) (api.Job, error) {
	j, err := s.job(ctx, who, id)
	if err == nil {
		j, err = s.d.queue.Wait(ctx, id, timeout)
	}
	return s.jobAnswer(j, err)
}

// Jobs implements httpapi.Jobs.
func (s *services) Jobs(ctx context.Context, who httpapi.Caller, filter api.JobFilter, cursor string, limit int) (api.Page[api.Job], error) {
	page := api.Page[api.Job]{Items: []api.Job{}}
	f := queue.Filter{
		State: queue.State(filter.State), Kind: filter.Kind, Owner: ownerFilter(who, filter.Owner), Batch: filter.Batch, Dead: filter.Dead,
	}
	if err := s.ofCircuit(ctx, &f, filter.Circuit); err != nil {
		return page, err
	}
	jobs, next, err := s.d.queue.List(ctx, f, cursor, limit)
	if err != nil {
		return page, err
	}
	page.Next = next
	for _, j := range jobs {
		page.Items = append(page.Items, s.jobView(j))
	}
	return page, nil
}

// CancelJob implements httpapi.Jobs.
func (s *services) CancelJob(ctx context.Context, who httpapi.Caller, id string) (api.Job, error) {
	j, err := s.job(ctx, who, id)
	if err == nil {
		j, err = s.cancel(ctx, id)
	}
	return s.jobAnswer(j, err)
}

// RetryJob implements httpapi.Jobs.
func (s *services) RetryJob(ctx context.Context, who httpapi.Caller, id string) (api.Job, error) {
	j, err := s.job(ctx, who, id)
	if err == nil {
		j, err = s.d.queue.Retry(ctx, id)
	}
	return s.jobAnswer(j, err)
}

// DeleteJob implements httpapi.Jobs.
func (s *services) DeleteJob(ctx context.Context, who httpapi.Caller, id string) error {
	j, err := s.job(ctx, who, id)
	if err != nil {
		return err
	}
	return s.remove(ctx, j, "job")
}

// Workers implements httpapi.Jobs.
func (s *services) Workers(ctx context.Context, who httpapi.Caller) ([]api.Worker, error) {
	var out []api.Worker
	for _, w := range s.d.queue.Workers() {
		view := api.Worker{
			Name: w.Name, Slots: w.Slots, Threads: w.Threads, Kinds: w.Kinds, Self: w.Own, Running: len(w.Jobs), Jobs: []string{},
		}
		for _, id := range w.Jobs {
			if _, err := s.job(ctx, who, id); err == nil {
				view.Jobs = append(view.Jobs, id)
			}
		}
		out = append(out, view)
	}
	return out, nil
}

func jobPath(id string) string   { return api.BasePath + "/jobs/" + id }
func proofPath(id string) string { return api.BasePath + "/proofs/" + id }

// jobAnswer is jobView for a job that there is if err is nil.
func (s *services) jobAnswer(j queue.Job, err error) (api.Job, error) {
	if err != nil {
		return api.Job{}, err
	}
	return s.jobView(j), nil
}

// jobView returns a job in the API's form.
func (s *services) jobView(j queue.Job) api.Job {
	out := api.Job{
		ID: j.ID, Kind: j.Kind, State: api.State(j.State), Stage: j.Stage, Owner: j.Owner, Priority: string(j.Priority), Labels: j.Labels,
		Batch: j.Batch, Dead: j.Dead, Requeues: j.Requeues, Attempt: j.Attempt, Created: j.Created,
		Started: optional(j.Started), Finished: optional(j.Finished), Deadline: optional(j.Deadline), RetryAt: optional(j.RetryAt),
		Problem: problem(j.Problem, j.Kind), Links: api.JobLinks{Self: jobPath(j.ID), Events: jobPath(j.ID) + "/events"},
	}
	if !j.CircuitID.IsZero() {
		out.Circuit = j.CircuitID.String()
	}
	if made := compiledTo(&j); !made.Circuit.IsZero() {
		out.Circuit, out.Existed = made.Circuit.String(), made.Existed
	}
	if out.Circuit != "" {
		out.Links.Circuit = api.BasePath + "/circuits/" + out.Circuit
	}
	if !j.KeySetID.IsZero() {
		out.KeySet = j.KeySetID.String()
	}
	if j.Batch != "" {
		out.Item = &j.Item
	}
	if j.Kind == queue.KindProof {
		out.Links.Proof = proofPath(j.ID)
	}
	for _, a := range j.Attempts {
		out.Attempts = append(out.Attempts, attempt(a))
	}
	if !j.State.Terminal() {
		out.Links.Cancel = out.Links.Self + "/cancel"
	}
	if j.Dead || !j.RetryAt.IsZero() {
		out.Links.Retry = out.Links.Self + "/retry"
	}
	if j.State == queue.Queued {
		position := s.d.queue.Position(j)
		out.Position = &position
	}
	return out
}

// Slot implements httpapi.Slots.
func (s *services) Slot(ctx context.Context, who httpapi.Caller) (httpapi.Slot, error) {
	slot, err := s.d.queue.Slot(ctx, who.Name)
	return httpapi.Slot(slot), err
}

// SetSlot implements httpapi.Slots.
func (s *services) SetSlot(ctx context.Context, who httpapi.Caller, slot httpapi.Slot) (httpapi.Slot, error) {
	before, err := s.d.queue.SetSlot(ctx, who.Name, queue.Slot(slot))
	return httpapi.Slot(before), err
}
