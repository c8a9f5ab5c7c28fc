package queue

import (
	"time"

	"provery/internal/store"
)

// event is something that may happen to a job: one of the types below. Each
// carries the time at which it happened.
type event interface{ at() time.Time }

type (
	// leased: a worker has chosen the job.
	leased struct {
		worker, lease, session string
		now                    time.Time
	}
	// lost: nothing was heard of the worker of the attempt for too long.
	lost struct {
		attempt int
		now     time.Time
	}
	// completed: the worker of the attempt has a result.
	completed struct {
		attempt int
		result  Payload
		ledger  Ledger
		now     time.Time
	}
	// failed: the worker of the attempt has an error instead.
	failed struct {
		attempt int
		problem Problem
		now     time.Time
	}
	// released: the worker of the attempt hands the job back unharmed.
	released struct {
		attempt int
		now     time.Time
	}
	// cancelled: a client doesn't want the job any more.
	cancelled struct{ now time.Time }
	// expired: somebody noticed that the deadline has passed.
	expired struct{ now time.Time }
	// requeued: an operator starts the number-th new life of a dead letter.
	requeued struct {
		number int
		now    time.Time
	}
	// hurried: an operator ends the delay of a job that waits to be retried.
	hurried struct{ now time.Time }
	// erased: the blobs in garbage are gone.
	erased struct {
		blobs []store.Digest
		now   time.Time
	}
)

func (e leased) at() time.Time    { return e.now }
func (e lost) at() time.Time      { return e.now }
func (e completed) at() time.Time { return e.now }
func (e failed) at() time.Time    { return e.now }
func (e released) at() time.Time  { return e.now }
func (e cancelled) at() time.Time { return e.now }
func (e expired) at() time.Time   { return e.now }
func (e requeued) at() time.Time  { return e.now }
func (e hurried) at() time.Time   { return e.now }
func (e erased) at() time.Time    { return e.now }
