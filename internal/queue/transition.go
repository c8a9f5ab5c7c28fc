package queue

import (
	"slices"
	"time"

	"provery/internal/fault"
	"provery/internal/store"
)

// maxHistory bounds Job.Attempts.
const maxHistory = 32

// policy is what the state machine depends on beside record and event.
type policy struct {
	maxFailures int // lost and failed attempts after which a job fails
	backoff     time.Duration
	maxBackoff  time.Duration
}

// delay returns how long a job waits after its n-th failure, n >= 1.
func (p policy) delay(n int) time.Duration {
	d := p.backoff
	for range n - 1 {
		if d >= p.maxBackoff {
			break
		}
		d *= 2
	}
	return min(d, p.maxBackoff)
}

// next is the state machine of a job: it returns the record after the event,
// and changed = false where the event was already taken into account (a retry
// whose first try went through). It refuses, with Conflict, what an attempt
// that isn't the current one has to say, and everything that would leave a
// terminal state. r isn't modified.
//
//	          leased                 completed
//	queued ───────────► running ───────────────► succeeded
//	   ▲ ◄─────────────────┤ failed (final, or too often), lost too often
//	   │ released, lost,   ├───────────────────► failed ──┐
//	   │ failed (again)    │ cancelled                    │ requeued,
//	   ├───────────────────┴───────────────────► cancelled│ if dead
//	   ├─ expired (from running too) ──────────► expired  │
//	   └──────────────────────────────────────────────────┘
func next(r record, e event, p policy) (_ record, changed bool, _ error) {
	r.Attempts = slices.Clone(r.Attempts)
	r.Garbage = slices.Clone(r.Garbage)
	var err error
	switch e := e.(type) {
	case leased:
		changed, err = r.lease(e)
	case lost:
		changed, err = r.lose(e, p)
	case completed:
		changed, err = r.complete(e)
	case failed:
		changed, err = r.fail(e, p)
	case released:
		changed, err = r.release(e)
	case cancelled:
		changed, err = r.cancel(e)
	case expired:
		changed, err = r.expire(e)
	case requeued:
		changed, err = r.requeue(e)
	case hurried:
		changed, err = r.hurry()
	case erased:
		before := len(r.Garbage)
		r.Garbage = slices.DeleteFunc(r.Garbage, func(d store.Digest) bool { return slices.Contains(e.blobs, d) })
		changed = len(r.Garbage) != before
	}
	if changed {
		r.Updated = e.at()
	}
	return r, changed, err
}

// lease starts an attempt, or ends the job where it may not start.
func (r *record) lease(e leased) (bool, error) {
	if r.State.Terminal() {
		return false, errEnded(r.State)
	}
	if r.State == Running {
		if r.Attempts[len(r.Attempts)-1].Lease == e.lease {
			return false, nil
		}
		return false, fault.New(fault.Conflict, "attempt %d is running", r.Attempt)
	}
	if r.due(e.now) {
		return r.end(Expired, lateProblem(), e.now), nil
	}
	r.State, r.Started, r.RetryAt = Running, e.now, time.Time{}
	r.Attempt++
	r.Attempts = append(r.Attempts, Attempt{Number: r.Attempt, Worker: e.worker, Lease: e.lease, Session: e.session, Started: e.now})
	if len(r.Attempts) > maxHistory {
		r.Attempts = slices.Delete(r.Attempts, 0, len(r.Attempts)-maxHistory)
	}
	return true, nil
}

// lose takes the job from a worker that has gone silent, and queues it again
// at once, unless that happened too often.
func (r *record) lose(e lost, p policy) (bool, error) {
	if err := r.current(e.attempt); err != nil {
		return false, err
	}
	r.endAttempt(OutcomeLost, "", e.now)
	r.Failures++
	switch {
	case r.due(e.now):
		return r.end(Expired, lateProblem(), e.now), nil
	case r.Failures >= p.maxFailures:
		return r.bury(Problem{Code: fault.Internal, Detail: "the workers that had the job stopped without a word", Retryable: true}, e.now), nil
	}
	r.State = Queued
	return true, nil
}

// complete ends the job with a result, even after its deadline: a finished
// proof is never reported as too late.
func (r *record) complete(e completed) (bool, error) {
	if r.State == Succeeded && r.Attempt == e.attempt {
		return false, nil
	}
	if err := r.current(e.attempt); err != nil {
		return false, err
	}
	r.endAttempt(OutcomeSucceeded, "", e.now)
	r.Result = &e.result
	r.Ledger = e.ledger
	r.Ledger.Phases = append([]Phase{{Name: "queue", Duration: max(r.Started.Sub(r.Created), 0)}}, e.ledger.Phases...)
	return r.end(Succeeded, nil, e.now), nil
}

// fail ends the job, or queues it again where another attempt may help.
func (r *record) fail(e failed, p policy) (bool, error) {
	if err := r.current(e.attempt); err != nil {
		return false, err
	}
	r.endAttempt(OutcomeFailed, e.problem.Code, e.now)
	r.Failures++
	if !worthRetry(e.problem.Code) {
		return r.end(Failed, &e.problem, e.now), nil
	}
	if r.Failures >= p.maxFailures {
		return r.bury(e.problem, e.now), nil
	}
	r.State = Queued
	r.RetryAt = e.now.Add(p.delay(r.Failures))
	return true, nil
}

// worthRetry reports whether another attempt at the same job may end
// otherwise: the fault lay with the service and not with the request.
func worthRetry(c fault.Code) bool {
	return c == fault.Internal || c == fault.Overloaded || c == fault.InsufficientStorage
}

// release queues the job again without holding the attempt against it.
func (r *record) release(e released) (bool, error) {
	if err := r.current(e.attempt); err != nil {
		return false, err
	}
	r.endAttempt(OutcomeReleased, "", e.now)
	r.State = Queued
	return true, nil
}

func (r *record) cancel(e cancelled) (bool, error) {
	if r.State == Cancelled {
		return false, nil
	}
	if r.State.Terminal() {
		return false, errEnded(r.State)
	}
	if r.State == Running {
		r.endAttempt(OutcomeCancelled, "", e.now)
	}
	return r.end(Cancelled, &Problem{Code: fault.Canceled, Detail: "the job was cancelled", Retryable: true}, e.now), nil
}

func (r *record) expire(e expired) (bool, error) {
	if r.State == Expired {
		return false, nil
	}
	if r.State.Terminal() {
		return false, errEnded(r.State)
	}
	if !r.due(e.now) {
		return false, fault.New(fault.Conflict, "the deadline has not passed")
	}
	if r.State == Running {
		r.endAttempt(OutcomeExpired, "", e.now)
	}
	return r.end(Expired, lateProblem(), e.now), nil
}

func lateProblem() *Problem {
	return &Problem{Code: fault.DeadlineExceeded, Detail: "the deadline passed before a proof was made"}
}

// requeue starts a dead letter anew: its failures are forgiven, its attempts
// go on counting. A deadline that has passed is dropped, since whoever wants
// the job run now wants it late.
func (r *record) requeue(e requeued) (bool, error) {
	if r.Requeues >= e.number {
		return false, nil
	}
	if r.State != Failed || !r.Dead || r.Arguments == nil {
		return false, errNotDead(r)
	}
	if r.due(e.now) {
		r.Deadline = time.Time{}
	}
	r.State, r.Dead, r.Problem, r.Failures, r.Finished = Queued, false, nil, 0, time.Time{}
	r.Requeues++
	return true, nil
}

// errNotDead says why a job can't be started anew.
func errNotDead(r *record) error {
	switch {
	case !r.State.Terminal():
		return fault.New(fault.Conflict, "the job is %s", r.State)
	case r.State == Succeeded:
		return errEnded(r.State)
	}
	return fault.New(fault.Conflict, "the job has %s and its arguments are erased: submit the request again", ended[r.State])
}

// hurry ends the delay of a queued job.
func (r *record) hurry() (bool, error) {
	if r.State != Queued {
		return false, fault.New(fault.Conflict, "the job is %s", r.State)
	}
	delayed := !r.RetryAt.IsZero()
	r.RetryAt = time.Time{}
	return delayed, nil
}

// due reports whether the deadline has passed.
func (r *record) due(now time.Time) bool { return !r.Deadline.IsZero() && !now.Before(r.Deadline) }

// current refuses an attempt that isn't the one under way.
func (r *record) current(attempt int) error {
	if r.State.Terminal() {
		return errEnded(r.State)
	}
	if r.State != Running || r.Attempt != attempt {
		return fault.New(fault.Conflict, "attempt %d has lost its lease; the job is %s at attempt %d", attempt, r.State, r.Attempt)
	}
	return nil
}

// endAttempt closes the attempt under way.
func (r *record) endAttempt(o Outcome, code fault.Code, now time.Time) {
	a := &r.Attempts[len(r.Attempts)-1]
	a.Ended, a.Outcome, a.Code = now, o, code
}

// bury ends the job as a dead letter, which keeps its arguments.
func (r *record) bury(p Problem, now time.Time) bool {
	r.State, r.Problem, r.Finished, r.RetryAt, r.Dead = Failed, &p, now, time.Time{}, true
	return true
}

// end enters a terminal state and gives up the arguments.
func (r *record) end(s State, p *Problem, now time.Time) bool {
	r.State, r.Problem, r.Finished, r.RetryAt = s, p, now, time.Time{}
	if a := r.Arguments; a != nil && !a.Blob.IsZero() {
		r.Garbage = append(r.Garbage, a.Blob)
	}
	r.Arguments = nil
	return true
}

// errEnded says that the job's end can't be changed.
func errEnded(s State) error { return fault.New(fault.Conflict, "the job has already %s", ended[s]) }

var ended = map[State]string{Succeeded: "succeeded", Failed: "failed", Cancelled: "been cancelled", Expired: "expired"}
