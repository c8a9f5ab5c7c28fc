package worker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/store"
)

// Leaser is the part of the queue that a pool needs.
type Leaser interface {
	Lease(ctx context.Context, worker string) (*queue.Lease, error)
}

// Opener opens the sealed arguments of a job.
type Opener interface {
	Open(jobID, purpose string, sealed []byte) ([]byte, error)
}

// Observer is told how each attempt ended.
type Observer interface {
	ObserveAttempt(scheme, outcome string, l *api.Ledger)
}

// PoolConfig configures a Pool.
type PoolConfig struct {
	Name    string // of the worker, in the jobs' history
	Slots   int    // proofs at a time
	Threads int    // for each proof
	// Drain bounds the wait for running proofs when the pool stops; what
	// isn't done by then is handed back.
	Drain    time.Duration
	Rand     io.Reader // blinding scalars: crypto/rand.Reader outside of tests
	Now      func() time.Time
	Log      *slog.Logger
	Observer Observer
}

// Pool takes jobs from the queue and proves them.
type Pool struct {
	cfg       PoolConfig
	queue     Leaser
	catalogue *Catalogue
	sealed    Opener
}

// NewPool returns a pool; Run starts it.
func NewPool(cfg PoolConfig, q Leaser, c *Catalogue, sealed Opener) *Pool {
	cfg.Slots, cfg.Threads = max(cfg.Slots, 1), max(cfg.Threads, 1)
	return &Pool{cfg: cfg, queue: q, catalogue: c, sealed: sealed}
}

// Slots returns the number of proofs at a time.
func (p *Pool) Slots() int { return p.cfg.Slots }

// Threads returns the number of threads for each proof.
func (p *Pool) Threads() int { return p.cfg.Threads }

// Run leases and proves until ctx is done. Then it takes no more jobs, waits
// for the running ones up to the drain time, hands back the rest, and returns.
func (p *Pool) Run(ctx context.Context) {
	working, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var slots sync.WaitGroup
	for range p.cfg.Slots {
		slots.Go(func() { p.loop(ctx, working) })
	}
	<-ctx.Done()
	drained := make(chan struct{})
	go func() {
		slots.Wait()
		close(drained)
	}()
	timer := time.NewTimer(p.cfg.Drain)
	defer timer.Stop()
	select {
	case <-drained:
	case <-timer.C:
		p.cfg.Log.Warn("drain time is over: handing back the jobs in work", "drain", p.cfg.Drain)
		stop(errDrained)
		<-drained
	}
}

// errDrained is the cause of the working context's end when the drain time is over.
var errDrained = errors.New("worker: drain time is over")

func (p *Pool) loop(ctx, working context.Context) {
	for ctx.Err() == nil {
		lease, err := p.queue.Lease(ctx, p.cfg.Name)
		switch {
		case err == nil:
			p.work(working, lease)
		case ctx.Err() != nil || fault.Is(err, fault.Overloaded):
			return // stopping, or the queue is closed
		default:
			p.cfg.Log.Error("lease a job", "error", err, "cause", errors.Unwrap(err))
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

// work runs one attempt and tells the queue how it ended.
func (p *Pool) work(working context.Context, lease *queue.Lease) {
	job := lease.Job()
	log := p.cfg.Log.With("job", job.ID, "attempt", job.Attempt)
	ctx, cancel := context.WithCancelCause(lease.Context())
	defer cancel(nil)
	defer context.AfterFunc(working, func() { cancel(errDrained) })()

	run := &attempt{pool: p, lease: lease, job: job}
	body, ledger, err := run.prove(ctx)
	// The lease is ended by its own means even if ctx is done.
	report := context.WithoutCancel(working)
	switch {
	case err == nil:
		err = complete(report, log, lease, queue.Result{Body: body, Ledger: ledger})
	case context.Cause(ctx) == errDrained:
		log.Info("handing the job back")
		err = lease.Release(report)
	case lease.Context().Err() != nil:
		log.Info("attempt given up", "cause", context.Cause(lease.Context()))
		lease.Abandon()
		err = nil
	default:
		err = fail(report, log, lease, classify(err))
	}
	if err != nil {
		// The lease is lost, or the engine is away: the job goes on elsewhere.
		log.Warn("the queue didn't take the outcome", "error", err, "cause", errors.Unwrap(err))
		lease.Abandon()
	}
}

// complete hands in a result. One that can't be kept, because the disk is full
// or the result too large, fails the attempt with that reason.
func complete(ctx context.Context, log *slog.Logger, lease *queue.Lease, r queue.Result) error {
	err := lease.Complete(ctx, r)
	switch {
	case err == nil:
		log.Info("proof made", "circuit", lease.Job().CircuitID)
	case !fault.Is(err, fault.Conflict):
		return fail(ctx, log, lease, classify(err))
	}
	return err
}

// fail ends the attempt with a failure.
func fail(ctx context.Context, log *slog.Logger, lease *queue.Lease, f *fault.Error) error {
	level := slog.LevelInfo
	if f.Code.Retryable() {
		level = slog.LevelError // the fault lies with the service
	}
	log.Log(ctx, level, "attempt failed", "code", f.Code, "cause", cause(f))
	return lease.Fail(ctx, f)
}

// classify returns err as it may be shown to the client.
func classify(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	return &fault.Error{Code: fault.CodeOf(err), Detail: "the proof failed for a reason inside of the service", Err: err}
}

// cause returns the text for the log: of a fault of the service what is behind
// it, of any other the client's own text, which may go there too.
func cause(f *fault.Error) string {
	if f.Code.Retryable() && f.Err != nil {
		return f.Error() + ": " + f.Err.Error()
	}
	return f.Error()
}

// SealPurpose is the purpose under which a job's Task is sealed.
const SealPurpose = "arguments"

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
