package queue

import (
	"context"
	"sync"
	"time"
)

const (
	// clockWarn is how far a machine's clock may be off before it is reported.
	clockWarn = time.Second
	// clockStep is how far the queue's time may drift from the engine's before
	// it is set again; below lies what a request's duration leaves uncertain.
	clockStep = 100 * time.Millisecond
)

// clock is the time of records, deadlines and retention: the engine's, which
// is the same for all processes, carried on by this process's monotonic clock.
// No machine's time of day matters, be it wrong or jump.
type clock struct {
	mu      sync.Mutex
	engine  time.Time // by the engine's clock, ...
	local   time.Time // ... at this moment of the monotonic clock
	bad     bool      // this machine's clock is off, and that was reported
	trusted bool      // by a test: Config.Now is the time
}

// now returns the time.
func (q *Queue) now() time.Time {
	q.clock.mu.Lock()
	defer q.clock.mu.Unlock()
	if q.clock.trusted || q.clock.engine.IsZero() {
		return q.cfg.Now()
	}
	return q.clock.engine.Add(time.Since(q.clock.local))
}

// checkClock compares the time with the engine's. It costs one request.
func (q *Queue) checkClock(ctx context.Context) error {
	asked := time.Now()
	info, err := q.records.shards[0].stream.Info(ctx)
	if err != nil {
		return engineFault(ownTimeout(ctx, err), "compare clocks")
	}
	if info.TimeStamp.IsZero() {
		return nil // a server that doesn't tell
	}
	local := asked.Add(time.Since(asked) / 2)
	off := q.cfg.Now().Add(-time.Since(local)).Sub(info.TimeStamp)
	q.clock.mu.Lock()
	first := q.clock.engine.IsZero()
	if drift := info.TimeStamp.Sub(q.clock.engine.Add(local.Sub(q.clock.local))); first || drift.Abs() > clockStep {
		q.clock.engine, q.clock.local = info.TimeStamp.Round(0), local
	}
	trusted, bad := q.clock.trusted, off.Abs() >= clockWarn
	warn := bad && !q.clock.bad
	q.clock.bad = bad
	q.clock.mu.Unlock()
	if warn && !trusted {
		q.cfg.Logger.Warn("queue", "doing", "compare clocks", "problem", "this machine's clock differs from the job engine's, which counts", "by", off)
	}
	return nil
}
