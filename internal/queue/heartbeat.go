package queue

import (
	"context"
	"time"

	"provery/internal/fault"
)

// watch ends the lease when the record says that the attempt is no longer the
// one that runs. It has a goroutine of its own, and so have the heartbeats, so
// that a prover that uses every processor can't hold them up for long.
func (l *Lease) watch(w *watcher) {
	defer l.q.index.unsubscribe(w)
	tick := time.NewTicker(l.q.cfg.LeaseTTL)
	defer tick.Stop()
	began := time.Now()
	l.check() // the job may have changed before w was there
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
			if time.Since(later(began, time.Unix(0, l.q.echo.Load()))) > l.q.cfg.LeaseTTL {
				l.stillOurs()
			}
		}
	}
}

// check ends the lease where the index shows that the attempt doesn't run.
func (l *Lease) check() {
	if l.finishing.Load() {
		return // finish will know better
	}
	if e, ok := l.q.index.lookup(l.snap.ID); !ok || e.State != Running || e.Attempt != l.snap.Attempt {
		l.lost(e, ok)
	}
}

// stillOurs asks the record after this process has been deaf for so long that
// another worker may have the job: it was stopped, or cut off. Being cut off
// is not being lost: as long as nobody took the job the attempt goes on, and
// its result counts.
func (l *Lease) stillOurs() {
	ctx, cancel := context.WithTimeout(l.ctx, l.q.cfg.LeaseTTL)
	defer cancel()
	s, err := l.q.records.getJob(ctx, l.snap.ID)
	switch {
	case fault.Is(err, fault.NotFound):
		l.lost(entry{}, false)
	case err == nil && (s.State != Running || s.Attempt != l.snap.Attempt):
		l.lost(entry{meta: s.meta()}, true)
	}
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
	default:
		l.end(fault.New(fault.Conflict, "attempt %d has lost its lease", l.snap.Attempt))
	}
}
