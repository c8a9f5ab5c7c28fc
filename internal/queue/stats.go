package queue

import "time"

// Stats counts the jobs.
type Stats struct {
	ByState     map[State]int // every state has an entry
	Dead        int           // dead letters, among the failed
	QueuedBytes int64         // arguments of queued jobs
	OldestWait  time.Duration // since the creation of the oldest queued job
	// MeanInterval is the mean time between the ends of recent jobs; 0 while
	// there were too few to tell.
	MeanInterval time.Duration
}

// Stats returns the figures of this moment, as this process knows them.
func (q *Queue) Stats() Stats {
	now := q.now()
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	s := Stats{ByState: make(map[State]int, len(States())), QueuedBytes: q.index.queued.bytes, Dead: q.index.letters}
	for _, st := range States() {
		s.ByState[st] = q.index.counts[st]
	}
	for _, e := range q.index.active {
		if e.State == Queued {
			s.OldestWait = max(s.OldestWait, now.Sub(time.UnixMilli(e.Created)))
		}
	}
	s.MeanInterval, _ = q.index.ends.interval()
	return s
}
