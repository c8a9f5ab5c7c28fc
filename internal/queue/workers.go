package queue

import (
	"cmp"
	"slices"
)

// WorkerInfo is what a process tells the others about its workers.
type WorkerInfo struct {
	Name    string   `json:"n,omitempty"`
	Slots   int      `json:"s,omitempty"` // jobs at a time
	Threads int      `json:"t,omitempty"` // of the process
	Kinds   []string `json:"k,omitempty"` // of jobs that it takes
	Memory  int64    `json:"m,omitempty"` // bytes for jobs, together; 0: unknown
	Disk    int64    `json:"d,omitempty"` // bytes for copies of blobs; 0: unknown, or none are needed
}

// Worker is a process that looks for work, as this one hears of it.
type Worker struct {
	WorkerInfo
	Own  bool     // this process
	Jobs []string // ids of what it runs, sorted
}

// Announce makes the heartbeats carry what other processes may want to know of
// this one's workers. It promises nothing: who takes jobs is told by LeaseWith.
func (q *Queue) Announce(info WorkerInfo) {
	info.Kinds = slices.Clone(info.Kinds)
	q.heldMu.Lock()
	q.info = &info
	q.heldMu.Unlock()
	q.beatSoon()
}

// beatSoon lets the next heartbeat come at once.
func (q *Queue) beatSoon() {
	select {
	case q.beatNow <- struct{}{}:
	default:
	}
}

// Workers returns the processes that look for work, sorted by name. Others are
// seen by their heartbeats: one that died is listed for up to Config.LeaseTTL,
// and what it runs is as old as its last heartbeat, a quarter of that. A
// process that has announced nothing has no name.
func (q *Queue) Workers() []Worker {
	own := q.ownBeat()
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	var out []Worker
	if own.Worker {
		out = append(out, q.index.workerOf(&own, true))
	}
	for _, p := range q.index.hearing.peers {
		out = append(out, q.index.workerOf(&p.beat, false))
	}
	slices.SortFunc(out, func(a, b Worker) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), slices.Compare(a.Jobs, b.Jobs))
	})
	return out
}

// workerOf returns what a heartbeat says, without the jobs that have ended
// since. The lock is held.
func (x *index) workerOf(b *beat, own bool) Worker {
	w := Worker{Own: own}
	if b.Info != nil {
		w.WorkerInfo = *b.Info
		w.Kinds = slices.Clone(w.Kinds)
	}
	for id, attempt := range b.Jobs {
		if e := x.entries[id]; e != nil && e.State == Running && e.Attempt == attempt {
			w.Jobs = append(w.Jobs, id)
		}
	}
	slices.Sort(w.Jobs)
	return w
}
