package queue

import (
	"context"
	"errors"
	"maps"
	"regexp"
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
// RetryAfter where the queue is full or the engine is away, RateLimited where
// the owner's share of the queue is; InsufficientStorage. After an error the job doesn't run,
// unless ctx ended or the engine went away in the middle: then it may or may
// not.
func (q *Queue) Enqueue(ctx context.Context, n NewJob) (job Job, existed bool, err error) {
	if err := q.ctx.Err(); err != nil {
		return Job{}, false, errClosed
	}
	if err := q.check(ctx, &n); err != nil {
		return Job{}, false, err
	}
	ctx, span := q.traceEnqueue(ctx, &n)
	defer func() { endEnqueue(span, job.ID, existed, err) }()
	return q.enqueue(ctx, n)
}

// enqueue accepts a job that was checked.
func (q *Queue) enqueue(ctx context.Context, n NewJob) (job Job, existed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.callTimeout)
	defer cancel()
	if err := q.index.admit(n.ID, reservation{n.Owner, usage{1, int64(len(n.Sealed))}}, &q.cfg); err != nil {
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

var kindForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// check validates n and fills in what is absent.
func (q *Queue) check(ctx context.Context, n *NewJob) error {
	bad := func(text string) error { return fault.New(fault.InvalidRequest, "enqueue: %s", text) }
	n.Priority, n.Kind = or(n.Priority, Normal), or(n.Kind, KindProof)
	if n.ID == "" {
		n.ID = NewID(q.now())
	}
	switch {
	case CheckID(n.ID) != nil:
		return bad("malformed job id")
	case !kindForm.MatchString(n.Kind):
		return bad("malformed kind")
	case n.CircuitID.IsZero() && n.Kind == KindProof:
		return bad("no circuit")
	case n.Priority.rank() < 0:
		return bad("priority must be high, normal or low")
	case len(n.Owner) > maxOwner || len(n.IdempotencyKey) > maxIdemKey:
		return bad("owner or idempotency key too long")
	case len(n.Labels) > maxLabels:
		return bad("too many labels")
	case int64(len(n.Sealed)) > q.cfg.MaxArguments:
		return fault.New(fault.TooLarge, "enqueue: arguments of more than %d bytes", q.cfg.MaxArguments)
	case q.tooLate(ctx, n.Deadline):
		return bad("the deadline has passed")
	}
	for k, v := range n.Labels {
		if k == "" || len(k) > maxLabelKey || len(v) > maxLabelValue {
			return bad("a label is empty or too long")
		}
	}
	return nil
}

// tooLate reports whether a deadline has passed, and is sure of the time
// before it says so.
func (q *Queue) tooLate(ctx context.Context, deadline time.Time) bool {
	if deadline.IsZero() || deadline.After(q.now()) {
		return false
	}
	return q.checkClock(ctx) == nil && !deadline.After(q.now())
}

// accept writes what makes the job durable: its record, after its arguments
// where those are large.
func (q *Queue) accept(ctx context.Context, n NewJob, idem string) (snapshot, error) {
	if q.index.isItem(n.ID) { // it would be stored in another shard, where the write finds no conflict
		return snapshot{}, errTaken
	}
	args, err := q.keepPayload(ctx, payloadArguments, n.ID, n.Sealed)
	if err != nil {
		return snapshot{}, err
	}
	r := q.newRecord(&n, args)
	r.IdemKey = idem
	s, err := q.create(ctx, r)
	// Where the outcome is unknown the arguments stay: the job may run.
	if refused := err != nil && !errors.Is(err, errUnknown); refused && !args.Blob.IsZero() {
		q.background("erase refused arguments", func(ctx context.Context) error { return q.deleteBlobs(ctx, []store.Digest{args.Blob}) })
	}
	return s, err
}

// newRecord returns the record of a new job.
func (q *Queue) newRecord(n *NewJob, args Payload) record {
	now := q.now()
	return record{Version: recordVersion, Job: Job{
		ID: n.ID, Kind: n.Kind, Owner: n.Owner, CircuitID: n.CircuitID, KeySetID: n.KeySetID,
		State: Queued, Priority: n.Priority, Labels: maps.Clone(n.Labels),
		Created: now, Updated: now, Deadline: n.Deadline, Arguments: &args, Trace: n.trace,
	}}
}

// errTaken refuses an id that isn't new.
var errTaken = fault.New(fault.Conflict, "enqueue: the id is taken")

// errTakenOver refuses a call that took so long that another one with the same
// idempotency key took its place.
var errTakenOver = &fault.Error{Code: fault.Overloaded, Detail: "enqueue: a repetition of the request has taken its place", RetryAfter: time.Second}

// errUnknown marks an error after which the job may run or not.
var errUnknown = errors.New("queue: the outcome of the write is unknown")

// create writes the record of a new job. While the outcome is unknown it tries
// again: the record's id can't be anybody else's, so that a second write finds
// the first. What is unknown in the end is settled.
func (q *Queue) create(ctx context.Context, r record) (snapshot, error) {
	s, err := q.write(ctx, r)
	if maybeWritten(err) {
		s, err = q.settle(ctx, r.ID, err)
	}
	if err != nil {
		return snapshot{}, fault.Wrap(err, fault.Internal, "enqueue")
	}
	q.index.apply(r.ID, s.rev, s.meta())
	return s, nil
}

// write writes a new record until it is there, or refused, or ctx is done.
func (q *Queue) write(ctx context.Context, r record) (snapshot, error) {
	home, wait := q.records.of(jobKeys+r.ID), 50*time.Millisecond
	for swaps := 0; ; {
		rev, err := home.putJob(ctx, &r, 0)
		switch {
		case err == nil:
			return snapshot{record: r, rev: rev, home: home}, nil
		case err == errSwapped:
			s, err := q.records.getJob(ctx, r.ID)
			switch {
			case err == nil && s.Created.Equal(r.Created):
				return s, nil // an earlier try
			case err == nil:
				return snapshot{}, errSwapped
			case !fault.Is(err, fault.NotFound):
				return snapshot{}, err
			case s.rev != 0:
				return snapshot{}, errTakenOver
			}
			if swaps++; !swapPause(ctx, swaps) { // an earlier try is under way
				return snapshot{}, fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "write record")
			}
		case !fault.Is(err, fault.Overloaded) || !pause(ctx, wait):
			return snapshot{}, err
		default:
			wait *= 2
		}
	}
}

// maybeWritten reports whether a write may have happened in spite of the error.
func maybeWritten(err error) bool {
	if err == nil || err == errTakenOver {
		return false
	}
	switch fault.CodeOf(err) {
	case fault.Overloaded, fault.Canceled, fault.DeadlineExceeded, fault.Internal:
		return true
	}
	return false
}

// settle finds out whether the record of a new job was written, or makes sure
// that it wasn't. It goes on for a moment after ctx has ended.
func (q *Queue) settle(ctx context.Context, id string, cause error) (snapshot, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	s, err := q.fence(ctx, id)
	switch {
	case err == nil:
		return s, nil
	case fault.Is(err, fault.NotFound):
		return snapshot{}, cause
	}
	return snapshot{}, &fault.Error{Code: fault.CodeOf(cause), Detail: cause.Error() + "; whether the job was accepted is unknown", RetryAfter: engineRetry, Err: errors.Join(errUnknown, cause)}
}

// settleTimeout bounds settle.
const settleTimeout = 3 * time.Second
