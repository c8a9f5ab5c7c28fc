package queue

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"provery/internal/fault"
)

// Sweep tells what one sweep did.
type Sweep struct {
	Expired  int // jobs whose deadline had passed
	Requeued int // jobs that had lost their message
	Erased   int // ended jobs with payloads left to erase
	Deleted  int // ended jobs past their retention
}

// sweepGrace spares what another call is in the middle of erasing.
const sweepGrace = callTimeout

// repairEvery is how many sweeps share one look at the work stream.
const repairEvery = 10

// sweepLoop sweeps until the queue is closed. The sweep at the start and those
// after a reconnection look at everything: that is when the work stream may
// have been lost with the engine.
func (q *Queue) sweepLoop() {
	t := time.NewTicker(q.cfg.SweepInterval)
	defer t.Stop()
	connected := q.conn.StatusChanged(nats.CONNECTED)
	defer q.conn.RemoveStatusListener(connected)
	for n := 0; ; n++ {
		if _, err := q.sweep(q.ctx, n%repairEvery == 0); err != nil && q.ctx.Err() == nil {
			q.cfg.Logger.Warn("queue", "doing", "sweep", "error", err)
		}
		select {
		case <-t.C:
		case _, open := <-connected:
			if !open {
				connected = nil // the connection has ended
			}
			n = -1
		case <-q.ctx.Done():
			return
		}
	}
}

// Sweep expires jobs whose deadline has passed, gives a message to jobs that
// have none (their enqueueing was cut short), erases payloads that were left
// over, and deletes ended jobs past their retention. The queue does this by
// itself unless it was told not to. Any number of processes may sweep.
func (q *Queue) Sweep(ctx context.Context) (Sweep, error) { return q.sweep(ctx, true) }

func (q *Queue) sweep(ctx context.Context, thorough bool) (s Sweep, err error) {
	if s.Expired, err = q.expireDue(ctx); err != nil || !thorough {
		return s, err
	}
	if s.Requeued, err = q.requeueLost(ctx); err != nil {
		return s, err
	}
	if s.Erased, err = q.eraseLeft(ctx); err != nil {
		return s, err
	}
	s.Deleted, err = q.deleteOld(ctx)
	return s, err
}

// expireDue ends active jobs past their deadline.
func (q *Queue) expireDue(ctx context.Context) (int, error) {
	now := q.cfg.Now()
	due := q.index.selectEntries(true, func(e *entry) bool { return e.Deadline != 0 && e.Deadline <= now.UnixMilli() })
	return each(due, func(e entry) error {
		s, err := q.update(ctx, e.id, nil, expired{now: now})
		if err == nil {
			q.tidy(s)
		}
		return err
	})
}

// requeueLost posts a message for every active job that has none. Posting one
// for a job that has ended meanwhile does no harm: whoever gets it sees that.
func (q *Queue) requeueLost(ctx context.Context) (int, error) {
	active := q.index.selectEntries(true, func(*entry) bool { return true })
	if len(active) == 0 {
		return 0, nil
	}
	posted, err := q.posted(ctx)
	if err != nil {
		return 0, err
	}
	lost := slices.DeleteFunc(active, func(e entry) bool { return posted[e.id] })
	slices.SortFunc(lost, func(a, b entry) int { return cmp.Compare(a.id, b.id) })
	return each(lost, func(e entry) error { return q.post(ctx, q.subject(e.id, e.Priority, e.Circuit)) })
}

// eraseLeft erases the payloads of ended jobs that nobody has erased.
func (q *Queue) eraseLeft(ctx context.Context) (int, error) {
	before := q.cfg.Now().Add(-sweepGrace).UnixMilli()
	left := q.index.selectEntries(false, func(e *entry) bool { return e.Garbage && e.Updated <= before })
	return each(left, func(e entry) error {
		s, err := q.records.getJob(ctx, e.id)
		if err != nil {
			return err
		}
		return q.erase(ctx, s)
	})
}

// deleteOld deletes ended jobs past their retention.
func (q *Queue) deleteOld(ctx context.Context) (int, error) {
	before := q.cfg.Now().Add(-q.cfg.Retention).UnixMilli()
	old := q.index.selectEntries(false, func(e *entry) bool { return e.State.Terminal() && e.Finished <= before })
	return each(old, func(e entry) error { return q.Delete(ctx, e.id) })
}

// each calls f for the entries and counts the successes. What another process
// has done meanwhile is no error.
func each(entries []entry, f func(entry) error) (int, error) {
	n := 0
	for _, e := range entries {
		err := f(e)
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) {
			continue
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
