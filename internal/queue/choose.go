package queue

import (
	"container/heap"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"provery/internal/store"
)

// LeaseOptions say what a worker can do and what it would rather do. Its
// functions are called while a job is being chosen, often and concurrently:
// they must be quick and must not call the queue, but for Load and Workers. The Job that they get holds
// what the index knows: identity, kind, owner, circuit, key set, priority,
// attempt, times, batch, and the size of the arguments.
type LeaseOptions struct {
	// Worker is a host or process name, for the history.
	Worker string
	// Kinds lists the kinds of job that the worker takes. Empty: KindProof.
	Kinds []string
	// Hot reports whether the worker holds a circuit ready. Such jobs are
	// preferred, within an owner's turn and a little beyond it, but no more
	// than 16 times in a row over an older job. Another circuit's job is left
	// for 3 ms to other processes, where there are any. Nil: no preference.
	Hot func(circuit store.Digest) bool
	// Fits reports whether the job can run now. One that doesn't is left out,
	// and so are those behind it that have its owner, circuit and kind.
	// When that has gone on for Config.MaxSkip nothing overtakes the job in
	// this process until it fits, or is leased elsewhere. Nil: all fit.
	Fits func(Job) bool
	// Able reports whether the worker could ever run the job, however long it
	// waited. One that it isn't able to run is for other workers and holds
	// nothing up here. Nil: able to run all.
	Able func(Job) bool
	// Idle, if not nil, is called when nothing was found, before the call waits:
	// what Fits has set aside for a job that others were faster to get can be
	// given back.
	Idle func()
}

const (
	// maxOvertakes is how many times in a row a worker may prefer a hot
	// circuit to an older job.
	maxOvertakes = 16
	// fairSlack is how many starts an owner (of weight 1) may be ahead of
	// another for the sake of a hot circuit.
	fairSlack = 4
	// coldWait is how long a job is left to those that hold its circuit.
	coldWait = 3 * time.Millisecond
	// rankWait spreads processes that want the same job.
	rankWait = 500 * time.Microsecond
)

// slots orders the priorities' turns: every eighth begins with Normal and
// every eighth with Low, so that no class starves.
type slots struct{ taken int }

func (s *slots) order() [len(priorities)]Priority {
	switch s.taken % 8 {
	case 3:
		return [...]Priority{Low, High, Normal}
	case 7:
		return [...]Priority{Normal, High, Low}
	}
	return priorities
}

// supply is what there is to choose from at one moment.
type supply struct {
	classes [len(priorities)][]head // in the order of this turn
	next    time.Duration           // until a delayed job is due, 0 if there is none
	others  []uint64                // other processes with workers
	ready   <-chan struct{}         // closed when there is more
}

// supply collects the first job of every line. Cost: one step for each line.
func (x *index) supply(wanted func(string) bool) supply {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := supply{next: x.lines.due(time.Now()), others: x.hearing.workers(), ready: x.ready}
	for i, p := range x.turns.order() {
		s.classes[i] = x.lines.classes[p.rank()].heads(wanted)
	}
	return s
}

// take takes a job out of its line, if it is still there.
func (x *index) take(e *entry) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if e.at == nil {
		return false
	}
	x.lines.remove(e)
	x.turns.taken++
	return true
}

// putBack returns a job that was taken and couldn't be claimed, unless it has
// changed meanwhile. It waits for d, so that its news may arrive first.
func (x *index) putBack(e *entry, d time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.entries[e.id] == e && e.at == nil && !x.called(e) {
		e.ready = time.Now().Add(d)
		x.lines.delay(e)
		x.announce()
	}
}

// preference is what a process remembers from one choice to the next.
type preference struct {
	mu        sync.Mutex
	overtakes int
	misfits   map[string]time.Time // since when a job was skipped
}

// choice is one look for a job.
type choice struct {
	q    *Queue
	o    *LeaseOptions
	now  time.Time
	wait time.Duration // until another look is worth while, 0: unknown
	supply
	hot map[store.Digest]bool
}

// choose returns the job that the worker should try to get, taken out of its
// line, or nil and how long to wait for one at most (0: no opinion).
func (q *Queue) choose(o *LeaseOptions) (*entry, time.Duration, <-chan struct{}) {
	wanted := func(kind string) bool { return slices.Contains(o.Kinds, kind) }
	for {
		c := choice{q: q, o: o, now: time.Now(), supply: q.index.supply(wanted), hot: map[store.Digest]bool{}}
		c.wait = c.next
		e, blocked := c.aged()
		for i := 0; e == nil && !blocked && i < len(c.classes); i++ {
			e = c.from(c.classes[i])
		}
		if e == nil {
			return nil, c.wait, c.ready
		}
		if q.index.take(e) {
			return e, 0, nil
		}
	}
}

// aged looks after the jobs that were skipped for too long. It returns one
// that fits by now, or that nothing else may be taken.
func (c *choice) aged() (*entry, bool) {
	if c.o.Fits == nil {
		return nil, false
	}
	p := &c.q.preference
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.misfits) == 0 {
		return nil, false
	}
	blocked := false
	present := map[string]bool{}
	for _, heads := range c.classes {
		for _, h := range heads {
			present[h.id] = true
			since, skipped := p.misfits[h.id]
			if !skipped || c.now.Sub(since) < c.q.cfg.MaxSkip || !c.able(h.entry) {
				continue
			}
			if c.o.Fits(h.job()) {
				delete(p.misfits, h.id)
				return h.entry, false
			}
			blocked = true
		}
	}
	for id := range p.misfits {
		if !present[id] {
			delete(p.misfits, id)
		}
	}
	return nil, blocked
}

// from chooses among the jobs of one class.
func (c *choice) from(heads []head) *entry {
	if len(heads) == 0 {
		return nil
	}
	first := c.rank(heads)
	order := (*headHeap)(&heads)
	heap.Init(order)
	for len(heads) > 0 {
		h := heap.Pop(order).(head)
		if !c.able(h.entry) || !c.fits(h.entry) || c.leave(h) {
			continue
		}
		c.noteOvertake(h.hot && h.entry != first)
		return h.entry
	}
	return nil
}

// rank marks the jobs that may be preferred, and returns the one whose turn it
// would be otherwise.
func (c *choice) rank(heads []head) *entry {
	first := heads[0]
	for _, h := range heads[1:] {
		if fairer(h, first) {
			first = h
		}
	}
	c.q.preference.mu.Lock()
	prefer := c.o.Hot != nil && c.q.preference.overtakes < maxOvertakes
	c.q.preference.mu.Unlock()
	if prefer {
		for i := range heads {
			heads[i].hot = heads[i].pass <= first.pass+fairSlack && c.holds(heads[i].Circuit)
		}
	}
	return first.entry
}

func (c *choice) noteOvertake(yes bool) {
	c.q.preference.mu.Lock()
	defer c.q.preference.mu.Unlock()
	if yes {
		c.q.preference.overtakes++
	} else {
		c.q.preference.overtakes = 0
	}
}

// holds asks the worker once for each circuit.
func (c *choice) holds(circuit store.Digest) bool {
	yes, known := c.hot[circuit]
	if !known {
		yes = c.o.Hot(circuit)
		c.hot[circuit] = yes
	}
	return yes
}

func (c *choice) able(e *entry) bool { return c.o.Able == nil || c.o.Able(e.job()) }

// fits asks the worker, and notes since when the job hasn't fitted.
func (c *choice) fits(e *entry) bool {
	if c.o.Fits == nil {
		return true
	}
	yes := c.o.Fits(e.job())
	p := &c.q.preference
	p.mu.Lock()
	defer p.mu.Unlock()
	if yes {
		delete(p.misfits, e.id)
	} else if _, known := p.misfits[e.id]; !known {
		p.misfits[e.id] = c.now
	}
	return yes
}

// leave reports whether the job should be left to other processes for a
// moment: to those that hold its circuit, and among equals to those that come
// first in an order that differs from job to job.
func (c *choice) leave(h head) bool {
	if len(c.others) == 0 {
		return false
	}
	place := 0
	mine := affinity(c.q.number, h.id)
	for _, other := range c.others {
		if affinity(other, h.id) < mine {
			place++
		}
	}
	hold := min(time.Duration(place)*rankWait, coldWait)
	if c.o.Hot != nil && !c.holds(h.Circuit) {
		hold += coldWait
	}
	left := h.ready.Add(hold).Sub(c.now)
	if left <= 0 {
		return false
	}
	if c.wait == 0 || left < c.wait {
		c.wait = left
	}
	return true
}

// affinity is a number that the processes are ordered by for one job.
func affinity(process uint64, id string) uint64 {
	f := fnv.New64a()
	_, _ = f.Write([]byte(id))
	h := f.Sum64() ^ process
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	return h ^ h>>33
}

// job returns what the index knows of a job.
func (e *entry) job() Job {
	at := func(ms int64) time.Time {
		if ms == 0 {
			return time.Time{}
		}
		return time.UnixMilli(ms)
	}
	return Job{
		ID: e.id, Kind: e.kind(), Owner: e.Owner, CircuitID: e.Circuit, KeySetID: e.KeySet, State: e.State, Priority: e.Priority,
		Attempt: e.Attempt, Created: at(e.Created), Updated: at(e.Updated), Deadline: at(e.Deadline),
		Batch: e.Batch, Item: e.Item, Arguments: &Payload{Size: e.Bytes},
	}
}
