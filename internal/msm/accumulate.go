package msm

import "provery/internal/scratch"

// accumulate queues the units, and the first windows: each that is finished
// makes room for another.
func (j *job[A, J, P]) accumulate(int) {
	if len(j.terms) == 0 {
		j.windows = 0
	}
	j.layOut()
	units := (len(j.units) + unitTerms - 1) / unitTerms
	if units+len(j.groups) == 0 {
		j.then(j.finish)
		return
	}
	j.pending.Store(int32(units + len(j.groups)))
	for i := range units {
		j.then(func(thread int) {
			lo := i * unitTerms
			j.addUnits(thread, j.units[lo:min(lo+unitTerms, len(j.units))])
			j.arrive(j.finish)
		})
	}
	for _, s := range j.sorted {
		j.sortNext(s)
	}
}

// layOut sets the memory for windows apart, and divides them into groups.
func (j *job[A, J, P]) layOut() {
	slots := min(j.set.Threads+1, j.windows)
	if j.set.Threads == 1 {
		slots = min(1, j.windows)
	}
	j.sorted = make([]*slot, slots)
	for i := range j.sorted {
		j.sorted[i] = &slot{picks: scratch.Lend[uint32](len(j.terms)), ends: scratch.Lend[uint32](j.size + 1)}
	}
	j.sums = make([]J, j.windows)
	groups := max(1, min(max(j.set.Threads, j.windows*j.size/sumBuckets), j.windows))
	inGroup := (j.windows + groups - 1) / groups
	for lo := 0; lo < j.windows; lo += inGroup {
		g := &windowGroup[A]{first: lo, windows: min(inGroup, j.windows-lo)}
		g.pending.Store(int32(g.windows))
		for range g.windows {
			j.groupOf = append(j.groupOf, g)
		}
		j.groups = append(j.groups, g)
	}
}

// buckets returns the buckets of window w, and makes room for those of its
// group.
func (j *job[A, J, P]) buckets(w int) []A {
	g := j.groupOf[w]
	g.once.Do(func() { g.points = scratch.Lend[A](g.windows*j.size + sumPoints(g.windows, j.size)) })
	lo := (w - g.first) * j.size
	return g.points[lo : lo+j.size]
}

// sortNext queues the sorting of the next window into s, if there is one left.
func (j *job[A, J, P]) sortNext(s *slot) {
	w := int(j.next.Add(1)) - 1
	if w >= j.windows {
		return
	}
	j.then(func(int) {
		n := len(j.terms)
		sortDigits(s.picks, s.ends, j.digits[w*j.stride:][:n], j.terms)
		buckets := j.buckets(w)
		clear(buckets)
		j.split(s, w, buckets)
	})
}

// split queues the parts of a sorted window: ranges of its buckets with about
// windowTerms terms.
func (j *job[A, J, P]) split(s *slot, w int, buckets []A) {
	var bounds []int // last buckets of the parts
	from := uint32(0)
	for b := 1; b <= j.size; b++ {
		if b == j.size || s.ends[b]-from >= windowTerms {
			bounds = append(bounds, b)
			from = s.ends[b]
		}
	}
	s.pending.Store(int32(len(bounds)))
	first := 1
	for _, last := range bounds {
		lo := first
		j.then(func(thread int) {
			j.addBuckets(j.tree(thread), s, lo, last, buckets)
			if s.pending.Add(-1) == 0 {
				if g := j.groupOf[w]; g.pending.Add(-1) == 0 {
					j.then(func(thread int) { j.sumUp(thread, g) })
				}
				j.sortNext(s)
			}
		})
		first = last + 1
	}
}

// addBuckets adds up the buckets of the digits from first to last.
func (j *job[A, J, P]) addBuckets(t *tree[A], s *slot, first, last int, buckets []A) {
	start := s.ends[first-1] // of the block
	names := make([]int32, 0, blockTerms)
	counts := t.counts[:0]
	flush := func(end uint32) {
		if len(counts) > 0 {
			for i, name := range t.block(j.group, j.points, s.picks[start:end], counts) {
				buckets[names[i]-1] = t.arena[name>>1]
			}
		}
		start, names, counts = end, names[:0], counts[:0]
	}
	for d := first; d <= last; d++ {
		lo, hi := s.ends[d-1], s.ends[d]
		n := hi - lo
		if hi-start > blockTerms {
			flush(lo)
		}
		switch {
		case n == 0:
		case n > blockTerms:
			sum := j.sum(t.long(j.group, j.points, s.picks[lo:hi]))
			j.group.fromJacobian(&buckets[d-1], &sum)
			start = hi
		default:
			names = append(names, int32(d))
			counts = append(counts, int32(n))
		}
	}
	flush(s.ends[last])
}

// addUnits adds the points that units names to the sum of units.
func (j *job[A, J, P]) addUnits(thread int, units []uint32) {
	part := j.sum(j.tree(thread).long(j.group, j.points, units))
	j.mu.Lock()
	defer j.mu.Unlock()
	P(&j.unitSum).AddAssign(&part)
}

// sum returns the sum of a few points.
func (j *job[A, J, P]) sum(points []A) J {
	var sum J
	for i := range points {
		P(&sum).AddMixed(&points[i])
	}
	return sum
}

// sumUp computes the weighted sums of a group's buckets, which then make room for
// those of the next one.
func (j *job[A, J, P]) sumUp(thread int, g *windowGroup[A]) {
	s := bucketSum[A, J, P]{group: j.group, tree: j.tree(thread), points: g.points, windows: g.windows, size: j.size}
	s.run(j.sums[g.first : g.first+g.windows])
	g.release()
	j.arrive(j.finish)
}

// finish joins the windows' sums and the units' by Horner's rule.
func (j *job[A, J, P]) finish(int) {
	var total J
	for w := len(j.sums) - 1; w >= 0; w-- {
		for range j.c {
			P(&total).DoubleAssign()
		}
		P(&total).AddAssign(&j.sums[w])
	}
	P(&total).AddAssign(&j.unitSum)
	j.group.fromJacobian(j.dst, &total)
	j.release()
}

// release gives the scratch memory back. It may be called again.
func (j *job[A, J, P]) release() {
	scratch.Return(j.terms)
	scratch.Return(j.units)
	scratch.Return(j.digits)
	for _, s := range j.sorted {
		scratch.Return(s.picks)
		scratch.Return(s.ends)
	}
	for _, g := range j.groups {
		g.release()
	}
	for _, t := range j.trees {
		if t != nil {
			j.group.memory().putTree(t, j.set.Portable)
		}
	}
	j.terms, j.units, j.digits, j.sorted, j.groups, j.trees = nil, nil, nil, nil, nil, nil
}
