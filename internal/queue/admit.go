package queue

import (
	"cmp"
	"slices"
	"time"

	"provery/internal/fault"
)

// reservation is room in the queue for jobs that are about to be recorded.
type reservation struct {
	owner string
	usage
}

// admit reserves room in the queue under a job's or batch's id, until that is
// in the index or admitted is called. Overloaded where the queue is full, and
// RateLimited where the owner's share of it is, with the time until there
// should be room.
func (x *index) admit(id string, r reservation, cfg *Config) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	all, own := x.queued, usage{}
	if u := x.owners[r.owner]; u != nil {
		own = *u
	}
	for _, p := range x.pending {
		all.add(p.jobs, p.bytes)
		if p.owner == r.owner {
			own.add(p.jobs, p.bytes)
		}
	}
	share := func(n int64) int64 { return max(int64(float64(n)*cfg.OwnerShare), 1) }
	jobs, bytes := all.jobs+r.jobs-cfg.MaxQueued, all.bytes+r.bytes-cfg.MaxQueuedBytes
	ownJobs, ownBytes := own.jobs+r.jobs-int(share(int64(cfg.MaxQueued))), own.bytes+r.bytes-share(cfg.MaxQueuedBytes)
	var full *fault.Error
	switch {
	case jobs > 0:
		full = fault.New(fault.Overloaded, "the queue is full: %d jobs are waiting", all.jobs)
	case bytes > 0 && all.jobs > 0:
		full = fault.New(fault.Overloaded, "the queue is full: the arguments of %d waiting jobs take its %d bytes", all.jobs, cfg.MaxQueuedBytes)
		jobs = all.after(bytes)
	case ownJobs > 0:
		full = fault.New(fault.RateLimited, "the owner's share of the queue is full: %d of its jobs are waiting", own.jobs)
		jobs = ownJobs
	case ownBytes > 0 && own.jobs > 0:
		full = fault.New(fault.RateLimited, "the owner's share of the queue is full: the arguments of %d of its jobs are waiting", own.jobs)
		jobs = own.after(ownBytes)
	default:
		x.pending[id] = r
		return nil
	}
	full.RetryAfter = x.ends.retryAfter(jobs, time.Now())
	return full
}

// after estimates how many jobs have to go before that many bytes are free.
func (u *usage) after(bytes int64) int {
	mean := max(u.bytes/int64(max(u.jobs, 1)), 1)
	return int(min((bytes+mean-1)/mean, int64(u.jobs)))
}

// admitted ends a reservation: what it was for is in the index by now, or
// refused.
func (x *index) admitted(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.pending, id)
}

const (
	// retryUnknown is the delay that is named while too few jobs have ended to
	// tell how fast they do.
	retryUnknown = 5 * time.Second
	minRetry     = time.Second
	maxRetry     = time.Hour
)

// rate measures how fast jobs end, over the last ones, as this process saw
// them end.
type rate struct {
	ends [32]time.Time
	n    int       // noted so far
	next time.Time // until then, the room that becomes free is promised to others
}

func (r *rate) note(t time.Time) {
	r.ends[r.n%len(r.ends)] = t
	r.n++
}

// seedWindow is how old an end may be to count after a restart.
const seedWindow = 10 * time.Minute

// seedRate takes the pace over from the records of jobs that have ended, so
// that a process that was just started isn't clueless.
func (q *Queue) seedRate() {
	now, local := q.now(), time.Now()
	since := now.Add(-seedWindow).UnixMilli()
	ended := q.index.selectEntries(false, func(e *entry) bool { return e.State.Terminal() && e.Finished > since })
	slices.SortFunc(ended, func(a, b entry) int { return cmp.Compare(a.Finished, b.Finished) })
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	for _, e := range ended {
		q.index.ends.note(local.Add(-now.Sub(time.UnixMilli(e.Finished))))
	}
}

// interval returns the mean time between two ends, and false while there are
// too few to tell.
func (r *rate) interval() (time.Duration, bool) {
	if r.n < 2 {
		return 0, false
	}
	n := min(r.n, len(r.ends))
	return r.last().Sub(r.ends[(r.n-n)%len(r.ends)]) / time.Duration(n-1), true
}

func (r *rate) last() time.Time { return r.ends[(r.n-1)%len(r.ends)] }

// retryAfter says when the queue will have room for somebody who was refused
// and for whom that many jobs have to start first: their number times the
// interval at which jobs end, or, if that is longer, the time since the last
// one ended. Those who were refused before get the room before, so that not
// all come back at once; but nobody is sent away for longer than 32 jobs take
// beyond his own.
func (r *rate) retryAfter(jobs int, now time.Time) time.Duration {
	d, ok := r.interval()
	if !ok {
		return retryUnknown
	}
	d = max(d, now.Sub(r.last()))
	own := d * time.Duration(min(max(jobs, 1), int(maxRetry/max(d, 1))+1))
	r.next = later(now, r.next).Add(d)
	if promised := r.next.Sub(now); promised > 32*d {
		r.next = now.Add(32 * d)
	}
	return min(max(own, r.next.Sub(now), minRetry), maxRetry)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
