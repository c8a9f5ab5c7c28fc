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
	h.due, h.aside = at, false
	heap.Push(&d.agenda, appointment{at, h.Subject})
	d.wake()
}

// turn is a hook that is to be worked on, in one of its owner's places.
type turn struct{ subject, owner string }

// due takes the hooks whose time has come and whose owners have a place, and
// returns how long the next one has to wait.
func (d *Dispatcher) due(now time.Time) (turns []turn, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	turns = d.backAgain()
	for len(d.agenda) > 0 {
		if left := d.agenda[0].at.Sub(now); left > 0 {
			return turns, min(left, time.Minute)
		}
		next := heap.Pop(&d.agenda).(appointment)
		h := d.hooks[next.subject]
		switch {
		case h == nil || !h.due.Equal(next.at) || h.inUse: // whoever uses it plans anew
		case d.busy[h.Owner] >= d.cfg.PerOwner:
			h.aside = true
			d.aside[h.Owner] = append(d.aside[h.Owner], next.subject)
		default:
			turns = append(turns, d.use(h))
		}
	}
	return turns, time.Minute
}

// backAgain takes hooks that had to be put aside and whose owners have a place
// again. The lock is held.
func (d *Dispatcher) backAgain() (turns []turn) {
	for owner, list := range d.aside {
		for len(list) > 0 && d.busy[owner] < d.cfg.PerOwner {
			if h := d.hooks[list[0]]; h != nil && h.aside { // else it is gone, or was planned anew
				turns = append(turns, d.use(h))
			}
			list = list[1:]
		}
		if d.aside[owner] = list; len(list) == 0 {
			delete(d.aside, owner)
		}
	}
	return turns
}

// use takes a hook and a place of its owner's. The lock is held.
func (d *Dispatcher) use(h *hook) turn {
	h.inUse, h.aside, h.due = true, false, time.Time{}
	d.busy[h.Owner]++
	return turn{h.Subject, h.Owner}
}

// leave gives an owner's place back.
func (d *Dispatcher) leave(owner string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[owner]--; d.busy[owner] == 0 {
		delete(d.busy, owner)
	}
	if len(d.aside[owner]) > 0 {
		d.wake()
	}
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
