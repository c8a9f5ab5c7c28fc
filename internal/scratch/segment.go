package scratch

import (
	"slices"
	"unsafe"
)

const (
	pageBytes  = 4 << 10
	chunkBytes = 256 << 10
)

// inPages rounds a size up to whole pages.
func inPages(size int) int { return (size + pageBytes - 1) / pageBytes * pageBytes }

// segment is a range of addresses. They get memory when they are written to.
type segment struct {
	all  []byte
	free []span // in order; no two touch
	// used tells for each chunk of addresses when a part of it was last given
	// back: 1 more than the number of collections before, 0 if it holds no memory.
	used []int
}

// span is a free part of a segment: the bytes from lo to hi.
type span struct{ lo, hi int }

// newSegment returns a segment of size bytes, or of least bytes if the system
// doesn't have so many addresses.
func newSegment(size, least int) *segment {
	all, err := reserve(size)
	if err != nil {
		// Like the runtime, give up where there is no memory.
		if all, err = reserve(least); err != nil {
			panic(err)
		}
	}
	return &segment{all: all, free: []span{{0, len(all)}}, used: make([]int, (len(all)+chunkBytes-1)/chunkBytes)}
}

// take returns the lowest free size bytes, nil if there are none in one piece.
func (s *segment) take(size int) []byte {
	for i := range s.free {
		f := &s.free[i]
		if f.hi-f.lo < size {
			continue
		}
		lo := f.lo
		if f.lo += size; f.lo == f.hi {
			s.free = slices.Delete(s.free, i, i+1)
		}
		return s.all[lo : lo+size : lo+size]
	}
	return nil
}

// put takes back what take returned, after so many collections, and reports
// whether it was this segment's.
func (s *segment) put(b []byte, cycle int) bool {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b))) - uintptr(unsafe.Pointer(unsafe.SliceData(s.all)))
	if at >= uintptr(len(s.all)) {
		return false
	}
	back := span{int(at), int(at) + len(b)}
	i, _ := slices.BinarySearchFunc(s.free, back.lo, func(f span, lo int) int { return f.lo - lo })
	if i < len(s.free) && s.free[i].lo < back.hi || i > 0 && s.free[i-1].hi > back.lo {
		panic("scratch: memory was given back twice")
	}
	for c := back.lo / chunkBytes; c*chunkBytes < back.hi; c++ {
		s.used[c] = cycle + 1
	}
	from, to := i, i // the spans that it joins
	if i > 0 && s.free[i-1].hi == back.lo {
		from, back.lo = i-1, s.free[i-1].lo
	}
	if i < len(s.free) && s.free[i].lo == back.hi {
		to, back.hi = i+1, s.free[i].hi
	}
	s.free = slices.Replace(s.free, from, to, back)
	return true
}

// clean gives free chunks to the system that were last given back after so many
// collections or fewer, and reports whether others hold memory.
func (s *segment) clean(cycle int) (more bool) {
	for _, f := range s.free {
		for c := (f.lo + chunkBytes - 1) / chunkBytes; (c+1)*chunkBytes <= f.hi; c++ {
			switch {
			case s.used[c] == 0:
			case s.used[c] > cycle+1:
				more = true
			default:
				discard(s.all[c*chunkBytes:][:chunkBytes])
				s.used[c] = 0
			}
		}
	}
	return more
}
