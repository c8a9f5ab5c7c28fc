package queue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"provery/internal/fault"
)

// Lease is the right of one worker to run one attempt of a job. It ends with
// the first of Complete, Fail and Release that succeeds, and must be ended by
// one of them, or by Abandon. Its methods may be called concurrently.
type Lease struct {
	q       *Queue
	snap    snapshot // as it was leased
	d       *delivery
	ctx     context.Context
	cancel  context.CancelCauseFunc
	endOnce sync.Once
}

// Lease waits for a job and starts an attempt at it in the name of worker (a
// host or process name, for the history). It returns when there is one, or
// with Canceled or DeadlineExceeded when ctx is done, or with Overloaded when
// the queue is closed. An engine that is away is waited for.
//
// ctx bounds the waiting only; its values reach Lease.Context.
func (q *Queue) Lease(ctx context.Context, worker string) (*Lease, error) {
	select {
	case q.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "wait for work")
	case <-q.ctx.Done():
		return nil, errClosed
	}
	defer func() { <-q.turn }()
	var calm calm
	for {
		if err := ctx.Err(); err != nil {
			return nil, fault.Wrap(err, fault.CodeOf(err), "wait for work")
		}
		if q.ctx.Err() != nil {
			return nil, errClosed
		}
		d, err := q.look()
		if err != nil {
			q.repair(ctx, err)
			continue
		}
		if d == nil {
			calm.woken(q.idle(ctx, calm.pause(q.cfg.PollInterval)))
			continue
		}
		l, err := q.claim(ctx, d, worker)
		if err != nil {
			q.cfg.Logger.Warn("queue", "doing", "claim job", "job", d.id, "error", err)
		}
		if l != nil {
			return l, nil
		}
	}
}

// look takes one message, by priority. Every eighth turn begins with Normal
// and every eighth with Low, so that no class starves.
func (q *Queue) look() (*delivery, error) {
	order := priorities
	switch q.turns % 8 {
	case 3:
		order = [...]Priority{Low, High, Normal}
	case 7:
		order = [...]Priority{Normal, High, Low}
	}
	select {
	case m := <-q.inbox.c: // the answer to a pull that was given up
		return q.delivered(m)
	default:
	}
	for _, p := range order {
		d, err := q.pull(p)
		if d != nil || err != nil {
			q.turns++
			return d, err
		}
	}
	return nil, nil
}

// idle waits until there may be work, or for d, and reports whether somebody
// said that there is work.
func (q *Queue) idle(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-q.work:
		return true
	case <-t.C:
	case <-ctx.Done():
	case <-q.ctx.Done():
	}
	return false
}

// calm paces an idle worker. The engine announces a message before its
// consumer can deliver it, so that whoever comes at once may find nothing:
// after a wake-up the worker looks again soon, and then less and less.
type calm struct{ looks int }

// woken notes whether the last wait ended with a wake-up.
func (c *calm) woken(yes bool) {
	if yes {
		c.looks = 4
	} else {
		c.looks = max(c.looks-1, 0)
	}
}

// pause returns how long to wait before the next look: 1, 4, 16 and 64 ms
// after a wake-up, and then the poll interval.
func (c *calm) pause(poll time.Duration) time.Duration {
	if c.looks == 0 {
		return poll
	}
	return min(time.Millisecond<<(2*(4-c.looks)), poll)
}

// repair waits out an engine that is away, and creates stream and consumers
// again if a restart of the engine took them.
func (q *Queue) repair(ctx context.Context, cause error) {
	if q.ctx.Err() != nil {
		return
	}
	q.cfg.Logger.Warn("queue", "doing", "look for work", "error", cause)
	q.idle(ctx, q.cfg.PollInterval)
	open, cancel := context.WithTimeout(q.ctx, callTimeout)
	defer cancel()
	if err := q.openWork(open); err != nil && q.ctx.Err() == nil {
		q.cfg.Logger.Warn("queue", "doing", "repair work stream", "error", err)
	}
}

// claim starts the attempt. It returns nil where the message's job isn't to
// be run (it has ended, or it can't be claimed now).
func (q *Queue) claim(ctx context.Context, d *delivery, worker string) (*Lease, error) {
	base := context.WithoutCancel(ctx)
	call, stop := context.WithTimeout(base, callTimeout)
	defer stop()
	s, err := q.update(call, d.id, nil, leased{worker: worker, lease: rand.Text(), now: q.cfg.Now()})
	switch {
	case fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound):
		return nil, d.ack() // ended or deleted; the message is left over
	case err != nil:
		_ = d.again(q.cfg.Backoff) // the lease runs out anyway
		return nil, err
	case s.State != Running: // its deadline or its failures ended it
		q.afterEnd(s)
		return nil, d.ack()
	}
	l := &Lease{q: q, snap: s, d: d}
	l.ctx, l.cancel = context.WithCancelCause(base)
	w := q.index.subscribe(d.id)
	if !q.spawn(func() { l.watch(w) }) {
		q.index.unsubscribe(w)
		l.cancel(errClosed)
		return nil, d.again(0)
	}
	return l, nil
}

// Job returns the job as it was when the lease began.
func (l *Lease) Job() Job { return l.snap.Job }

// Context is done when the attempt should stop: with a cause of code Canceled
// (the job was cancelled or deleted), DeadlineExceeded (it expired), Conflict
// (the lease was lost) or Overloaded (the queue is closed). It is also done
// after the lease has ended.
func (l *Lease) Context() context.Context { return l.ctx }

// Arguments returns the sealed arguments.
func (l *Lease) Arguments(ctx context.Context) ([]byte, error) {
	if l.snap.Job.Arguments == nil {
		return nil, fault.New(fault.Internal, "load arguments: they were erased")
	}
	return l.q.loadPayload(ctx, kindArguments, l.snap.ID, l.snap.Job.Arguments)
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
	p, err := l.q.keepPayload(ctx, kindResult, l.snap.ID, res.Body)
	if err != nil {
		return err
	}
	ev := completed{attempt: l.snap.Attempt, result: p, ledger: res.Ledger, now: l.q.cfg.Now()}
	err = l.finish(ctx, ev, func(snapshot) error { return l.d.ack() })
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
	ev := failed{attempt: l.snap.Attempt, problem: problemOf(err), now: l.q.cfg.Now()}
	return l.finish(ctx, ev, func(s snapshot) error {
		if s.State.Terminal() {
			return l.d.ack()
		}
		return l.d.again(s.RetryAt.Sub(s.Updated))
	})
}

// Release hands the job back unharmed, for another worker to take at once.
// Errors as for Complete.
func (l *Lease) Release(ctx context.Context) error {
	return l.finish(ctx, released{attempt: l.snap.Attempt, now: l.q.cfg.Now()}, func(s snapshot) error {
		err := l.d.again(0)
		// A message that is given back isn't announced by the engine.
		_ = l.q.conn.Publish(l.q.names.wake+string(s.Priority), nil)
		return err
	})
}

// Abandon stops the heartbeats without a word, as a crash would: the lease
// runs out and counts as lost.
func (l *Lease) Abandon() { l.end(fault.New(fault.Conflict, "the lease was abandoned")) }

// finish swaps the state and then answers the delivery.
func (l *Lease) finish(ctx context.Context, ev event, answer func(snapshot) error) error {
	known := l.snap
	s, err := l.q.update(ctx, l.snap.ID, &known, ev)
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) {
		l.end(fault.New(fault.Conflict, "the lease was lost"))
		return &fault.Error{Code: fault.Conflict, Detail: fmt.Sprintf("end attempt %d: %v", l.snap.Attempt, err), Err: err}
	}
	if err != nil {
		return fault.Wrap(err, fault.Internal, "end attempt %d", l.snap.Attempt)
	}
	l.end(errLeaseEnded)
	if err := answer(s); err != nil {
		l.q.cfg.Logger.Warn("queue", "doing", "answer delivery", "job", l.snap.ID, "error", err)
	}
	l.q.afterEnd(s)
	return nil
}

// errLeaseEnded is the cause of a lease's context after its regular end.
var errLeaseEnded = fault.New(fault.Canceled, "the lease has ended")

// end stops watch and the lease's context.
func (l *Lease) end(cause *fault.Error) { l.endOnce.Do(func() { l.cancel(cause) }) }

// afterEnd erases what a job's end has left to erase.
func (q *Queue) afterEnd(s snapshot) {
	if s.State.Terminal() && len(s.Garbage) > 0 {
		q.background("erase payloads", func(ctx context.Context) error { return q.erase(ctx, s) })
	}
}
