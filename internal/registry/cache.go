package registry

import (
	"container/list"
	"context"
	"sync"

	"provery/internal/fault"
)

// Cache holds opened things of type V by key, bounded in bytes. A thing is
// opened once, however many ask for it at the same time; it stays open while
// somebody holds a Handle, and after that until room is needed, least recently
// used first. Failures aren't kept.
type Cache[K comparable, V any] struct {
	capacity int64
	open     func(ctx context.Context, key K) (V, int64, error)
	closeV   func(V)

	mu      sync.Mutex
	entries map[K]*entry[K, V]
	idle    *list.List // of *entry without handles, most recently used first
	stats   CacheStats
}

// CacheStats are a cache's counts.
type CacheStats struct {
	Bytes     int64 // cost of everything open, in use or not
	Entries   int
	Hits      int64
	Misses    int64 // openings, failed ones included
	Evictions int64
}

type entry[K comparable, V any] struct {
	key     K
	value   V
	cost    int64
	handles int
	ready   chan struct{} // closed when value or err is set
	err     error
	element *list.Element // in idle, while handles is 0
	dropped bool          // close with the last handle
}

// NewCache returns a cache that opens with open, which also tells the cost in
// bytes, and closes with closeV. Things in use may exceed the capacity: it is
// for those that aren't.
func NewCache[K comparable, V any](capacity int64, open func(context.Context, K) (V, int64, error), closeV func(V)) *Cache[K, V] {
	return &Cache[K, V]{capacity: capacity, open: open, closeV: closeV, entries: map[K]*entry[K, V]{}, idle: list.New()}
}

// Handle keeps a value open until Release.
type Handle[V any] struct {
	value   V
	release func()
}

// Value returns what the handle keeps open. It isn't valid after Release.
func (h *Handle[V]) Value() V { return h.value }

// Release gives the value back. Further calls do nothing.
func (h *Handle[V]) Release() { h.release() }

// Acquire returns a handle to the value of key, opened if it isn't yet. The
// opening goes on, for the others who wait, when ctx of the first is done; a
// caller whose own ctx is done gets its error.
func (c *Cache[K, V]) Acquire(ctx context.Context, key K) (*Handle[V], error) {
	c.mu.Lock()
	e, found := c.entries[key]
	if !found {
		e = &entry[K, V]{key: key, ready: make(chan struct{})}
		c.entries[key] = e
		c.stats.Misses++
		go c.fill(context.WithoutCancel(ctx), e)
	} else {
		c.stats.Hits++
	}
	e.handles++
	if e.element != nil {
		c.idle.Remove(e.element)
		e.element = nil
	}
	c.mu.Unlock()

	select {
	case <-e.ready:
	case <-ctx.Done():
		c.release(e)
		return nil, ctx.Err()
	}
	if e.err != nil {
		c.release(e)
		return nil, e.err
	}
	return &Handle[V]{value: e.value, release: sync.OnceFunc(func() { c.release(e) })}, nil
}

func (c *Cache[K, V]) fill(ctx context.Context, e *entry[K, V]) {
	var (
		value V
		cost  int64
		err   error = fault.New(fault.Internal, "opening was cut short by a panic")
	)
	defer func() {
		if v := recover(); v != nil {
			err = &fault.Error{Code: fault.Internal, Detail: "opening was cut short by a panic", Err: panicError{v}}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		e.value, e.cost, e.err = value, cost, err
		if err != nil {
			c.forget(e)
		} else {
			c.stats.Bytes += cost
			if e.handles == 0 {
				c.park(e)
			}
			c.evict()
		}
		close(e.ready)
	}()
	value, cost, err = c.open(ctx, e.key)
}

type panicError struct{ value any }

func (p panicError) Error() string { return "panic while opening" }

// release gives one handle of e back.
func (c *Cache[K, V]) release(e *entry[K, V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.handles--
	if e.handles > 0 {
		return
	}
	select {
	case <-e.ready:
	default:
		return // fill parks it
	}
	switch {
	case e.err != nil:
	case e.dropped:
		c.closeEntry(e)
	default:
		c.park(e)
		c.evict()
	}
}

func (c *Cache[K, V]) park(e *entry[K, V]) {
	if e.dropped {
		c.closeEntry(e)
		return
	}
	e.element = c.idle.PushFront(e)
}

// evict closes idle entries until the rest fits. The caller holds mu.
func (c *Cache[K, V]) evict() {
	for c.stats.Bytes > c.capacity && c.idle.Len() > 0 {
		e := c.idle.Back().Value.(*entry[K, V])
		c.idle.Remove(e.element)
		c.stats.Evictions++
		c.closeEntry(e)
	}
}

func (c *Cache[K, V]) closeEntry(e *entry[K, V]) {
	c.forget(e)
	c.stats.Bytes -= e.cost
	c.closeV(e.value)
}

func (c *Cache[K, V]) forget(e *entry[K, V]) {
	if c.entries[e.key] == e {
		delete(c.entries, e.key)
	}
}

// Drop closes the value of key as soon as nobody holds it; who asks from now
// on gets it opened anew.
func (c *Cache[K, V]) Drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, found := c.entries[key]
	if !found {
		return
	}
	e.dropped = true
	c.forget(e)
	if e.element != nil {
		c.idle.Remove(e.element)
		e.element = nil
		c.closeEntry(e)
	}
}

// Close drops everything. Handles that are still held stay valid until they
// are released.
func (c *Cache[K, V]) Close() {
	c.mu.Lock()
	keys := make([]K, 0, len(c.entries))
	for k := range c.entries {
		keys = append(keys, k)
	}
	c.mu.Unlock()
	for _, k := range keys {
		c.Drop(k)
	}
}

// Has reports whether the value of key is open.
func (c *Cache[K, V]) Has(key K) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, found := c.entries[key]
	if !found {
		return false
	}
	select {
	case <-e.ready:
		return true
	default:
		return false
	}
}

// Stats returns the counts.
func (c *Cache[K, V]) Stats() CacheStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Entries = len(c.entries)
	return s
}
