package queue

import (
	"context"

	"provery/internal/fault"
)

// Cancel ends a queued or running job: no worker takes it any more, and the
// context of its lease, if there is one, is done in moments. Cancelling a
// cancelled job succeeds; one that ended otherwise is Conflict.
func (q *Queue) Cancel(ctx context.Context, id string) (Job, error) {
	s, err := q.read(ctx, id)
	if err != nil {
		return Job{}, err
	}
	if s, err = q.update(ctx, id, &s, cancelled{now: q.now()}); err != nil {
		return Job{}, err
	}
	q.afterEnd(s)
	return q.view(s), nil
}

// Delete erases a job: its arguments, its result and its record. A job that
// hasn't ended is cancelled first. NotFound where there is no such job.
func (q *Queue) Delete(ctx context.Context, id string) error {
	s, err := q.read(ctx, id)
	if err != nil {
		return err
	}
	if !s.State.Terminal() {
		s, err = q.update(ctx, id, &s, cancelled{now: q.now()})
		if fault.Is(err, fault.Conflict) { // it ended by itself meanwhile
			s, err = q.records.getJob(ctx, id)
		}
		if err != nil {
			return err
		}
	}
	return q.discard(ctx, s)
}

// discard erases an ended job: payloads first, so that a crash in between
// leaves a record that says what is still to be erased.
func (q *Queue) discard(ctx context.Context, s snapshot) error {
	blobs := s.Garbage
	if s.Arguments != nil && !s.Arguments.Blob.IsZero() { // a dead letter's
		blobs = append(blobs[:len(blobs):len(blobs)], s.Arguments.Blob)
	}
	if s.Result != nil && !s.Result.Blob.IsZero() {
		blobs = append(blobs[:len(blobs):len(blobs)], s.Result.Blob)
	}
	if err := q.deleteBlobs(ctx, blobs); err != nil {
		return err
	}
	return q.forget(ctx, s)
}

// forget removes a record and its idempotency key.
func (q *Queue) forget(ctx context.Context, s snapshot) error {
	for swaps := 0; swaps < maxSwaps && swapPause(ctx, swaps); swaps++ {
		rev, err := s.home.remove(ctx, jobKeys+s.ID, s.rev)
		if err == nil {
			q.index.remove(s.ID, rev, false)
			return q.forgetKey(ctx, s)
		}
		if err != errSwapped {
			return err
		}
		now, err := q.records.getJob(ctx, s.ID)
		if fault.Is(err, fault.NotFound) {
			return nil // somebody else deletes it, too
		}
		if err != nil {
			return err
		}
		if now.State != s.State {
			return fault.New(fault.Conflict, "delete job: it is %s", now.State)
		}
		s = now
	}
	return errSwapped
}

// forgetKey removes the idempotency entry of a deleted job, if it is still its.
func (q *Queue) forgetKey(ctx context.Context, s snapshot) error {
	if s.IdemKey == "" {
		return nil
	}
	e, rev, err := q.readKey(ctx, s.IdemKey)
	if fault.Is(err, fault.NotFound) || err == nil && e.Job != s.ID {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err = q.records.remove(ctx, s.IdemKey, rev); err == errSwapped {
		return nil
	}
	return err
}
