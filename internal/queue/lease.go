package queue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"provery/internal/fault"
	"provery/internal/tracing"
)

// Lease is the right of one worker to run one attempt of a job. It ends with
// the first of Complete, Fail and Release that succeeds, and must be ended by
// one of them, or by Abandon. Its methods may be called concurrently.
type Lease struct {
	q       *Queue
	snap    snapshot // as it was leased
	ctx     context.Context
	cancel  context.CancelCauseFunc
	endOnce sync.Once

	finishing atomic.Bool // Complete, Fail or Release is under way
}

// Lease waits for a job of kind proof and starts an attempt at it in the name
// of worker (a host or process name, for the history). It is LeaseWith without
// any wishes.
func (q *Queue) Lease(ctx context.Context, worker string) (*Lease, error) {
	return q.LeaseWith(ctx, LeaseOptions{Worker: worker})
}

// LeaseWith waits for a job that suits the options and starts an attempt at
// it. It returns when there is one, or with Canceled or DeadlineExceeded when
// ctx is done, or with Overloaded when the queue is closed. An engine that is
// away is waited for.
//
// ctx bounds the waiting only; its values reach Lease.Context.
func (q *Queue) LeaseWith(ctx context.Context, o LeaseOptions) (*Lease, error) {
	if len(o.Kinds) == 0 {
		o.Kinds = []string{KindProof}
	}
	q.announceWorker()
	for {
		if err := ctx.Err(); err != nil {
			return nil, fault.Wrap(err, fault.CodeOf(err), "wait for work")
		}
		if q.ctx.Err() != nil {
			return nil, errClosed
		}
		e, wait, ready := q.choose(&o)
		if e == nil {
			if o.Idle != nil {
				o.Idle()
			}
			q.idle(ctx, min(or(wait, q.cfg.PollInterval), q.cfg.PollInterval), ready)
			continue
		}
		l, err := q.claim(ctx, e, o.Worker)
		if err != nil {
			q.cfg.Logger.Warn("queue", "doing", "claim job", "job", e.id, "error", err)
		}
		if l != nil {
			return l, nil
		}
	}
}

// Nudge lets all waiting calls of LeaseWith look again, because the answers of
// their functions may have changed: memory is free, a circuit was loaded. The
// end of a lease in this process does so by itself.
func (q *Queue) Nudge() { q.index.nudge() }

// idle waits until there may be work, or for d.
func (q *Queue) idle(ctx context.Context, d time.Duration, ready <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ready:
	case <-t.C:
	case <-ctx.Done():
	case <-q.ctx.Done():
	}
}

// After a claim that failed the job is left alone for a moment: until the news
// has come of who has it, or until the engine may be back.
const (
	takenPause = 50 * time.Millisecond
	errorPause = time.Second
)

// claim starts the attempt. It returns nil where the job is somebody else's,
// or has ended, or can't be claimed now.
func (q *Queue) claim(ctx context.Context, e *entry, worker string) (*Lease, error) {
	base := context.WithoutCancel(ctx)
	call, stop := context.WithTimeout(base, q.cfg.callTimeout)
	defer stop()
	if e.Deadline != 0 && e.Deadline <= q.now().UnixMilli() {
		if err := q.checkClock(call); err != nil { // it ends the job: better be sure
			q.index.putBack(e, errorPause)
			return nil, err
		}
	}
	s, err := q.update(call, e.id, nil, leased{worker: worker, lease: rand.Text(), session: q.session, now: q.now()})
	switch {
	case fault.Is(err, fault.NotFound):
		q.index.vanish(e)
		return nil, nil
	case fault.Is(err, fault.Conflict):
		q.index.putBack(e, takenPause)
		return nil, nil
	case err != nil:
		q.index.putBack(e, errorPause)
		return nil, err
	case s.State != Running: // its deadline ended it
		q.afterEnd(s)
		return nil, nil
	}
	l := &Lease{q: q, snap: s}
	l.ctx, l.cancel = context.WithCancelCause(tracing.WithParent(base, s.Trace))
	q.hold(s.ID, s.Attempt)
	w := q.index.subscribe(s.ID)
	if !q.spawn(func() { l.watch(w) }) {
		q.index.unsubscribe(w)
		l.end(errClosed)
		return nil, l.handBack(base)
	}
	return l, nil
}

// handBack gives up a lease that nobody will get: the queue is being closed.
func (l *Lease) handBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.q.cfg.callTimeout)
	defer cancel()
	_, err := l.q.update(ctx, l.snap.ID, &l.snap, released{attempt: l.snap.Attempt, now: l.q.now()})
	return err
}

// Job returns the job as it was when the lease began.
func (l *Lease) Job() Job { return l.snap.Job }

// Context is done when the attempt should stop: with a cause of code Canceled
// (the job was cancelled or deleted), DeadlineExceeded (it expired), Conflict
// (the lease was lost) or Overloaded (the queue is closed). It is also done
// after the lease has ended. Spans that begin in it are the job's.
func (l *Lease) Context() context.Context { return l.ctx }

// Arguments returns the sealed arguments.
func (l *Lease) Arguments(ctx context.Context) ([]byte, error) {
	if l.snap.Job.Arguments == nil {
		return nil, fault.New(fault.Internal, "load arguments: they were erased")
	}
	return l.q.loadPayload(ctx, payloadArguments, l.snap.ID, l.snap.Job.Arguments)
}

// Stage tells clients what the attempt is doing. It costs a few microseconds,
// isn't stored, and may get lost.
func (l *Lease) Stage(name string) {
	l.q.index.setStage(l.snap.ID, l.snap.Attempt, name)
	b, err := json.Marshal(progress{Attempt: l.snap.Attempt, Stage: name})
	if err == nil {
		_ = l.q.conn.Publish(l.q.names.progress+l.snap.ID, b) // no promise
	}
}

// Complete hands in the result and ends the lease. It returns nil once the
// result is on disk and visible. Conflict means that it was refused: the lease
// was lost, or the job ended otherwise. Other errors leave the lease as it is,
// and Complete may be called again.
func (l *Lease) Complete(ctx context.Context, res Result) error {
	if int64(len(res.Body)) > l.q.cfg.MaxResult {
		return fault.New(fault.TooLarge, "complete job: result of more than %d bytes", l.q.cfg.MaxResult)
	}
	p, err := l.q.keepPayload(ctx, payloadResult, l.snap.ID, res.Body)
	if err != nil {
		return err
	}
	err = l.finish(ctx, completed{attempt: l.snap.Attempt, result: p, ledger: res.Ledger, now: l.q.now()})
	if fault.Is(err, fault.Conflict) && !p.Blob.IsZero() {
		l.dropResult(p)
	}
	return err
}

// dropResult deletes a refused result, unless the job's own result has the
// same content.
func (l *Lease) dropResult(p Payload) {
	l.q.background("drop refused result", func(ctx context.Context) error {
		s, err := l.q.records.getJob(ctx, l.snap.ID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if s.Result != nil && s.Result.Blob == p.Blob {
			return nil
		}
		return l.q.blobs.Delete(ctx, p.Blob)
	})
}

// Fail ends the lease with err. An error of code Internal, Overloaded or
// InsufficientStorage queues the job again, with back-off, until
// Config.MaxFailures attempts have failed; any other error is the job's end.
// The error's detail, path and position are shown to the client; its cause is
// not. Errors as for Complete.
func (l *Lease) Fail(ctx context.Context, err *fault.Error) error {
	return l.finish(ctx, failed{attempt: l.snap.Attempt, problem: problemOf(err), now: l.q.now()})
}

// Release hands the job back unharmed, for another worker to take at once.
// Errors as for Complete.
func (l *Lease) Release(ctx context.Context) error {
	return l.finish(ctx, released{attempt: l.snap.Attempt, now: l.q.now()})
}

// Abandon stops the heartbeats without a word, as a crash would: the lease
// runs out and counts as lost.
func (l *Lease) Abandon() { l.end(fault.New(fault.Conflict, "the lease was abandoned")) }

// finish swaps the state. While the engine is away it tries again, for as long
// as a lease lasts: hours of work may depend on it.
func (l *Lease) finish(ctx context.Context, ev event) error {
	l.finishing.Store(true)
	defer l.finishing.Store(false)
	known := l.snap
	s, err := l.q.move(ctx, l.snap.ID, step{known: &known, event: ev, patience: l.q.cfg.LeaseTTL})
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) {
		l.end(fault.New(fault.Conflict, "the lease was lost"))
		return &fault.Error{Code: fault.Conflict, Detail: fmt.Sprintf("end attempt %d: %v", l.snap.Attempt, err), Err: err}
	}
	if err != nil {
		l.finishing.Store(false)
		l.check()
		return fault.Wrap(err, fault.Internal, "end attempt %d", l.snap.Attempt)
	}
	l.end(errLeaseEnded)
	l.q.afterEnd(s)
	l.q.Nudge()
	return nil
}

// errLeaseEnded is the cause of a lease's context after its regular end.
var errLeaseEnded = fault.New(fault.Canceled, "the lease has ended")

// end stops the heartbeats, watch and the lease's context.
func (l *Lease) end(cause *fault.Error) {
	l.endOnce.Do(func() {
		l.q.letGo(l.snap.ID, l.snap.Attempt)
		l.cancel(cause)
	})
}

// afterEnd erases what a job's end has left to erase.
func (q *Queue) afterEnd(s snapshot) {
	if s.State.Terminal() && len(s.Garbage) > 0 {
		q.background("erase payloads", func(ctx context.Context) error { return q.erase(ctx, s) })
	}
}
