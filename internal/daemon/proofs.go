package daemon

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
	"provery/internal/queue"
	"provery/internal/registry"
	"provery/internal/scheme"
	"provery/internal/store"
	"provery/internal/telemetry"
	"provery/internal/worker"
)

// Submit implements httpapi.Proofs. The arguments' form is checked before the
// job is accepted; the rest is a worker's.
func (s *services) Submit(ctx context.Context, in httpapi.Submission) (api.Proof, error) {
	req := in.Request
	if err := s.space(); err != nil {
		return api.Proof{}, s.refused(err)
	}
	c, err := s.d.registry.Resolve(ctx, req.Circuit)
	if err != nil {
		return api.Proof{}, err
	}
	k, err := s.proofKeys(ctx, c.ID, &req)
	if err != nil {
		return api.Proof{}, err
	}
	if err := s.fits(k, int64(len(req.Arguments)+len(req.Witness))); err != nil {
		return api.Proof{}, s.refused(err)
	}
	task := worker.Task{Arguments: req.Arguments, Reduce: req.Reduce, Witness: req.Witness}
	if err := s.d.tools.Check(ctx, c, task); err != nil {
		return api.Proof{}, underInput(&task, err)
	}
	plain, err := json.Marshal(task)
	if err != nil {
		return api.Proof{}, fault.New(fault.InvalidRequest, "want JSON").At("/arguments")
	}
	job := queue.NewJob{
		ID: queue.NewID(now()), Owner: in.Caller.Name, CircuitID: c.ID, KeySetID: k.ID,
		Priority: queue.Priority(req.Priority), Labels: req.Labels, IdempotencyKey: in.IdempotencyKey,
	}
	if req.Deadline != nil {
		job.Deadline = *req.Deadline
	}
	if in.IdempotencyKey != "" {
		if job.RequestHash, err = s.requestHash(req); err != nil {
			return api.Proof{}, err
		}
	}
	job.Sealed = s.d.ring.Seal(job.ID, worker.SealPurpose, plain)
	clear(plain)
	// A client that leaves from here on is told nothing, but the caller is: it
	// may have to cancel the job.
	ctx = context.WithoutCancel(ctx)
	var j queue.Job
	err = s.withWebhook(ctx, job.ID, job.Owner, req.Webhook, func() (string, error) {
		j, _, err = s.d.queue.Enqueue(ctx, job)
		return j.ID, err
	})
	if err != nil {
		return api.Proof{}, s.refused(err)
	}
	return s.proof(ctx, j, true)
}

// proofKeys selects the keys of a proof request.
func (s *services) proofKeys(ctx context.Context, circuit store.Digest, req *api.ProofRequest) (k registry.KeySet, err error) {
	if req.Keys == "" {
		want := ""
		if req.Scheme != "" {
			sch, err := scheme.Parse(req.Scheme)
			if err != nil {
				return k, err
			}
			want = string(sch)
		}
		return s.d.registry.DefaultKeySet(circuit, want)
	}
	if k, err = s.selectKeys(ctx, circuit, req.Keys); err != nil {
		return k, err
	}
	if req.Scheme != "" {
		if sch, err := scheme.Parse(req.Scheme); err != nil || string(sch) != k.Scheme {
			return k, fault.New(fault.InvalidRequest, "the keys are of another scheme").At("/scheme")
		}
	}
	return k, nil
}

// requestHash identifies a request's content for the comparison under an
// idempotency key. It is a keyed hash, since the private arguments may be few
// enough to be guessed: a plain one would let who reads the job's record test
// guesses.
func (s *services) requestHash(req any) (store.Digest, error) {
	b, err := json.Marshal(req)
	if err != nil {
		return store.Digest{}, fault.New(fault.InvalidRequest, "want JSON").At("/arguments")
	}
	defer clear(b)
	return s.d.ring.Fingerprint("request", b), nil
}

// underArguments makes the path of an error about arguments start at the
// request's body.
func underArguments(err error) error {
	f, ok := err.(*fault.Error)
	if !ok || (f.Code != fault.InvalidRequest && f.Path == "") {
		return err
	}
	return f.At("/arguments" + f.Path)
}

// Proof implements httpapi.Proofs.
func (s *services) Proof(ctx context.Context, who httpapi.Caller, id string) (api.Proof, error) {
	j, err := s.proofJob(ctx, who, id)
	return s.proofAnswer(ctx, j, err)
}

// Wait implements httpapi.Proofs.
func (s *services) Wait(ctx context.Context, who httpapi.Caller, id string, timeout time.Duration) (api.Proof, error) {
	j, err := s.proofJob(ctx, who, id)
	if err == nil {
		j, err = s.d.queue.Wait(ctx, id, timeout)
	}
	return s.proofAnswer(ctx, j, err)
}

// Proofs implements httpapi.Proofs.
func (s *services) Proofs(ctx context.Context, who httpapi.Caller, filter api.ProofFilter, cursor string, limit int) (api.Page[api.Proof], error) {
	page := api.Page[api.Proof]{Items: []api.Proof{}}
	f := queue.Filter{State: queue.State(filter.State), Kind: queue.KindProof, Owner: ownerFilter(who, "")}
	if err := s.ofCircuit(ctx, &f, filter.Circuit); err != nil {
		return page, err
	}
	jobs, next, err := s.d.queue.List(ctx, f, cursor, limit)
	if err != nil {
		return page, err
	}
	page.Next = next
	for _, j := range jobs {
		p, err := s.proof(ctx, j, false)
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, p)
	}
	return page, nil
}

// Cancel implements httpapi.Proofs.
func (s *services) Cancel(ctx context.Context, who httpapi.Caller, id string) (api.Proof, error) {
	j, err := s.proofJob(ctx, who, id)
	if err == nil {
		j, err = s.cancel(ctx, id)
	}
	return s.proofAnswer(ctx, j, err)
}

// Delete implements httpapi.Proofs.
func (s *services) Delete(ctx context.Context, who httpapi.Caller, id string) error {
	j, err := s.proofJob(ctx, who, id)
	if err != nil {
		return err
	}
	return s.remove(ctx, j, "proof")
}

// proofAnswer is proof, with the result, for a job that there is if err is nil.
func (s *services) proofAnswer(ctx context.Context, j queue.Job, err error) (api.Proof, error) {
	if err != nil {
		return api.Proof{}, err
	}
	return s.proof(ctx, j, true)
}

// proof returns a job in the API's form, with its result if whole is set.
func (s *services) proof(ctx context.Context, j queue.Job, whole bool) (api.Proof, error) {
	p := api.Proof{
		ID: j.ID, State: api.State(j.State), Stage: j.Stage, Circuit: j.CircuitID.String(), KeySet: j.KeySetID.String(),
		Priority: string(j.Priority), Labels: j.Labels, Attempt: j.Attempt, Created: j.Created,
		Started: optional(j.Started), Finished: optional(j.Finished), Deadline: optional(j.Deadline),
		Problem: problem(j.Problem, j.Kind), Ledger: ledger(&j),
		Links: api.ProofLinks{Self: proofPath(j.ID), Events: proofPath(j.ID) + "/events", Circuit: api.BasePath + "/circuits/" + j.CircuitID.String()},
	}
	if k, err := s.d.registry.KeySet(ctx, j.CircuitID, j.KeySetID); err == nil {
		p.Scheme, p.Insecure = k.Scheme, k.Provenance == registry.InsecureDev
	}
	if j.Batch != "" {
		p.Batch, p.Item = j.Batch, &j.Item
	}
	for _, a := range j.Attempts {
		p.Attempts = append(p.Attempts, attempt(a))
	}
	switch {
	case !j.State.Terminal():
		p.Links.Cancel = p.Links.Self + "/cancel"
		if j.State == queue.Queued {
			position := s.d.queue.Position(j)
			p.Position = &position
			if whole {
				p.StartsIn = s.startsIn(&j, position)
			}
		}
	default:
		expires := j.Finished.Add(s.d.cfg.ResultTTL)
		p.Expires = &expires
	}
	if !whole || j.State != queue.Succeeded {
		return p, nil
	}
	body, err := s.d.queue.Result(ctx, j)
	if err != nil {
		return p, err
	}
	p.Result = new(api.Result)
	if err := json.Unmarshal(body, p.Result); err != nil {
		return p, fault.Wrap(err, fault.Internal, "read the proof's result")
	}
	return p, nil
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func attempt(a queue.Attempt) api.Attempt {
	out := api.Attempt{Number: a.Number, Worker: a.Worker, Outcome: string(a.Outcome), Started: a.Started, Finished: optional(a.Ended)}
	if out.Outcome == "" {
		out.Outcome = "running"
	}
	if a.Code != "" {
		out.Problem = api.NewProblem(api.Code(a.Code), "")
	}
	return out
}

// problem returns why a job of the kind has no result. The path of a proof's
// problem starts at its arguments.
func problem(p *queue.Problem, kind string) *api.Problem {
	if p == nil {
		return nil
	}
	out := api.NewProblem(api.Code(p.Code), p.Detail)
	out.Retryable = p.Retryable
	if out.Path = p.Path; kind == queue.KindProof && (p.Code == fault.InvalidRequest || p.Path != "") {
		out.Path = "/arguments" + p.Path
	}
	for _, d := range p.Diagnostics {
		out.Errors = append(out.Errors, api.SourceError{File: d.File, Line: d.Line, Column: d.Column, Message: d.Message})
	}
	if p.Position != nil {
		out.Position = &api.Position{File: p.Position.File, Line: p.Position.Line, Column: p.Position.Column}
	}
	return out
}

// ledger returns the phases of a succeeded job.
func ledger(j *queue.Job) *api.Ledger {
	if len(j.Ledger.Phases) == 0 {
		return nil
	}
	l := &api.Ledger{PeakMemoryBytes: j.Ledger.PeakBytes, Total: milliseconds(j.Finished.Sub(j.Created))}
	fields := map[string]*float64{
		telemetry.PhaseQueue: &l.Queue, telemetry.PhaseLoad: &l.Load, telemetry.PhaseWitness: &l.Witness,
		telemetry.PhaseProve: &l.Prove, telemetry.PhaseCheck: &l.Check,
	}
	for _, ph := range j.Ledger.Phases {
		if f, ok := fields[ph.Name]; ok {
			*f += milliseconds(ph.Duration)
		} else {
			l.Stages = append(l.Stages, api.Stage{Name: ph.Name, Milliseconds: milliseconds(ph.Duration)})
		}
	}
	return l
}

// milliseconds rounds to microseconds.
func milliseconds(d time.Duration) float64 {
	return math.Round(d.Seconds()*1e6) / 1e3
}
