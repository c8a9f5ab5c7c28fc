package daemon

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"provery/internal/queue"
	"provery/internal/store"
	"provery/internal/telemetry"
)

const (
	// estimateSample is how many of a circuit's last proofs an estimate is
	// made of.
	estimateSample = 8
	// estimateAge is how long it is used before the proofs are looked at again.
	estimateAge = 30 * time.Second
	// estimateLimit bounds the estimates that are kept.
	estimateLimit = 256
	// almost is the most that is ever said to be done of what runs.
	almost = 0.99
)

// stageTimes are how long the stages of a circuit's proofs take, in the order
// in which they come.
type stageTimes struct {
	names []string
	took  []time.Duration
	total time.Duration
}

// at returns the part that is done and the seconds left, at a time after the
// beginning of a stage. ok is false where nothing is known. A stage that takes
// longer than it used to doesn't count as more than that: the rest stays.
func (t *stageTimes) at(stage string, elapsed time.Duration) (done, left float64, ok bool) {
	if t == nil || t.total <= 0 {
		return 0, 0, false
	}
	i := slices.Index(t.names, stage)
	if i < 0 {
		return 0, 0, false
	}
	past := min(elapsed, t.took[i])
	for _, d := range t.took[:i] {
		past += d
	}
	return min(past.Seconds()/t.total.Seconds(), almost), (t.total - past).Seconds(), true
}

// timesOf returns the medians of each stage over the ledgers of succeeded jobs.
// The first proof of a circuit loads it; the median forgets that.
func timesOf(jobs []queue.Job) *stageTimes {
	samples := map[string][]time.Duration{}
	t := &stageTimes{}
	for _, j := range jobs {
		for _, ph := range stagesOf(&j.Ledger) {
			if samples[ph.Name] == nil {
				t.names = append(t.names, ph.Name)
			}
			samples[ph.Name] = append(samples[ph.Name], ph.Duration)
		}
	}
	for _, name := range t.names {
		d := samples[name]
		slices.Sort(d)
		t.took = append(t.took, d[len(d)/2])
		t.total += d[len(d)/2]
	}
	return t
}

// stagesOf returns a ledger's phases without the queue, with what the stages of
// prove leave of it in front of them.
func stagesOf(l *queue.Ledger) []queue.Phase {
	var out []queue.Phase
	prove := -1
	for _, ph := range l.Phases {
		switch ph.Name {
		case telemetry.PhaseQueue:
			continue
		case telemetry.PhaseProve:
			prove = len(out)
		case telemetry.PhaseLoad, telemetry.PhaseWitness, telemetry.PhaseCheck:
		default:
			if prove >= 0 {
				out[prove].Duration = max(out[prove].Duration-ph.Duration, 0)
			}
		}
		out = append(out, ph)
	}
	return out
}

// estimates keeps what was found out of circuits with keys.
type estimates struct {
	mu    sync.Mutex
	known map[estimateKey]estimate
}

type estimateKey struct{ circuit, keys store.Digest }

type estimate struct {
	times *stageTimes
	at    time.Time
}

// stageTimes returns the stage times of a circuit with keys, nil where no proof
// of them is remembered. They come from the records of the last proofs, whoever
// made them: they are as good as the workers are alike.
func (s *services) stageTimes(ctx context.Context, circuit, keys store.Digest) *stageTimes {
	c, key := &s.d.estimates, estimateKey{circuit, keys}
	c.mu.Lock()
	e, ok := c.known[key]
	c.mu.Unlock()
	if ok && time.Since(e.at) < estimateAge {
		return e.times
	}
	f := queue.Filter{State: queue.Succeeded, Kind: queue.KindProof, Circuit: circuit}
	jobs, _, err := s.d.queue.List(ctx, f, "", estimateSample)
	if err != nil {
		return e.times // an old one, or none
	}
	jobs = slices.DeleteFunc(jobs, func(j queue.Job) bool { return j.KeySetID != keys })
	e = estimate{at: time.Now()}
	if len(jobs) > 0 {
		e.times = timesOf(jobs)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= estimateLimit || c.known == nil {
		c.known = map[estimateKey]estimate{}
	}
	c.known[key] = e
	return e.times
}

// startsIn estimates in how many seconds a queued proof starts: the predicted
// times of those ahead of it, and half of those of the running ones, over the
// workers' processors. Nil where there is no worker, or nothing is predicted.
func (s *services) startsIn(j *queue.Job, ahead int) *int {
	jobs, work, threads := 0, time.Duration(0), 0
	for _, w := range s.d.queue.Waiting() {
		if e, ok := s.d.costs.Predict(w.CircuitID, w.KeySetID); ok {
			jobs += w.Jobs
			work += time.Duration(w.Jobs) * e.Work
		}
	}
	for _, w := range s.d.queue.Workers() {
		threads += w.Threads
	}
	if jobs == 0 || threads == 0 {
		return nil
	}
	before := float64(ahead) + float64(s.d.queue.Stats().ByState[queue.Running])/2
	seconds := before * work.Seconds() / float64(jobs) / float64(threads)
	if delay := j.RetryAt.Sub(j.Updated).Seconds(); !j.RetryAt.IsZero() {
		seconds = max(seconds, delay)
	}
	whole := int(math.Ceil(min(seconds, math.MaxInt32)))
	return &whole
}
