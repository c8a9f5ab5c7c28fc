package queue

import (
	"context"
	"maps"
	"time"

	"provery/internal/fault"
	"provery/internal/store"
)

// Bounds of a job's labels.
const (
	maxLabels     = 32
	maxLabelKey   = 64
	maxLabelValue = 256
	maxOwner      = 256
	maxIdemKey    = 256
)

// Enqueue accepts a job. When it returns without an error the job's record is
// on disk, and the job runs whatever crashes after. existed reports that the
// idempotency key stood for a job already, which is returned as it is.
//
// A key whose job was cancelled, failed or expired starts a new job.
//
// Errors: InvalidRequest and TooLarge for the job itself; Conflict where the
// idempotency key was used with another request hash; Overloaded with
// RetryAfter where the queue is full or the engine is away;
// InsufficientStorage. After an error the job doesn't run, unless ctx ended or
// the engine went away in the middle: then it may or may not.
func (q *Queue) Enqueue(ctx context.Context, n NewJob) (job Job, existed bool, err error) {
	if err := q.ctx.Err(); err != nil {
		return Job{}, false, errClosed
	}
	if err := q.check(&n); err != nil {
		return Job{}, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := q.index.admit(n.ID, int64(len(n.Sealed)), &q.cfg); err != nil {
		if n.IdempotencyKey != "" { // a repeated request is no new load
			if j, ok := q.existing(ctx, n); ok {
				return j, true, nil
			}
		}
		return Job{}, false, err
	}
	defer q.index.admitted(n.ID)
	idem := ""
	if n.IdempotencyKey != "" {
		idem = idemKey(n.Owner, n.IdempotencyKey)
		prior, err := q.claimKey(ctx, idem, n)
		if err != nil {
			return Job{}, false, err
		}
		if prior != nil {
			return q.view(*prior), true, nil
		}
	}
	s, err := q.accept(ctx, n, idem)
	if err != nil {
		return Job{}, false, err
	}
	return s.Job, false, nil
}

// check validates n and fills in what is absent.
func (q *Queue) check(n *NewJob) error {
	bad := func(text string) error { return fault.New(fault.InvalidRequest, "enqueue: %s", text) }
	n.Priority = or(n.Priority, Normal)
	if n.ID == "" {
		n.ID = NewID(q.cfg.Now())
	}
	switch {
	case CheckID(n.ID) != nil:
		return bad("malformed job id")
	case n.CircuitID.IsZero():
		return bad("no circuit")
	case n.Priority.rank() < 0:
		return bad("priority must be high, normal or low")
	case len(n.Owner) > maxOwner || len(n.IdempotencyKey) > maxIdemKey:
		return bad("owner or idempotency key too long")
	case len(n.Labels) > maxLabels:
		return bad("too many labels")
	case int64(len(n.Sealed)) > q.cfg.MaxArguments:
		return fault.New(fault.TooLarge, "enqueue: arguments of more than %d bytes", q.cfg.MaxArguments)
	case !n.Deadline.IsZero() && !n.Deadline.After(q.cfg.Now()):
		return bad("the deadline has passed")
	}
	for k, v := range n.Labels {
		if k == "" || len(k) > maxLabelKey || len(v) > maxLabelValue {
			return bad("a label is empty or too long")
		}
	}
	return nil
}

// admit reserves a place in the queue for the job id, until it is in the index
// or admitted is called.
func (x *index) admit(id string, size int64, cfg *Config) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	queued, bytes := x.counts[Queued]+len(x.pending), x.bytes
	for _, n := range x.pending {
		bytes += n
	}
	var full *fault.Error
	switch {
	case queued >= cfg.MaxQueued:
		full = fault.New(fault.Overloaded, "the queue is full: %d jobs are waiting", queued)
	case bytes+size > cfg.MaxQueuedBytes && queued > 0:
		full = fault.New(fault.Overloaded, "the queue is full: the arguments of %d waiting jobs take its %d bytes", queued, cfg.MaxQueuedBytes)
	default:
		x.pending[id] = size
		return nil
	}
	full.RetryAfter = x.retryAfter()
	return full
}

// admitted ends a reservation: the job is in the index by now, or refused.
func (x *index) admitted(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.pending, id)
}

// retryAfter estimates when a twentieth of the queue will have been served,
// between 1 s and 1 min. The lock is held.
func (x *index) retryAfter() time.Duration {
	d, ok := x.rate.interval()
	if !ok {
		return 5 * time.Second
	}
	return min(max(d*time.Duration(1+x.counts[Queued]/20), time.Second), time.Minute)
}

// accept writes record and message. Between the two the sweeper can finish
// the work; after a refused message the record is taken back.
func (q *Queue) accept(ctx context.Context, n NewJob, idem string) (snapshot, error) {
	args, err := q.keepPayload(ctx, kindArguments, n.ID, n.Sealed)
	if err != nil {
		return snapshot{}, err
	}
	now := q.cfg.Now()
	r := record{Version: recordVersion, IdemKey: idem, Job: Job{
		ID: n.ID, Owner: n.Owner, CircuitID: n.CircuitID, KeySetID: n.KeySetID,
		State: Queued, Priority: n.Priority, Labels: maps.Clone(n.Labels),
		Created: now, Updated: now, Deadline: n.Deadline, Arguments: &args,
	}}
	s, err := q.create(ctx, r)
	if err == nil {
		err = q.post(ctx, q.subject(r.ID, r.Priority, r.CircuitID))
		if err == nil {
			return s, nil
		}
		q.takeBack(s)
	}
	if !args.Blob.IsZero() {
		q.background("erase refused arguments", func(ctx context.Context) error { return q.deleteBlobs(ctx, []store.Digest{args.Blob}) })
	}
	return snapshot{}, err
}

// create writes the record of a new job. Where the outcome of the write is
// unknown, the record itself tells: its id can't be anybody else's.
func (q *Queue) create(ctx context.Context, r record) (snapshot, error) {
	rev, err := q.records.putJob(ctx, &r, 0)
	if err != nil {
		s, rerr := q.records.getJob(ctx, r.ID)
		if rerr != nil || !s.Created.Equal(r.Created) {
			return snapshot{}, fault.Wrap(err, fault.Internal, "enqueue")
		}
		rev = s.rev
	}
	q.index.apply(r.ID, rev, r.meta())
	return snapshot{record: r, rev: rev}, nil
}

// takeBack removes a job that was recorded and then refused. It goes on when
// the caller has gone away.
func (q *Queue) takeBack(s snapshot) {
	q.background("take back refused job", func(ctx context.Context) error {
		if err := q.unpost(ctx, &s.record); err != nil {
			return err
		}
		return q.forget(ctx, s)
	})
}
