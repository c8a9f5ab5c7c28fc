package worker

import (
	"context"
	"encoding/json"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/prove"
	"provery/internal/queue"
	"provery/internal/telemetry"
)

// attempt is one run of one job.
type attempt struct {
	pool  *Pool
	lease *queue.Lease
	job   queue.Job
}

// prove runs the attempt and returns the result's body and the ledger. A panic
// anywhere below becomes an internal error.
func (a *attempt) prove(ctx context.Context) (body []byte, ledger queue.Ledger, err error) {
	timer := telemetry.NewTimer(a.pool.cfg.Now, a.job.Created)
	scheme := ""
	defer func() {
		timer.Stop()
		a.observe(scheme, err, timer)
	}()
	defer recoverTo(&err)
	stage := func(name string) {
		timer.Enter(name)
		timer.Observe(residentBytes())
		a.lease.Stage(name)
	}
	stage(telemetry.PhaseLoad)
	handle, err := a.pool.catalogue.provers.Acquire(ctx, proverKey{a.job.CircuitID, a.job.KeySetID})
	if err != nil {
		return nil, ledger, notTheClients(err)
	}
	defer handle.Release()
	open := handle.Value()
	scheme = open.keySet.Scheme
	task, err := a.task(ctx)
	if err != nil {
		return nil, ledger, err
	}
	result, err := open.prover.Prove(ctx, prove.Request{
		Arguments: task.Arguments, Options: frontend.SolveOptions{Reduce: task.Reduce}, Witness: task.witness(),
		Threads: a.pool.cfg.Threads, Rand: a.pool.cfg.Rand, Stage: stage,
	})
	if err != nil {
		return nil, ledger, err
	}
	timer.Observe(residentBytes())
	timer.Stop()
	k := &open.keySet
	body, err = resultOf(result.Proof, result.Outputs, result.PublicInputs, a.job.CircuitID, k.Source.Digest, k.VerifyingKey.Digest)
	return body, ledgerOf(timer.Ledger()), err
}

// task opens the sealed arguments.
func (a *attempt) task(ctx context.Context) (task Task, err error) {
	sealed, err := a.lease.Arguments(ctx)
	if err != nil {
		return task, err
	}
	plain, err := a.pool.sealed.Open(a.job.ID, SealPurpose, sealed)
	if err != nil {
		return task, notTheClients(err)
	}
	defer clear(plain)
	if err := json.Unmarshal(plain, &task); err != nil {
		// The error's text may quote the arguments.
		return task, fault.New(fault.Internal, "the job's arguments are damaged")
	}
	return task, nil
}

func (a *attempt) observe(scheme string, err error, timer *telemetry.Timer) {
	if a.pool.cfg.Observer == nil {
		return
	}
	outcome := "succeeded"
	if err != nil {
		outcome = string(fault.CodeOf(err))
	}
	l := timer.Ledger()
	a.pool.cfg.Observer.ObserveAttempt(scheme, outcome, &l)
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
