package scalesim

import "container/heap"

// station serves what comes in the order of its coming, by several servers. It
// must be told of arrivals in the order of time.
type station struct {
	free   free    // when each server will be
	slower float64 // factor on all times
	busy   float64 // seconds of service, not slowed down
}

func newStation(servers int, slower float64) *station {
	return &station{free: make(free, servers), slower: slower}
}

// serve returns when a service of so many seconds that arrives now will end.
// What takes no time waits for what is ahead, too.
func (s *station) serve(now, seconds float64) float64 {
	s.busy += seconds * s.slower
	end := max(now, s.free[0]) + seconds*s.slower
	s.free[0] = end
	heap.Fix(&s.free, 0)
	return end
}

// share is serve for work that all servers take an equal part in.
func (s *station) share(now, seconds float64) (end float64) {
	part := seconds / float64(len(s.free))
	if part <= 0 {
		return now
	}
	s.busy += seconds * s.slower
	for i, at := range s.free { // adds the same to all that are busy: the order stays
		s.free[i] = max(now, at) + part*s.slower
		end = max(end, s.free[i])
	}
	return end
}

// free is a heap of moments.
type free []float64

func (f free) Len() int           { return len(f) }
func (f free) Less(i, k int) bool { return f[i] < f[k] }
func (f free) Swap(i, k int)      { f[i], f[k] = f[k], f[i] }
func (f *free) Push(x any)        { *f = append(*f, x.(float64)) }
func (f *free) Pop() any {
	last := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return last
}
