package queue

import (
	"context"
	"iter"
	"time"

	"provery/internal/fault"
)

// Wait returns the job as soon as it has ended, or as it is when the timeout
// is over. A timeout of 0 or less doesn't wait. A caller that goes away
// (ctx done: Canceled or DeadlineExceeded) leaves nothing behind. Closing the
// queue ends all waits with Overloaded.
func (q *Queue) Wait(ctx context.Context, id string, timeout time.Duration) (Job, error) {
	if err := CheckID(id); err != nil {
		return Job{}, err
	}
	w := q.index.subscribe(id)
	defer q.index.unsubscribe(w)
	deadline := time.Now().Add(timeout)
	polled := false
	for {
		// Reading a record costs its payloads: as long as the index shows a
		// job under way, there is nothing to read.
		e, known := q.index.lookup(id)
		left := time.Until(deadline)
		if !known || e.State.Terminal() || left <= 0 || polled {
			s, err := q.read(ctx, id)
			if err != nil {
				return Job{}, err
			}
			if s.State.Terminal() || left <= 0 {
				return q.view(s), nil
			}
		}
		var err error
		polled, err = q.await(ctx, w, min(left, q.waitPoll()), func(e entry) bool { return e.State.Terminal() })
		if err != nil {
			return Job{}, err
		}
	}
}

// waitPoll is how often a waiter looks at the record itself, in case the index
// has missed something: rarely, since the feed makes up for what it missed.
func (q *Queue) waitPoll() time.Duration { return 10 * q.cfg.PollInterval }

// await returns when the index shows an entry that satisfies done, or has
// none any more, or when d is over, which it reports.
func (q *Queue) await(ctx context.Context, w *watcher, d time.Duration, done func(entry) bool) (over bool, _ error) {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		if e, ok := q.index.lookup(w.id); ok && done(e) {
			return false, nil
		}
		select {
		case <-w.c:
			if _, ok := q.index.lookup(w.id); !ok {
				return false, nil // deleted
			}
		case <-t.C:
			return true, nil
		case <-ctx.Done():
			return false, fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "wait for job")
		case <-q.ctx.Done():
			return false, errClosed
		}
	}
}

// Watch yields the job as it is, and then whenever its state, attempt or stage
// has changed, until it has ended, or the caller stops, or an error comes: the
// last pair has it. Changes in quick succession may be seen as one.
func (q *Queue) Watch(ctx context.Context, id string) iter.Seq2[Job, error] {
	return func(yield func(Job, error) bool) {
		if err := CheckID(id); err != nil {
			yield(Job{}, err)
			return
		}
		w := q.index.subscribe(id)
		defer q.index.unsubscribe(w)
		var last Job
		for {
			s, err := q.read(ctx, id)
			if err != nil {
				yield(Job{}, err)
				return
			}
			j := q.view(s)
			if j.State != last.State || j.Attempt != last.Attempt || j.Stage != last.Stage {
				if !yield(j, nil) {
					return
				}
				last = j
			}
			if j.State.Terminal() {
				return
			}
			changed := func(e entry) bool { return e.rev > s.rev || e.stage != j.Stage }
			if _, err := q.await(ctx, w, q.waitPoll(), changed); err != nil {
				yield(Job{}, err)
				return
			}
		}
	}
}
