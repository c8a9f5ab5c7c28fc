package worker

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/prove"
	"provery/internal/queue"
	"provery/internal/registry"
	"provery/internal/store"
	"provery/internal/telemetry"
	"provery/internal/tracing"
)

// Observer is told how each attempt at a proof ended.
type Observer interface {
	ObserveAttempt(scheme, class, outcome string, l *api.Ledger)
}

// ProvingConfig configures Proving.
type ProvingConfig struct {
	Rand     io.Reader // blinding scalars: crypto/rand.Reader outside of tests
	Now      func() time.Time
	Observer Observer // may be nil
	Costs    *Costs
	// Budget is where the grants come from.
	Budget *Budget
	Log    *slog.Logger
}

// Proving runs the jobs of kind proof.
type Proving struct {
	cfg       ProvingConfig
	catalogue *Catalogue
	sealed    Opener
}

// NewProving returns the handler of proofs.
func NewProving(cfg ProvingConfig, c *Catalogue, sealed Opener) *Proving {
	return &Proving{cfg: cfg, catalogue: c, sealed: sealed}
}

// Kind implements Handler.
func (p *Proving) Kind() string { return queue.KindProof }

// Need implements Handler.
func (p *Proving) Need(job queue.Job) Need {
	size := int64(0)
	if job.Arguments != nil {
		size = job.Arguments.Size
	}
	return p.cfg.Costs.Need(job.CircuitID, job.KeySetID, size)
}

// Run implements Handler: it opens circuit and keys, solves, proves and checks.
func (p *Proving) Run(ctx context.Context, lease *queue.Lease, g Grant) (queue.Result, error) {
	job := lease.Job()
	timer := telemetry.NewTimer(p.cfg.Now, job.Created)
	enter, end := tracing.Stages(ctx)
	stage := func(name string) {
		timer.Enter(name)
		timer.Observe(residentBytes())
		enter(name)
		lease.Stage(name)
	}
	run := attempt{Proving: p, lease: lease, job: job, stage: stage, grant: g}
	watch := p.watch(g)
	result, err := run.prove(ctx)
	heap := watch()
	timer.Observe(residentBytes())
	timer.Stop()
	end(err)
	ledger := timer.Ledger()
	result.Ledger = ledgerOf(ledger)
	p.observe(&run, err, &ledger)
	if err == nil {
		took := time.Duration((ledger.Witness + ledger.Prove + ledger.Check) * float64(time.Millisecond))
		p.learn(ctx, &job, observation{took: took, threads: g.Threads, heap: heap, cold: run.cold})
	}
	return result, err
}

// smallProof is the predicted memory below which nobody looks at the heap.
const smallProof = 16 << 20

// watch begins to watch the heap; what it returns tells what was seen, nil if
// that can't be put down to one proof.
func (p *Proving) watch(g Grant) func() *heapRange {
	if !g.Alone || g.Bytes < smallProof {
		return func() *heapRange { return nil }
	}
	began, s := p.cfg.Budget.began(), sampleHeap()
	return func() *heapRange {
		seen := s.end()
		if p.cfg.Budget.began() != began {
			return nil
		}
		return &seen
	}
}

// learn passes on what a proof took. A failure to write it down is no failure
// of the proof.
func (p *Proving) learn(ctx context.Context, job *queue.Job, o observation) {
	if err := p.cfg.Costs.observe(ctx, job.CircuitID, job.KeySetID, o); err != nil {
		p.cfg.Log.Warn("write down what the proof took", "job", job.ID, "error", err)
	}
}

// attempt is one run of one job.
type attempt struct {
	*Proving
	lease  *queue.Lease
	job    queue.Job
	stage  func(string)
	grant  Grant
	scheme string // once it is known
	cold   bool   // the circuit was opened for this job
}

// prove returns the result. A panic anywhere below becomes an internal error,
// with the scheme still told to the observer.
func (a *attempt) prove(ctx context.Context) (result queue.Result, err error) {
	defer recoverTo(&err)
	a.stage(telemetry.PhaseLoad)
	handle, err := a.catalogue.provers.Acquire(ctx, proverKey{a.job.CircuitID, a.job.KeySetID})
	if err != nil {
		return result, notTheClients(err)
	}
	defer handle.Release()
	open := handle.Value()
	a.scheme, a.cold = open.keySet.Scheme, !open.used.Swap(true)
	a.describe(trace.SpanFromContext(ctx), &open.keySet)
	var task Task
	if err := openTask(ctx, a.lease, a.sealed, &task); err != nil {
		return result, err
	}
	proof, err := open.prover.Prove(ctx, prove.Request{
		Arguments: task.Arguments, Options: frontend.SolveOptions{Reduce: task.Reduce}, Witness: task.witness(),
		Threads: a.grant.Threads, Rand: a.cfg.Rand, Stage: a.stage,
	})
	if err != nil {
		return result, err
	}
	k := &open.keySet
	result.Body, err = resultOf(proof.Proof, proof.Outputs, proof.PublicInputs, a.job.CircuitID, k.Source.Digest, k.VerifyingKey.Digest)
	return result, err
}

// describe tells the attempt's span what is proven.
func (a *attempt) describe(span trace.Span, k *registry.KeySet) {
	span.SetAttributes(tracing.KeyScheme.String(k.Scheme), tracing.KeyCurve.String(k.Curve))
	if s, ok := a.catalogue.registry.Sizes(a.job.CircuitID, a.job.KeySetID); ok {
		span.SetAttributes(tracing.KeySize.String(telemetry.SizeClass(s.Stats.Constraints)))
	}
}

func (p *Proving) observe(a *attempt, err error, l *api.Ledger) {
	if p.cfg.Observer == nil {
		return
	}
	outcome := "succeeded"
	if err != nil {
		outcome = string(fault.CodeOf(err))
	}
	class := "unknown" // the circuit was removed meanwhile
	if s, ok := p.catalogue.registry.Sizes(a.job.CircuitID, a.job.KeySetID); ok {
		class = telemetry.SizeClass(s.Stats.Constraints)
	}
	p.cfg.Observer.ObserveAttempt(a.scheme, class, outcome, l)
}

// notTheClients turns an error of our own house, such as a missing record, into
// an internal one, so that another attempt or worker may do better.
func notTheClients(err error) error {
	switch fault.CodeOf(err) {
	case fault.Canceled, fault.DeadlineExceeded, fault.Internal, fault.Overloaded, fault.InsufficientStorage, fault.NotFound:
		return err // a circuit that was removed meanwhile stays not_found
	}
	return &fault.Error{Code: fault.Internal, Detail: "open the circuit", Err: err}
}

// ledgerOf returns the timer's phases for the job's record.
func ledgerOf(l api.Ledger) queue.Ledger {
	ms := func(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }
	out := queue.Ledger{PeakBytes: l.PeakMemoryBytes}
	add := func(name string, v float64) {
		out.Phases = append(out.Phases, queue.Phase{Name: name, Duration: ms(v)})
	}
	add(telemetry.PhaseLoad, l.Load)
	add(telemetry.PhaseWitness, l.Witness)
	add(telemetry.PhaseProve, l.Prove)
	for _, s := range l.Stages {
		add(s.Name, s.Milliseconds)
	}
	add(telemetry.PhaseCheck, l.Check)
	return out
}

// Task is what a job's sealed arguments hold.
type Task struct {
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Reduce    bool            `json:"reduce,omitempty"`
	// Witness is a witness file, instead of arguments.
	Witness []byte `json:"witness,omitempty"`
}

// resultOf is the body of a job's result.
func resultOf(proof, outputs json.RawMessage, inputs []string, circuit, provingKey, verifyingKey store.Digest) ([]byte, error) {
	return json.Marshal(api.Result{
		Proof: proof, Outputs: outputs, PublicInputs: inputs,
		CircuitDigest: circuit.String(), ProvingKeyDigest: provingKey.String(), VerifyingKeyDigest: verifyingKey.String(),
	})
}
