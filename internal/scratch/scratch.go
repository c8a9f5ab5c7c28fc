// Package scratch lends memory for the long vectors of a computation, outside
// of Go's heap.
//
// Go's collector lets a heap grow to twice of what is alive before it looks for
// garbage, and doesn't know that a vector is done with until it has looked. A
// proof's vectors are many times larger than all else, and their ends are known:
// lent here, they count once, and what one step of a proof gives back the next
// one takes, whatever the sizes.
//
// What was given back stays with the process for the next loan. If nobody takes
// it for some garbage collections, the system gets it.
package scratch

import (
	"reflect"
	"runtime"
	"sync"
	"unsafe"
)

// Lend returns a vector of n elements of any content. T must not contain
// pointers: the collector doesn't see what is in it. Return gives the vector
// back; one that isn't given back stays for good.
func Lend[T any](n int) []T {
	var t T
	size := n * int(unsafe.Sizeof(t))
	if size < least {
		return make([]T, n)
	}
	if !plain(reflect.TypeFor[T]()) {
		panic("scratch: elements with pointers")
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(shared.lend(size)))), n)
}

// Return gives back what Lend returned, whole: nobody uses it any more.
func Return[T any](v []T) {
	var t T
	size := cap(v) * int(unsafe.Sizeof(t))
	if size < least {
		return // it is the collector's
	}
	shared.giveBack(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), inPages(size)))
}

// Lent returns how many bytes are lent at present.
func Lent() int64 {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	return shared.lent
}

// least is the size from which vectors are lent: smaller ones are of the heap.
const least = 64 << 10

// plain reports whether values of the type are without pointers.
func plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return plain(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !plain(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128
}

// Meter tells the most that was lent at once since it was made.
type Meter struct{ most int64 }

// NewMeter returns a meter, which Stop ends.
func NewMeter() *Meter {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	m := &Meter{shared.lent}
	shared.meters[m] = struct{}{}
	return m
}

// Stop ends the meter and returns the most that was lent at once.
func (m *Meter) Stop() int64 {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	delete(shared.meters, m)
	return m.most
}

var shared = &pool{meters: map[*Meter]struct{}{}}

// pool is the memory of the process: segments of addresses, which are lent in
// pieces, from the lowest address that is free.
type pool struct {
	mu       sync.Mutex
	segments []*segment
	lent     int64
	meters   map[*Meter]struct{}
	cycle    int  // collections seen
	armed    bool // the next collection will be noticed
}

func (p *pool) lend(size int) []byte {
	size = inPages(size)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(int64(size))
	for _, s := range p.segments {
		if b := s.take(size); b != nil {
			return b
		}
	}
	s := newSegment(max(size, segmentBytes), size)
	p.segments = append(p.segments, s)
	return s.take(size)
}

func (p *pool) giveBack(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(-int64(len(b)))
	for _, s := range p.segments {
		if s.put(b, p.cycle) {
			break
		}
	}
	if !p.armed {
		p.arm()
	}
}

// add changes what is lent.
func (p *pool) add(bytes int64) {
	p.lent += bytes
	for m := range p.meters {
		m.most = max(m.most, p.lent)
	}
}

// count adds what is lent by other means.
func (p *pool) count(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(bytes)
}

// arm has the next collection noticed: it finds an object that nobody knows.
func (p *pool) arm() {
	p.armed = true
	runtime.AddCleanup(&struct{ self *pool }{p}, (*pool).collected, p)
}

// patience is the number of collections after which free memory is given to the
// system. A proof has some of them, and what one of its steps doesn't use
// another one will.
const patience = 4

func (p *pool) collected() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cycle++
	p.armed = false
	for _, s := range p.segments {
		if s.clean(p.cycle - patience) {
			p.armed = true
		}
	}
	if p.armed {
		p.arm()
	}
}
