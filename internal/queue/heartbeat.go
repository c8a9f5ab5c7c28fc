package queue

import (
	"context"
	"time"

	"provery/internal/fault"
)

// watch keeps the lease alive until it ends, and ends it when the record says
// that the attempt is no longer the one that runs. It has a goroutine of its
// own, so that a prover that uses every processor can't hold it up for long.
func (l *Lease) watch(w *watcher) {
	defer l.q.index.unsubscribe(w)
	interval := l.q.cfg.LeaseTTL / 3
	tick := time.NewTicker(interval)
	defer tick.Stop()
	beat := time.Now() // of the last heartbeat known to have arrived
	l.check()          // the job may have changed before w was there
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-l.q.ctx.Done():
			l.end(errClosed)
			return
		case <-w.c:
			l.check()
		case <-tick.C:
			if time.Since(beat) > l.q.cfg.LeaseTTL && !l.stillOurs() {
				continue // stillOurs has ended the lease, or the engine is away
			}
			if l.beat(interval) {
				beat = time.Now()
			}
		}
	}
}

// check ends the lease where the index shows that the attempt doesn't run.
func (l *Lease) check() {
	if e, ok := l.q.index.lookup(l.snap.ID); !ok || e.State != Running || e.Attempt != l.snap.Attempt {
		l.lost(e, ok)
	}
}

// beat sends a heartbeat and reports whether the engine has it.
func (l *Lease) beat(timeout time.Duration) bool {
	if l.d.keep() != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(l.q.ctx, timeout)
	defer cancel()
	return l.q.conn.FlushWithContext(ctx) == nil
}

// stillOurs asks the record after heartbeats failed for so long that another
// worker may have the job: the process was stopped, or cut off. Being cut off
// is not being lost: as long as nobody took the job the attempt goes on, and
// its result counts.
func (l *Lease) stillOurs() bool {
	ctx, cancel := context.WithTimeout(l.ctx, l.q.cfg.LeaseTTL)
	defer cancel()
	s, err := l.q.records.getJob(ctx, l.snap.ID)
	if fault.Is(err, fault.NotFound) {
		l.lost(entry{}, false)
		return false
	}
	if err != nil {
		return false
	}
	if s.State != Running || s.Attempt != l.snap.Attempt {
		l.lost(entry{meta: s.meta()}, true)
		return false
	}
	return true
}

// lost ends the lease for the reason that the record gives.
func (l *Lease) lost(e entry, exists bool) {
	switch {
	case !exists:
		l.end(fault.New(fault.Canceled, "the job was deleted"))
	case e.State == Cancelled:
		l.end(fault.New(fault.Canceled, "the job was cancelled"))
	case e.State == Expired:
		l.end(fault.New(fault.DeadlineExceeded, "the job's deadline has passed"))
	case e.State != Running && e.Attempt == l.snap.Attempt:
		l.end(errLeaseEnded) // by finish, which is a moment behind the index
	default:
		l.end(fault.New(fault.Conflict, "attempt %d has lost its lease", l.snap.Attempt))
	}
}
