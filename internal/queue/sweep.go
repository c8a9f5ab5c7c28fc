package queue

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"provery/internal/fault"
)

// Sweep tells what one sweep did.
type Sweep struct {
	Expired  int // jobs whose deadline had passed
	Requeued int // jobs taken back from attempts that can't be alive
	Erased   int // ended jobs with payloads left to erase
	Deleted  int // ended jobs past their retention
}

// sweepGrace spares what another call is in the middle of erasing.
const sweepGrace = callTimeout

// repairEvery is how many sweeps share one look at everything.
const repairEvery = 10

// sweepLoop sweeps until the queue is closed. The sweep at the start and those
// after a reconnection look at everything.
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

// Sweep expires jobs whose deadline has passed, takes back jobs that an
// earlier run of the embedded engine left running, finishes what was cut short
// (batches half accepted, cancelled or deleted, payloads to erase), and
// deletes ended jobs past their retention. The queue does this by itself
// unless it was told not to. Any number of processes may sweep.
func (q *Queue) Sweep(ctx context.Context) (Sweep, error) { return q.sweep(ctx, true) }

func (q *Queue) sweep(ctx context.Context, thorough bool) (s Sweep, err error) {
	if s.Expired, err = q.expireDue(ctx); err != nil || !thorough {
		return s, err
	}
	if err = q.checkClock(ctx); err != nil {
		return s, err
	}
	orphans := q.index.selectEntries(true, func(e *entry) bool { return e.orphan(q.session) })
	if s.Requeued, err = q.takeBackLost(ctx, orphans); err != nil {
		return s, err
	}
	if err = q.sweepBatches(ctx); err != nil {
		return s, err
	}
	if s.Erased, err = q.eraseLeft(ctx); err != nil {
		return s, err
	}
	s.Deleted, err = q.deleteOld(ctx)
	return s, err
}

// expireDue ends active jobs past their deadline. It is sure of the time
// before it does.
func (q *Queue) expireDue(ctx context.Context) (int, error) {
	due := q.dueNow()
	if len(due) == 0 {
		return 0, nil
	}
	if err := q.checkClock(ctx); err != nil {
		return 0, err
	}
	return each(q.dueNow(), func(e entry) error {
		s, err := q.update(ctx, e.id, nil, expired{now: q.now()})
		if err == nil {
			q.afterEnd(s)
		}
		return err
	})
}

// dueNow returns the active jobs whose deadline has passed.
func (q *Queue) dueNow() []entry {
	now := q.now().UnixMilli()
	return q.index.selectEntries(true, func(e *entry) bool { return e.Deadline != 0 && e.Deadline <= now })
}

// eraseLeft erases the payloads of ended jobs that nobody has erased.
func (q *Queue) eraseLeft(ctx context.Context) (int, error) {
	before := q.now().Add(-sweepGrace).UnixMilli()
	left := q.index.selectEntries(false, func(e *entry) bool { return e.Garbage && e.Updated <= before })
	return each(left, func(e entry) error {
		s, err := q.records.getJob(ctx, e.id)
		if err != nil {
			return err
		}
		return q.erase(ctx, s)
	})
}

// deleteOld deletes ended jobs past their retention. The items of a batch stay
// until the last of them has ended for so long.
func (q *Queue) deleteOld(ctx context.Context) (int, error) {
	before := q.now().Add(-q.cfg.Retention).UnixMilli()
	old := q.index.selectEntries(false, func(e *entry) bool { return e.State.Terminal() && e.Finished <= before && !q.index.inUse(e, before) })
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
