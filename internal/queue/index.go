package queue

import (
	"sync"
	"time"
)

// index is this process's view of all records: small facts, not the payloads.
// It serves listing, statistics, sweeping and waking; decisions are made on
// the records themselves. It lags behind other processes by the time that a
// message takes, and never behind this one, since writers apply their own
// changes before they return.
type index struct {
	mu      sync.Mutex
	entries map[string]*entry
	active  map[string]*entry // those that aren't terminal
	dead    map[string]uint64 // deleted here, revision of the marker; until the feed has passed it
	counts  map[State]int
	bytes   int64            // of queued arguments
	pending map[string]int64 // admitted by this process, not yet in entries: bytes of arguments
	watch   map[string]map[*watcher]struct{}
	rate    rate
}

// entry is one job in the index.
type entry struct {
	meta
	id    string
	rev   uint64
	stage string
}

// watcher is woken when its job changes: the channel holds one token.
type watcher struct {
	id string
	c  chan struct{}
}

func newIndex() *index {
	return &index{
		entries: map[string]*entry{}, active: map[string]*entry{}, dead: map[string]uint64{},
		counts: map[State]int{}, pending: map[string]int64{}, watch: map[string]map[*watcher]struct{}{},
	}
}

// apply takes over the state m of a record at revision rev, unless the index
// knows a newer one.
func (x *index) apply(id string, rev uint64, m meta) {
	x.mu.Lock()
	defer x.mu.Unlock()
	old := x.entries[id]
	if old != nil && old.rev >= rev || x.dead[id] >= rev {
		return
	}
	e := &entry{meta: m, id: id, rev: rev}
	if old != nil {
		x.forget(old)
		if old.Attempt == m.Attempt && m.State == Running {
			e.stage = old.stage
		}
		if !old.State.Terminal() && m.State.Terminal() {
			x.rate.note(time.UnixMilli(m.Finished))
		}
	}
	x.entries[id] = e
	delete(x.pending, id)
	x.counts[m.State]++
	if m.State == Queued {
		x.bytes += m.Bytes
	}
	if !m.State.Terminal() {
		x.active[id] = e
	}
	x.wake(id)
}

// remove takes over the deletion of a record at revision rev. fromFeed says
// that everything older has been seen.
func (x *index) remove(id string, rev uint64, fromFeed bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if fromFeed {
		delete(x.dead, id)
	} else {
		x.dead[id] = rev
	}
	if old := x.entries[id]; old != nil && old.rev < rev {
		x.forget(old)
		delete(x.entries, id)
	}
	x.wake(id)
}

// forget takes an entry out of the sums. The lock is held.
func (x *index) forget(e *entry) {
	x.counts[e.State]--
	if e.State == Queued {
		x.bytes -= e.Bytes
	}
	delete(x.active, e.id)
}

// setStage notes the progress of a running attempt.
func (x *index) setStage(id string, attempt int, stage string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if e := x.entries[id]; e != nil && e.Attempt == attempt && e.State == Running && e.stage != stage {
		e.stage = stage
		x.wake(id)
	}
}

// lookup returns a copy of an entry.
func (x *index) lookup(id string) (entry, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.entries[id]
	if e == nil {
		return entry{}, false
	}
	return *e, true
}

// subscribe registers a watcher of a job. The caller must unsubscribe it.
func (x *index) subscribe(id string) *watcher {
	w := &watcher{id: id, c: make(chan struct{}, 1)}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.watch[id] == nil {
		x.watch[id] = map[*watcher]struct{}{}
	}
	x.watch[id][w] = struct{}{}
	return w
}

func (x *index) unsubscribe(w *watcher) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.watch[w.id], w)
	if len(x.watch[w.id]) == 0 {
		delete(x.watch, w.id)
	}
}

// watchers returns how many watchers are registered.
func (x *index) watchers() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for _, ws := range x.watch {
		n += len(ws)
	}
	return n
}

// wake tells the watchers of a job. The lock is held.
func (x *index) wake(id string) {
	for w := range x.watch[id] {
		select {
		case w.c <- struct{}{}:
		default: // a token is there already
		}
	}
}

// selectEntries returns copies of the entries that keep accepts; of the
// active ones only where activeOnly is set.
func (x *index) selectEntries(activeOnly bool, keep func(*entry) bool) []entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	from := x.entries
	if activeOnly {
		from = x.active
	}
	var out []entry
	for _, e := range from {
		if keep(e) {
			out = append(out, *e)
		}
	}
	return out
}

// rate measures how fast jobs end, over the last ones.
type rate struct {
	ends [32]time.Time
	n    int // noted so far
}

func (r *rate) note(t time.Time) {
	r.ends[r.n%len(r.ends)] = t
	r.n++
}

// interval returns the mean time between two ends, and false while there are
// too few to tell.
func (r *rate) interval() (time.Duration, bool) {
	if r.n < 2 {
		return 0, false
	}
	n := min(r.n, len(r.ends))
	last := r.ends[(r.n-1)%len(r.ends)]
	first := r.ends[(r.n-n)%len(r.ends)]
	return last.Sub(first) / time.Duration(n-1), true
}
