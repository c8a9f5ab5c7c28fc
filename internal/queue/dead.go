package queue

import (
	"context"

	"provery/internal/fault"
)

// Dead lists the dead letters, as List does: jobs that failed too often for
// reasons that lay with the service. Their arguments are kept, sealed, until
// they are requeued, deleted, or older than Config.Retention.
func (q *Queue) Dead(ctx context.Context, cursor string, limit int) ([]Job, string, error) {
	return q.List(ctx, Filter{Dead: true}, cursor, limit)
}

// Requeue starts a new life of a dead letter: it is queued again under its own
// id, its failures are forgiven, its attempts go on counting. A deadline that
// has passed is dropped.
//
// Errors: Conflict for a job that isn't a dead letter, and for one whose
// client has submitted the request again under the same idempotency key;
// Overloaded and RateLimited as for Enqueue; NotFound.
func (q *Queue) Requeue(ctx context.Context, id string) (Job, error) {
	s, err := q.read(ctx, id)
	if err != nil {
		return Job{}, err
	}
	if !s.Dead || s.Arguments == nil {
		return Job{}, errNotDead(&s.record)
	}
	if err := q.superseded(ctx, &s); err != nil {
		return Job{}, err
	}
	if err := q.index.admit(id, reservation{s.Owner, usage{1, s.Arguments.Size}}, &q.cfg); err != nil {
		return Job{}, err
	}
	defer q.index.admitted(id)
	s, err = q.update(ctx, id, &s, requeued{number: s.Requeues + 1, now: q.now()})
	if err != nil {
		return Job{}, err
	}
	return q.view(s), nil
}

// superseded refuses a job in whose place its idempotency key has another.
func (q *Queue) superseded(ctx context.Context, s *snapshot) error {
	if s.IdemKey == "" {
		return nil
	}
	e, _, err := q.readKey(ctx, s.IdemKey)
	if fault.Is(err, fault.NotFound) || err == nil && e.Job == s.ID {
		return nil
	}
	if err != nil {
		return err
	}
	return fault.New(fault.Conflict, "the request was submitted again as %s", e.Job)
}

// Retry makes a job run as soon as a worker has time for it: one that waits
// after a failure is delayed no longer, and a dead letter is requeued. Other
// jobs are Conflict.
func (q *Queue) Retry(ctx context.Context, id string) (Job, error) {
	s, err := q.read(ctx, id)
	if err != nil {
		return Job{}, err
	}
	if s.State != Queued {
		return q.Requeue(ctx, id)
	}
	if s, err = q.update(ctx, id, &s, hurried{now: q.now()}); err != nil {
		return Job{}, err
	}
	return q.view(s), nil
}
