package msm

// tree adds up buckets of points as balanced trees. It is the scratch memory
// of one thread.
type tree[A any] struct {
	adder adder[A]
	// arena takes the results of all rounds of one block, one after another;
	// arena[:used] is in use.
	arena []A
	used  int
	// pairs holds the operands of a round, and lists the points of two
	// successive rounds, as the adder names them.
	pairs  []uint32
	lists  [2][]uint32
	counts []int32 // of the points of each bucket in a block
	batch  []A     // results of sumBuckets
}

// blockTerms is the number of terms that are added up together, of one bucket
// or several: the first round of a block makes full batches, and the batches of
// the later ones, each of which halves the number, aren't too small either.
const blockTerms = 4 * maxBatch

// remainder is the number of points up to which a long list is reduced in
// batches: below, an inversion costs more than it saves.
const remainder = 32

func newTree[A any](a adder[A]) *tree[A] {
	return &tree[A]{
		adder:  a,
		arena:  make([]A, 2*blockTerms+2*remainder),
		pairs:  make([]uint32, 0, 2*blockTerms),
		lists:  [2][]uint32{make([]uint32, 0, blockTerms+remainder), make([]uint32, 0, blockTerms+remainder)},
		counts: make([]int32, 0, blockTerms),
		batch:  make([]A, maxBatch),
	}
}

// round adds up the points that picks names in src, in pairs within each
// bucket. counts holds the number of points of each bucket and is brought up
// to date. The names of the results, in the arena, and of single points
// left over are appended to next. Where src isn't the arena, left-over points are
// copied there.
func (t *tree[A]) round(g interface{ neg(*A) }, src []A, picks []uint32, counts []int32, next []uint32) []uint32 {
	inArena := &src[0] == &t.arena[0]
	base := t.used
	for _, m := range counts {
		t.used += int(m / 2)
	}
	results := t.arena[base:t.used]
	pairs := t.pairs[:0]
	at := uint32(base)
	for i, m := range counts {
		own := picks[:m]
		picks = picks[m:]
		pairs = append(pairs, own[:m&^1]...)
		for range m / 2 {
			next = append(next, 2*at)
			at++
		}
		if m%2 == 1 {
			last := own[m-1]
			if !inArena {
				last = t.keep(g, src, last)
			}
			next = append(next, last)
		}
		counts[i] = (m + 1) / 2
	}
	for len(results) > 0 {
		n := min(len(results), maxBatch)
		t.adder.add(results[:n], src, pairs[:2*n])
		results, pairs = results[n:], pairs[2*n:]
	}
	return next
}

// keep copies the point that pick names to the arena and returns its name there.
func (t *tree[A]) keep(g interface{ neg(*A) }, src []A, pick uint32) uint32 {
	p := &t.arena[t.used]
	*p = src[pick>>1]
	if pick&1 == 1 {
		g.neg(p)
	}
	t.used++
	return uint32(2 * (t.used - 1))
}

// block adds up buckets of at most blockTerms terms in total. picks names the
// terms of all, one bucket after another; counts their numbers, none of them 0.
// The sums are left in the arena at the returned names.
func (t *tree[A]) block(g interface{ neg(*A) }, src []A, picks []uint32, counts []int32) []uint32 {
	t.used = 0
	list := t.round(g, src, picks, counts, t.lists[0][:0])
	for k := 1; len(list) > len(counts); k++ {
		list = t.round(g, t.arena, list, counts, t.lists[k%2][:0])
	}
	return list
}

// long adds up any number of terms. It returns at most remainder points, whose
// sum it is; they are valid until the next call.
func (t *tree[A]) long(g interface{ neg(*A) }, src []A, picks []uint32) []A {
	carried := 0 // points at the arena's start
	for len(picks) > 0 {
		n := min(len(picks), blockTerms)
		counts := append(t.counts[:0], int32(n))
		t.used = carried
		list := t.round(g, src, picks[:n], counts, t.lists[0][:0])
		picks = picks[n:]
		for i := range carried {
			list = append(list, uint32(2*i))
		}
		for k := 1; len(list) > remainder; k++ {
			counts[0] = int32(len(list))
			list = t.round(g, t.arena, list, counts, t.lists[k%2][:0])
		}
		// The names ascend but for carried ones left over, so copy apart.
		for i, name := range list {
			t.batch[i] = t.arena[name>>1]
		}
		carried = copy(t.arena, t.batch[:len(list)])
	}
	return t.arena[:carried]
}
