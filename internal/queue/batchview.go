package queue

import (
	"maps"
	"time"
)

// batchView is what the index knows of a batch.
type batchView struct {
	batchMeta
	rev    uint64 // of its record, 0 while that hasn't been seen
	items  []*entry
	n      int // items that are there
	counts map[State]int
	ended  int64     // when the last of those that have ended did, in Unix milliseconds
	seen   time.Time // when this process first heard of it, by its own clock
}

// batch returns the view of a batch, a new one if need be. The lock is held.
func (x *index) batch(id string) *batchView {
	b := x.batches[id]
	if b == nil {
		b = &batchView{counts: map[State]int{}, seen: time.Now()}
		x.batches[id] = b
	}
	return b
}

// place enters an item, and reports whether the batch is accepted.
func (b *batchView) place(e *entry) bool {
	if e.Item < 0 || e.Item >= MaxBatch {
		return false // not written by this service
	}
	if n := e.Item + 1 - len(b.items); n > 0 {
		b.items = append(b.items, make([]*entry, n)...)
	}
	if b.items[e.Item] == nil {
		b.n++
	}
	b.items[e.Item] = e
	b.ended = max(b.ended, e.Finished)
	return b.rev != 0
}

// displace takes an item out.
func (b *batchView) displace(e *entry) {
	if e.Item >= 0 && e.Item < len(b.items) && b.items[e.Item] == e {
		b.items[e.Item] = nil
		b.n--
	}
}

// active returns how many items haven't ended.
func (b *batchView) active() int { return b.counts[Queued] + b.counts[Running] }

// called reports whether a job's batch was called off. The lock is held.
func (x *index) called(e *entry) bool {
	b := x.batches[e.Batch]
	return b != nil && (b.Cancelled != 0 || b.Deleted)
}

// applyBatch takes over a batch's record.
func (x *index) applyBatch(id string, rev uint64, m batchMeta) {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.batch(id)
	if b.rev >= rev {
		return
	}
	news := b.rev == 0
	b.batchMeta, b.rev = m, rev
	delete(x.pending, id)
	for _, e := range b.items {
		if e == nil {
			continue
		}
		if news {
			e.held = false
			x.show(e)
			x.wake(e.id)
		} else if x.called(e) {
			x.lines.remove(e)
		}
	}
	x.wake(id)
}

// removeBatch forgets a batch's record. Its items, if there are any left, were
// never accepted, or are being deleted: nobody sees them.
func (x *index) removeBatch(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.batches[id]
	if b == nil {
		return
	}
	if b.rev != 0 {
		for _, e := range b.items {
			if e != nil {
				x.count(e, -1)
				x.lines.remove(e)
				delete(x.active, e.id)
				e.held = true
			}
		}
	}
	b.rev = 0
	if b.n == 0 {
		delete(x.batches, id)
	}
	x.wake(id)
}

// accepted reports whether a batch's record is known.
func (x *index) accepted(id string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.batches[id]
	return b != nil && b.rev != 0
}

// lookupBatch returns the state of a batch.
func (x *index) lookupBatch(id string) (Batch, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.batches[id]
	if b == nil || b.rev == 0 || b.Deleted {
		return Batch{}, false
	}
	out := Batch{
		ID: id, Kind: b.Kind, Owner: b.Owner, CircuitID: b.Circuit, Size: b.Size, Created: time.UnixMilli(b.Created),
		ByState: map[State]int{},
	}
	if b.Cancelled != 0 {
		out.Cancelled = time.UnixMilli(b.Cancelled)
	}
	for _, s := range States() {
		out.ByState[s] = 0
	}
	maps.Copy(out.ByState, b.counts)
	return out, true
}

// itemID returns the id of an item, empty if it isn't there.
func (x *index) itemID(batch string, item int) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if b := x.batches[batch]; b != nil && item < len(b.items) && b.items[item] != nil {
		return b.items[item].id
	}
	return ""
}

// items returns copies of the items that keep accepts, held ones included.
func (x *index) items(batch string, keep func(*entry) bool) []entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.batches[batch]
	if b == nil {
		return nil
	}
	var out []entry
	for _, e := range b.items {
		if e != nil && keep(e) {
			out = append(out, *e)
		}
	}
	return out
}

// inUse reports whether an ended job has to stay for its batch's sake: an item
// hasn't ended, or not before the moment (in Unix milliseconds). The lock is
// held.
func (x *index) inUse(e *entry, before int64) bool {
	b := x.batches[e.Batch]
	return b != nil && (b.active() > 0 || b.ended > before)
}

// batchWork is what a sweep finds to do.
type batchWork struct{ orphaned, called, empty []string }

// batchWork looks for batches that were never accepted, although first heard
// of before the moment; for those that were called off and still have items to
// end or delete; and for those whose items are all gone.
func (x *index) batchWork(before time.Time) batchWork {
	x.mu.Lock()
	defer x.mu.Unlock()
	var w batchWork
	for id, b := range x.batches {
		switch {
		case b.rev == 0 && b.n == 0:
			delete(x.batches, id) // nothing is left of it
		case b.rev == 0 && b.seen.Before(before):
			w.orphaned = append(w.orphaned, id)
		case b.rev != 0 && b.n == 0 && b.seen.Before(before):
			w.empty = append(w.empty, id)
		case b.rev != 0 && (b.Deleted || b.Cancelled != 0 && b.active() > 0):
			w.called = append(w.called, id)
		}
	}
	return w
}
