package msm

import "math/bits"

// bucketSum adds up the weighted buckets of consecutive windows: bucket b of a
// window has the weight b+1.
//
// A window is cut into segments of equal length m. In each segment, from its
// last bucket to its first, one sum runs over the buckets, and a total over the
// values of that sum. The segments of all windows are lanes of the same
// batches. With running_s and total_s of segment s a window's sum is
//
//	sum_s total_s + m·sum_s s·running_s.
type bucketSum[A, J any, P jacobian[A, J]] struct {
	group group[A, J]
	tree  *tree[A]
	// points holds the buckets of the windows, and behind them room for
	// sumPoints more: the running sums of all lanes, then the totals.
	points  []A
	windows int
	size    int // buckets of a window, a power of two
}

// segments returns the number of segments of all windows, and their length: two additions for each
// lane fit into one batch.
func segments(windows, size int) (number, length int) {
	for length = 1; length < size && windows*size/length > maxBatch/2; {
		length *= 2
	}
	return windows * size / length, length
}

// sumPoints is the room that bucketSum needs behind the buckets.
func sumPoints(windows, size int) int {
	number, _ := segments(windows, size)
	return 2 * number
}

// run leaves the windows' sums in dst.
func (s *bucketSum[A, J, P]) run(dst []J) {
	number, length := segments(s.windows, s.size)
	running := s.windows * s.size
	total := running + number
	clear(s.points[running : total+number])
	for j := length - 1; j >= -1; j-- {
		// The totals take the running sums of the step before.
		t := s.tree
		t.pairs, t.lists[0] = t.pairs[:0], t.lists[0][:0]
		for lane := range number {
			s.plan(total+lane, running+lane)
			if j >= 0 {
				s.plan(running+lane, lane*length+j)
			}
		}
		targets := t.lists[0]
		t.adder.add(t.batch[:len(targets)], s.points, t.pairs)
		for i, target := range targets {
			s.points[target] = t.batch[i]
		}
	}
	perWindow := s.size / length
	for w := range dst {
		lo, hi := w*perWindow, (w+1)*perWindow
		dst[w] = s.combine(s.points[running+lo:running+hi], s.points[total+lo:total+hi], length)
	}
}

// plan enters the addition of one point to another into the next batch, or
// makes it at once if one of them is infinity.
func (s *bucketSum[A, J, P]) plan(target, operand int) {
	switch t := s.tree; {
	case s.group.isInfinity(&s.points[operand]):
	case s.group.isInfinity(&s.points[target]):
		s.points[target] = s.points[operand]
	default:
		t.pairs = append(t.pairs, uint32(2*target), uint32(2*operand))
		t.lists[0] = append(t.lists[0], uint32(target))
	}
}

// combine returns a window's sum.
func (s *bucketSum[A, J, P]) combine(running, total []A, length int) J {
	var sum, weighted, run J
	for k := len(total) - 1; k >= 0; k-- {
		P(&sum).AddMixed(&total[k])
		if k > 0 {
			P(&run).AddMixed(&running[k])
			P(&weighted).AddAssign(&run)
		}
	}
	for range bits.TrailingZeros(uint(length)) {
		P(&weighted).DoubleAssign()
	}
	P(&sum).AddAssign(&weighted)
	return sum
}
