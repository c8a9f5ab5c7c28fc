package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/store"
	"provery/internal/tracing"
)

// Leaser is the part of the queue that a pool needs.
type Leaser interface {
	LeaseWith(ctx context.Context, o queue.LeaseOptions) (*queue.Lease, error)
	// Load returns how many jobs wait, and how many other processes take jobs.
	Load() (waiting, others int)
	// Workers returns the processes that take jobs.
	Workers() []queue.Worker
	// Nudge lets those who wait for a lease look again.
	Nudge()
}

// PoolConfig configures a Pool.
type PoolConfig struct {
	Name  string // of the worker, in the jobs' history
	Slots int    // jobs at a time, at most
	// Budget is what the jobs share, also with those of other pools. Nil: one
	// without bounds, with a thread for each slot.
	Budget *Budget
	// Disk is how many bytes of copies of blobs the process may hold. 0: blobs
	// are files of its own, or it isn't known.
	Disk int64
	// Hot reports whether a circuit is open. Nil: no preference.
	Hot func(circuit store.Digest) bool
	// Drain bounds the wait for running jobs when the pool stops; what
	// isn't done by then is handed back.
	Drain time.Duration
	// Tracer begins the spans of attempts. Nil: none are recorded.
	Tracer trace.Tracer
	Log    *slog.Logger
}

// Pool takes jobs from the queue and runs them.
type Pool struct {
	cfg      PoolConfig
	queue    Leaser
	handlers map[string]Handler // by kind
	busy     atomic.Int32       // jobs in work
	hurry    sync.Once
	hurried  chan struct{} // closed: what is in work is handed back at once
}

// NewPool returns a pool that takes the jobs of the handlers' kinds; Run
// starts it.
func NewPool(cfg PoolConfig, q Leaser, handlers ...Handler) *Pool {
	cfg.Slots = max(cfg.Slots, 1)
	if cfg.Budget == nil {
		cfg.Budget = NewBudget(BudgetConfig{Threads: cfg.Slots, PerJob: 1})
	}
	if cfg.Tracer == nil {
		cfg.Tracer = tracing.None()
	}
	p := &Pool{cfg: cfg, queue: q, handlers: map[string]Handler{}, hurried: make(chan struct{})}
	for _, h := range handlers {
		p.handlers[h.Kind()] = h
	}
	return p
}

// Slots returns the greatest number of jobs at a time.
func (p *Pool) Slots() int { return p.cfg.Slots }

// Run leases and works until ctx is done. Then it takes no more jobs, waits
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
		return
	case <-timer.C:
		p.cfg.Log.Warn("drain time is over: handing back the jobs in work", "drain", p.cfg.Drain)
	case <-p.hurried:
		p.cfg.Log.Warn("handing back the jobs in work at once")
	}
	stop(errDrained)
	<-drained
}

// HandBack ends the drain time: from when Run's context is done nothing is
// waited for.
func (p *Pool) HandBack() { p.hurry.Do(func() { close(p.hurried) }) }

// errDrained is the cause of the working context's end when the drain time is over.
var errDrained = errors.New("worker: drain time is over")

func (p *Pool) loop(ctx, working context.Context) {
	s := &seat{pool: p}
	defer s.leave()
	options := queue.LeaseOptions{
		Worker: p.cfg.Name, Kinds: slices.Sorted(maps.Keys(p.handlers)), Hot: p.cfg.Hot, Fits: s.fits, Able: s.able, Idle: s.leave,
	}
	for ctx.Err() == nil {
		lease, err := p.queue.LeaseWith(ctx, options)
		switch {
		case err == nil:
			p.take(working, lease, s)
		case ctx.Err() != nil || fault.Is(err, fault.Overloaded):
			return // stopping, or the queue is closed
		default:
			s.leave()
			p.cfg.Log.Error("lease a job", "error", err, "cause", errors.Unwrap(err))
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

// take runs a job with what the seat has taken for it, and gives that back.
func (p *Pool) take(working context.Context, lease *queue.Lease, s *seat) {
	p.busy.Add(1)
	defer func() {
		s.leave()
		p.busy.Add(-1)
		p.queue.Nudge()
	}()
	p.work(working, lease, s.grant)
}

// work runs one attempt and tells the queue how it ended.
func (p *Pool) work(working context.Context, lease *queue.Lease, g Grant) {
	job := lease.Job()
	ctx, span := startAttempt(lease.Context(), p.cfg.Tracer, &job, g)
	log := p.cfg.Log.With("job", job.ID, "kind", job.Kind, "attempt", job.Attempt, tracing.ID(ctx))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(working, func() { cancel(errDrained) })()

	result, err := p.run(ctx, lease, g)
	// The lease is ended by its own means even if ctx is done.
	report := context.WithoutCancel(ctx)
	var outcome string
	switch {
	case err == nil:
		outcome, err = complete(report, log, lease, result)
	case context.Cause(ctx) == errDrained:
		log.Info("handing the job back")
		outcome, err = string(queue.OutcomeReleased), lease.Release(report)
	case lease.Context().Err() != nil:
		log.Info("attempt given up", "cause", context.Cause(lease.Context()))
		outcome, err = outcomeOf(context.Cause(lease.Context())), nil
		lease.Abandon()
	default:
		f := classify(err)
		outcome, err = string(f.Code), fail(report, log, lease, f)
	}
	if err != nil {
		// The lease is lost, or the engine is away: the job goes on elsewhere.
		log.Warn("the queue didn't take the outcome", "error", err, "cause", errors.Unwrap(err))
		outcome = outcomeOf(err)
		lease.Abandon()
	}
	tracing.EndWith(span, outcome, outcome != tracing.Succeeded)
}

// run runs a job's handler; its panics become internal errors. A job that fits
// into no worker is refused.
func (p *Pool) run(ctx context.Context, lease *queue.Lease, g Grant) (result queue.Result, err error) {
	defer recoverTo(&err)
	if need := p.need(lease.Job()); !p.cfg.Budget.Fits(need) {
		return result, TooLarge(need.Bytes, p.cfg.Budget.Capacity())
	}
	return p.handlers[lease.Job().Kind].Run(ctx, lease, g)
}

// need returns what a job needs of this process.
func (p *Pool) need(job queue.Job) Need { return p.cfg.Budget.trim(p.handlers[job.Kind].Need(job)) }

// complete hands in a result and returns the attempt's outcome. A result that
// can't be kept, because the disk is full or the result too large, fails the
// attempt with that reason.
func complete(ctx context.Context, log *slog.Logger, lease *queue.Lease, r queue.Result) (outcome string, err error) {
	writing, span := tracing.Start(ctx, "complete")
	err = lease.Complete(writing, r)
	tracing.End(span, err)
	switch {
	case err == nil:
		log.Info("job done", "circuit", lease.Job().CircuitID)
	case !fault.Is(err, fault.Conflict):
		f := classify(err)
		return string(f.Code), fail(ctx, log, lease, f)
	}
	return tracing.Succeeded, err
}

// startAttempt begins an attempt's span.
func startAttempt(ctx context.Context, t trace.Tracer, job *queue.Job, g Grant) (context.Context, trace.Span) {
	return t.Start(ctx, "attempt", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		tracing.KeyJob.String(job.ID), tracing.KeyKind.String(job.Kind), tracing.KeyPriority.String(string(job.Priority)),
		tracing.KeyCircuit.String(job.CircuitID.String()), tracing.KeyAttempt.Int(job.Attempt),
		tracing.KeyWorker.String(job.Attempts[len(job.Attempts)-1].Worker), tracing.KeyThreads.Int(g.Threads),
	))
}

// outcomeOf returns what became of an attempt that was taken away: canceled and
// deadline_exceeded are its code's, and a lease that others have is lost.
func outcomeOf(cause error) string {
	if code := fault.CodeOf(cause); code != fault.Conflict {
		return string(code)
	}
	return string(queue.OutcomeLost)
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
	return &fault.Error{Code: fault.CodeOf(err), Detail: "the job failed for a reason inside of the service", Err: err}
}

// cause returns the text for the log: of a fault of the service what is behind
// it, of any other the client's own text, which may go there too; but of errors
// in sources, which the compiler quotes, their number only.
func cause(f *fault.Error) string {
	if n := len(f.Diagnostics); n > 0 {
		return fmt.Sprintf("errors in the sources: %d", n)
	}
	if f.Code.Retryable() && f.Err != nil {
		return f.Error() + ": " + f.Err.Error()
	}
	return f.Error()
}
