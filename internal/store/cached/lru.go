package cached

import (
	"cmp"
	"container/list"
	"slices"
	"sync"

	"provery/internal/fault"
	"provery/internal/store"
)

// lru is the account of the local copies.
type lru struct {
	remove func(store.Digest) // deletes the file; open ones stay readable

	mu      sync.Mutex
	limit   int64
	used    int64     // bytes of entries, of doomed ones, and reserved
	order   list.List // of *entry, least recently used first
	entries map[store.Digest]*list.Element
	figures Stats
}

// entry is one copy.
type entry struct {
	d        store.Digest
	size     int64
	pins     int  // open blobs: not evicted
	verified bool // hashed in the life of this process
	doomed   bool // deleted, but still open
}

func newLRU(limit int64, remove func(store.Digest)) *lru {
	return &lru{remove: remove, limit: limit, entries: map[store.Digest]*list.Element{}}
}

// load takes over the copies of an earlier process, in the order of their age.
func (l *lru) load(copies []store.Info) {
	slices.SortFunc(copies, func(a, b store.Info) int {
		return cmp.Or(a.Modified.Compare(b.Modified), slices.Compare(a.Digest[:], b.Digest[:]))
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range copies {
		l.insert(c.Digest, c.Size)
	}
	l.shrink(0)
}

func (l *lru) insert(d store.Digest, size int64) *entry {
	e := &entry{d: d, size: size}
	l.entries[d] = l.order.PushBack(e)
	l.used += size
	return e
}

// add accounts for a whole copy that was just written, whatever the limit, and
// pins it; reserved bytes aren't any more. fresh says that there was none
// before.
func (l *lru) add(d store.Digest, size, reserved int64) (_ *entry, fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used -= reserved
	var e *entry
	if at := l.entries[d]; at != nil {
		l.order.MoveToBack(at)
		e = at.Value.(*entry)
	} else {
		e, fresh = l.insert(d, size), true
	}
	e.pins++
	e.verified = true
	return e, fresh
}

// pin returns the copy of d, kept from eviction until release; nil if there
// is none.
func (l *lru) pin(d store.Digest) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.entries[d]
	if at == nil {
		return nil
	}
	l.order.MoveToBack(at)
	e := at.Value.(*entry)
	e.pins++
	return e
}

// release ends a pin.
func (l *lru) release(e *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.pins--
	if e.doomed && e.pins == 0 {
		l.used -= e.size
	}
	l.shrink(0)
}

// verified reports whether e was hashed, and setVerified remembers that.
func (l *lru) verified(e *entry) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return e.verified
}

func (l *lru) setVerified(e *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.verified = true
}

// forget deletes the copy of d, if any. Its bytes count while it is open.
func (l *lru) forget(d store.Digest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := l.entries[d]; at != nil {
		l.drop(at)
	}
}

func (l *lru) drop(at *list.Element) {
	e := at.Value.(*entry)
	l.order.Remove(at)
	delete(l.entries, e.d)
	l.remove(e.d)
	if e.doomed = true; e.pins == 0 {
		l.used -= e.size
	}
}

// shrink evicts until size more bytes fit, or everything left is pinned.
func (l *lru) shrink(size int64) {
	for at := l.order.Front(); at != nil && l.used+size > l.limit; {
		next := at.Next()
		if at.Value.(*entry).pins == 0 {
			l.drop(at)
			l.figures.Evictions++
		}
		at = next
	}
}

// reserve makes room for size bytes, which count until unreserve.
func (l *lru) reserve(size int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if size > l.limit {
		return fault.New(fault.InsufficientStorage, "the blob has %d bytes and the cache of blobs is bounded to %d", size, l.limit)
	}
	l.shrink(size)
	if l.used+size > l.limit {
		return fault.New(fault.InsufficientStorage, "%d bytes don't fit: %d of the %d bytes of the cache of blobs are in use", size, l.used, l.limit)
	}
	l.used += size
	return nil
}

func (l *lru) unreserve(size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used -= size
}

// count adds to the figures.
func (l *lru) count(hit bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if hit {
		l.figures.Hits++
	} else {
		l.figures.Misses++
	}
}

func (l *lru) stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.figures
	s.Bytes, s.Limit = l.used, l.limit
	return s
}
