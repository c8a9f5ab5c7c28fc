package queue

import (
	"sync"
	"time"
)

// index is this process's view of all records: small facts, not the payloads.
// It serves the choice of work, listing, statistics and sweeping; what it
// shows is a proposal, and the swap of the record decides. It lags behind
// other processes by the time that a message takes, and never behind this
// one, since writers apply their own changes before they return.
type index struct {
	mu      sync.Mutex
	entries map[string]*entry
	active  map[string]*entry // those that aren't terminal
	dead    map[string]uint64 // deleted here, revision of the marker; until the feed has passed it
	counts  map[State]int
	letters int               // dead letters
	queued  usage             // by queued jobs
	owners  map[string]*usage // the same for each owner that has any
	pending map[string]reservation
	batches map[string]*batchView
	lines   lines
	hearing hearing
	watch   map[string]map[*watcher]struct{}
	ends    rate
	turns   slots
	ready   chan struct{} // closed, and replaced, when there may be work
	onEnd   func(Ended)   // never nil
}

// usage is how much of the queue somebody takes.
type usage struct {
	jobs  int
	bytes int64 // of arguments
}

func (u *usage) add(jobs int, bytes int64) { u.jobs, u.bytes = u.jobs+jobs, u.bytes+bytes }

// entry is one job in the index. The fields above the line never change.
type entry struct {
	meta
	id    string
	rev   uint64
	ready time.Time // of a queued job: by this process's clock, when it may be leased

	stage string
	held  bool   // an item of a batch that isn't accepted yet: shown to nobody
	heard uint64 // of a running job: the tick of its last heartbeat
	at    *line  // where it waits, nil while it doesn't
	pos   int    // its place there
}

// kind returns the job's kind, which the meta leaves out where it is proof.
func (e *entry) kind() string { return or(e.Kind, KindProof) }

// watcher is woken when its job or batch changes: the channel holds one token.
type watcher struct {
	id string
	c  chan struct{}
}

func newIndex(weights map[string]float64, onEnd func(Ended)) *index {
	if onEnd == nil {
		onEnd = func(Ended) {}
	}
	return &index{
		onEnd:   onEnd,
		entries: map[string]*entry{}, active: map[string]*entry{}, dead: map[string]uint64{},
		counts: map[State]int{}, owners: map[string]*usage{}, pending: map[string]reservation{},
		batches: map[string]*batchView{}, watch: map[string]map[*watcher]struct{}{},
		lines: newLines(weights), hearing: newHearing(), ready: make(chan struct{}),
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
	now := time.Now()
	e := &entry{meta: m, id: id, rev: rev, heard: x.hearing.ticks, ready: now.Add(time.Duration(m.Delay) * time.Millisecond)}
	if old != nil {
		x.follow(old, e, now)
		x.drop(old)
	}
	delete(x.pending, id)
	x.add(e)
	if e.State.Terminal() && (old == nil || !old.State.Terminal()) {
		x.onEnd(Ended{ID: id, Batch: m.Batch})
	}
	x.wake(id)
	if m.Batch != "" {
		x.wake(m.Batch)
	}
}

// follow draws the conclusions from the step from old to e. The lock is held.
func (x *index) follow(old, e *entry, now time.Time) {
	if e.State == Running && old.Attempt == e.Attempt {
		e.stage, e.heard = old.stage, old.heard
	}
	if !old.State.Terminal() && e.State.Terminal() {
		x.ends.note(now)
	}
	if old.State == Queued && e.State == Running {
		x.lines.charge(e)
	}
}

// add enters e, which has no predecessor any more. The lock is held.
func (x *index) add(e *entry) {
	x.entries[e.id] = e
	if e.Batch != "" {
		e.held = !x.batch(e.Batch).place(e)
	}
	if !e.held {
		x.show(e)
	}
}

// show counts e, and lets it be leased if it can be. The lock is held.
func (x *index) show(e *entry) {
	x.count(e, 1)
	if !e.State.Terminal() {
		x.active[e.id] = e
	}
	if e.State == Queued && !x.called(e) {
		x.lines.add(e, time.Now())
		x.announce()
	}
}

// drop takes e out again. The lock is held.
func (x *index) drop(e *entry) {
	if !e.held {
		x.count(e, -1)
	}
	x.lines.remove(e)
	delete(x.active, e.id)
	delete(x.entries, e.id)
	if b := x.batches[e.Batch]; b != nil {
		b.displace(e)
	}
}

// count adds n to all sums that e belongs to. The lock is held.
func (x *index) count(e *entry, n int) {
	x.counts[e.State] += n
	if e.Dead {
		x.letters += n
	}
	if b := x.batches[e.Batch]; b != nil {
		b.counts[e.State] += n
	}
	if e.State != Queued {
		return
	}
	x.queued.add(n, int64(n)*e.Bytes)
	u := x.owners[e.Owner]
	if u == nil {
		u = &usage{}
		x.owners[e.Owner] = u
	}
	if u.add(n, int64(n)*e.Bytes); u.jobs == 0 {
		delete(x.owners, e.Owner)
	}
}

// announce wakes all that wait for work. The lock is held.
func (x *index) announce() {
	close(x.ready)
	x.ready = make(chan struct{})
}

// nudge lets all that wait for work look again.
func (x *index) nudge() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.announce()
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
		x.drop(old)
		x.wake(old.Batch)
	}
	x.wake(id)
}

// vanish forgets a job whose record was found to be gone.
func (x *index) vanish(e *entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.entries[e.id] == e {
		x.drop(e)
		x.wake(e.id)
		x.wake(e.Batch)
	}
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
	if e == nil || e.held {
		return entry{}, false
	}
	return *e, true
}

// isItem reports whether a job is known to be an item of a batch.
func (x *index) isItem(id string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.entries[id]
	return e != nil && e.Batch != ""
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
		if !e.held && keep(e) {
			out = append(out, *e)
		}
	}
	return out
}
