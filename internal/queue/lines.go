package queue

import (
	"cmp"
	"container/heap"
	"time"

	"provery/internal/store"
)

// lines holds the queued jobs in the order of service. Within a priority each
// owner has lines of its own, one for each circuit and kind, the oldest job in
// front. Owners are served by stride scheduling: each start of a job moves its
// owner's pass on by 1/weight, and the lowest pass is next. All processes see
// all starts, so that their passes agree but for what is under way. It is
// guarded by the index's lock.
type lines struct {
	classes [len(priorities)]class
	weights map[string]float64
	delayed map[*entry]struct{} // not to be leased before their time
	next    time.Time           // when the first of them may be
}

// class is the part of lines for one priority.
type class struct {
	owners map[string]*account
	vtime  float64 // the pass of the last owner served
}

// account is an owner's standing in a class.
type account struct {
	pass  float64
	lines map[lineKey]*line
}

type lineKey struct {
	kind    string
	circuit store.Digest
}

// line is a heap of jobs that are alike to a worker, the oldest at the top.
type line struct {
	key   lineKey
	owner *account
	class *class
	name  string // of the owner
	jobs  []*entry
}

func newLines(weights map[string]float64) lines {
	l := lines{weights: weights, delayed: map[*entry]struct{}{}}
	for i := range l.classes {
		l.classes[i].owners = map[string]*account{}
	}
	return l
}

// older is the order in which jobs of one line are served.
func older(a, b *entry) bool {
	if c := cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.Batch, b.Batch), cmp.Compare(a.Item, b.Item)); c != 0 {
		return c < 0
	}
	return a.id < b.id
}

// add lets a queued job wait in its line, or apart while it isn't ready.
func (l *lines) add(e *entry, now time.Time) {
	if e.ready.After(now) {
		l.delay(e)
		return
	}
	c := &l.classes[max(e.Priority.rank(), 0)]
	a := c.account(e.Owner)
	if len(a.lines) == 0 { // who had nothing to do gets no credit for it
		a.pass = max(a.pass, c.vtime)
	}
	key := lineKey{e.kind(), e.Circuit}
	ln := a.lines[key]
	if ln == nil {
		ln = &line{key: key, owner: a, class: c, name: e.Owner}
		a.lines[key] = ln
	}
	e.at = ln
	heap.Push(ln, e)
}

func (l *lines) delay(e *entry) {
	if len(l.delayed) == 0 || e.ready.Before(l.next) {
		l.next = e.ready
	}
	l.delayed[e] = struct{}{}
}

// remove takes a job out of its line, if it is in one.
func (l *lines) remove(e *entry) {
	delete(l.delayed, e)
	ln := e.at
	if ln == nil {
		return
	}
	heap.Remove(ln, e.pos)
	e.at = nil
	if len(ln.jobs) == 0 {
		delete(ln.owner.lines, ln.key)
		ln.class.forget(ln.name)
	}
}

// due moves the delayed jobs whose time has come into their lines, and returns
// how long the next one has to wait, 0 if there is none.
func (l *lines) due(now time.Time) time.Duration {
	if len(l.delayed) == 0 {
		return 0
	}
	if l.next.After(now) {
		return l.next.Sub(now)
	}
	waiting := l.delayed
	l.delayed = map[*entry]struct{}{}
	for e := range waiting {
		l.add(e, now)
	}
	return l.due(now)
}

// charge books the start of a job on its owner.
func (l *lines) charge(e *entry) {
	c := &l.classes[max(e.Priority.rank(), 0)]
	a := c.account(e.Owner)
	a.pass = max(a.pass, 0)
	c.vtime = max(c.vtime, a.pass)
	a.pass += 1 / or(l.weights[e.Owner], 1)
	c.forget(e.Owner)
}

func (c *class) account(owner string) *account {
	a := c.owners[owner]
	if a == nil {
		a = &account{pass: c.vtime, lines: map[lineKey]*line{}}
		c.owners[owner] = a
	}
	return a
}

// forget drops an account that says nothing: no jobs, no debt.
func (c *class) forget(owner string) {
	if a := c.owners[owner]; a != nil && len(a.lines) == 0 && a.pass <= c.vtime {
		delete(c.owners, owner)
	}
}

// head is the first job of a line, and its owner's pass.
type head struct {
	*entry
	ready time.Time // the entry's own may change when another worker puts it back
	pass  float64
	hot   bool // the worker holds its circuit and may prefer it
}

// heads returns the first jobs of all lines of a class whose kind is wanted.
func (c *class) heads(wanted func(kind string) bool) []head {
	var out []head
	for _, a := range c.owners {
		for key, ln := range a.lines {
			if wanted(key.kind) {
				out = append(out, head{entry: ln.jobs[0], ready: ln.jobs[0].ready, pass: a.pass})
			}
		}
	}
	return out
}

// Len implements heap.Interface.
func (l *line) Len() int { return len(l.jobs) }

// Less implements heap.Interface.
func (l *line) Less(i, j int) bool { return older(l.jobs[i], l.jobs[j]) }

// Swap implements heap.Interface.
func (l *line) Swap(i, j int) {
	l.jobs[i], l.jobs[j] = l.jobs[j], l.jobs[i]
	l.jobs[i].pos, l.jobs[j].pos = i, j
}

// Push implements heap.Interface.
func (l *line) Push(v any) {
	e := v.(*entry)
	e.pos = len(l.jobs)
	l.jobs = append(l.jobs, e)
}

// Pop implements heap.Interface.
func (l *line) Pop() any {
	n := len(l.jobs) - 1
	e := l.jobs[n]
	l.jobs[n] = nil
	l.jobs = l.jobs[:n]
	return e
}
