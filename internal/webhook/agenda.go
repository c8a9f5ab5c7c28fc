package webhook

import (
	"container/heap"
	"time"
)

// agenda is a heap of the times at which hooks are to be looked at, so that a
// look at those that are due costs nothing for all the others. A hook whose time
// has changed stands in it more than once: its own field due says what counts.
type agenda []appointment

type appointment struct {
	at      time.Time
	subject string
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)        { *a = append(*a, x.(appointment)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = appointment{}
	*a = (*a)[:last]
	return x
}

// plan lets a hook be looked at at a time. The lock is held.
func (d *Dispatcher) plan(h *hook, at time.Time) {
	h.due = at
	heap.Push(&d.agenda, appointment{at, h.Subject})
	d.wake()
}

// due takes the hooks whose time has come, and returns how long the next one
// has to wait.
func (d *Dispatcher) due(now time.Time) (subjects []string, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.agenda) > 0 {
		if left := d.agenda[0].at.Sub(now); left > 0 {
			return subjects, min(left, time.Minute)
		}
		next := heap.Pop(&d.agenda).(appointment)
		h := d.hooks[next.subject]
		if h == nil || !h.due.Equal(next.at) || h.inUse { // whoever uses it plans anew
			continue
		}
		h.inUse, h.due = true, time.Time{}
		subjects = append(subjects, next.subject)
	}
	return subjects, time.Minute
}

// done ends the use of a hook. again is when to look at it where nothing else
// was planned meanwhile; 0 is never. The lock is held.
func (d *Dispatcher) done(h *hook, again time.Duration) {
	h.inUse = false
	switch {
	case !h.due.IsZero():
		d.plan(h, h.due)
	case again > 0:
		d.plan(h, time.Now().Add(again))
	}
}
