package worker

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/prove"
	"provery/internal/queue"
	"provery/internal/store"
	"provery/internal/telemetry"
)

// Observer is told how each attempt at a proof ended.
type Observer interface {
	ObserveAttempt(scheme, outcome string, l *api.Ledger)
}

// ProvingConfig configures Proving.
type ProvingConfig struct {
	Threads  int       // for each proof
	Rand     io.Reader // blinding scalars: crypto/rand.Reader outside of tests
	Now      func() time.Time
	Observer Observer // may be nil
}

// Proving runs the jobs of kind proof.
type Proving struct {
	cfg       ProvingConfig
	catalogue *Catalogue
	sealed    Opener
}

// NewProving returns the handler of proofs.
func NewProving(cfg ProvingConfig, c *Catalogue, sealed Opener) *Proving {
	cfg.Threads = max(cfg.Threads, 1)
	return &Proving{cfg: cfg, catalogue: c, sealed: sealed}
}

// Kind implements Handler.
func (p *Proving) Kind() string { return queue.KindProof }

// Run implements Handler: it opens circuit and keys, solves, proves and checks.
func (p *Proving) Run(ctx context.Context, lease *queue.Lease) (queue.Result, error) {
	job := lease.Job()
	timer := telemetry.NewTimer(p.cfg.Now, job.Created)
	stage := func(name string) {
		timer.Enter(name)
		timer.Observe(residentBytes())
		lease.Stage(name)
	}
	run := attempt{Proving: p, lease: lease, job: job, stage: stage}
	result, err := run.prove(ctx)
	timer.Observe(residentBytes())
	timer.Stop()
	ledger := timer.Ledger()
	result.Ledger = ledgerOf(ledger)
	p.observe(run.scheme, err, &ledger)
	return result, err
}

// attempt is one run of one job.
type attempt struct {
	*Proving
	lease  *queue.Lease
	job    queue.Job
	stage  func(string)
	scheme string // once it is known
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
	a.scheme = open.keySet.Scheme
	var task Task
	if err := openTask(ctx, a.lease, a.sealed, &task); err != nil {
		return result, err
	}
	proof, err := open.prover.Prove(ctx, prove.Request{
		Arguments: task.Arguments, Options: frontend.SolveOptions{Reduce: task.Reduce}, Witness: task.witness(),
		Threads: a.cfg.Threads, Rand: a.cfg.Rand, Stage: a.stage,
	})
	if err != nil {
		return result, err
	}
	k := &open.keySet
	result.Body, err = resultOf(proof.Proof, proof.Outputs, proof.PublicInputs, a.job.CircuitID, k.Source.Digest, k.VerifyingKey.Digest)
	return result, err
}

func (p *Proving) observe(scheme string, err error, l *api.Ledger) {
	if p.cfg.Observer == nil {
		return
	}
	outcome := "succeeded"
	if err != nil {
		outcome = string(fault.CodeOf(err))
	}
	p.cfg.Observer.ObserveAttempt(scheme, outcome, l)
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
