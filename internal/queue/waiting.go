package queue

import (
	"cmp"
	"slices"

	"provery/internal/store"
)

// Load returns how many jobs wait, of all kinds, and how many other processes
// look for work. It is quick.
func (q *Queue) Load() (waiting, others int) {
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	return q.index.counts[Queued], len(q.index.hearing.peers)
}

// Waiting counts the queued jobs that have something in common.
type Waiting struct {
	Kind      string
	CircuitID store.Digest
	KeySetID  store.Digest
	Priority  Priority
	Jobs      int
}

// Waiting returns the queued jobs by kind, circuit, key set and priority,
// sorted by these. Cost: one step for each job that hasn't ended.
func (q *Queue) Waiting() []Waiting {
	counts := map[Waiting]int{}
	q.index.mu.Lock()
	for _, e := range q.index.active {
		if e.State == Queued && !e.held {
			counts[Waiting{Kind: e.kind(), CircuitID: e.Circuit, KeySetID: e.KeySet, Priority: e.Priority}]++
		}
	}
	q.index.mu.Unlock()
	out := make([]Waiting, 0, len(counts))
	for w, n := range counts {
		w.Jobs = n
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b Waiting) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.CircuitID.Hex(), b.CircuitID.Hex()),
			cmp.Compare(a.KeySetID.Hex(), b.KeySetID.Hex()), cmp.Compare(a.Priority.rank(), b.Priority.rank()))
	})
	return out
}
