package queue

import (
	"context"
	"sync"
	"time"
)

// clockSlack is how far a process's clock may be off before it is corrected.
const clockSlack = time.Second

// clock corrects this process's clock by the engine's, so that deadlines and
// retention mean the same everywhere, and a single bad clock expires nothing.
type clock struct {
	mu      sync.Mutex
	skew    time.Duration // to be added to Config.Now
	trusted bool          // by a test: don't compare
}

// now is the time of records, deadlines and retention.
func (q *Queue) now() time.Time {
	q.clock.mu.Lock()
	defer q.clock.mu.Unlock()
	return q.cfg.Now().Add(q.clock.skew)
}

// checkClock compares the clock with the engine's. It costs one request.
func (q *Queue) checkClock(ctx context.Context) error {
	q.clock.mu.Lock()
	trusted := q.clock.trusted
	q.clock.mu.Unlock()
	if trusted {
		return nil
	}
	before, start := q.cfg.Now(), time.Now()
	info, err := q.records.stream.Info(ctx)
	if err != nil {
		return engineFault(ownTimeout(ctx, err), "compare clocks")
	}
	if info.TimeStamp.IsZero() {
		return nil // a server that doesn't tell
	}
	skew := info.TimeStamp.Sub(before.Add(time.Since(start) / 2))
	if skew.Abs() < clockSlack {
		skew = 0
	}
	q.clock.mu.Lock()
	old := q.clock.skew
	q.clock.skew = skew
	q.clock.mu.Unlock()
	if (skew - old).Abs() >= clockSlack {
		q.cfg.Logger.Warn("queue", "doing", "compare clocks", "problem", "this machine's clock differs from the job engine's; it is corrected", "by", skew)
	}
	return nil
}
