package msm

import (
	"sync"
	"sync/atomic"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/parallel"
	"provery/internal/scratch"
)

// The sizes of tasks, in terms. A task takes a few milliseconds at most.
const (
	recodeTerms = 1 << 13
	unitTerms   = 1 << 15
	windowTerms = 1 << 14
	sumBuckets  = 1 << 15
)

// job is one multiplication. Its tasks follow one another:
//
//	classify chunks → recode chunks ─┬→ sort a window → add up its blocks → sum up a group of windows ─┬→ finish
//	                                 └→ add up chunks of units ────────────┘
type job[A, J any, P jacobian[A, J]] struct {
	set     *Set
	group   group[A, J]
	dst     *A
	points  []A
	scalars []fr.Element
	started func()

	queue *parallel.Queue
	rank  int
	trees []*tree[A] // by thread

	chunks  []chunk
	terms   []uint32 // of scalars other than 0, 1 and -1
	units   []uint32 // picks of the points of 1 and -1
	digits  []int16  // by window, each stride elements after the one before
	stride  int
	c       int
	windows int
	size    int          // buckets of a window
	sorted  []*slot      // the windows that are being added up
	next    atomic.Int32 // window to sort next
	groups  []*windowGroup[A]
	groupOf []*windowGroup[A] // by window
	sums    []J               // of each window

	mu      sync.Mutex
	unitSum J

	pending atomic.Int32 // tasks to wait for in the present phase
}

// chunk counts what a range of scalars holds; then it is where the range's
// terms and units begin.
type chunk struct{ terms, units int }

// slot holds one sorted window. There are few: it goes from window to window.
type slot struct {
	picks   []uint32
	ends    []uint32
	pending atomic.Int32 // parts that are yet to be added up
}

// windowGroup is consecutive windows whose buckets are summed up together.
type windowGroup[A any] struct {
	first, windows int
	once           sync.Once
	points         []A          // the buckets, and room for their sums
	pending        atomic.Int32 // windows that are yet to be added up
}

// release gives the buckets' memory back, if there is any.
func (g *windowGroup[A]) release() {
	scratch.Return(g.points)
	g.points = nil
}

func (j *job[A, J, P]) start(q *parallel.Queue, rank int) {
	j.queue, j.rank = q, rank
	j.then(j.classify)
}

// then queues one task.
func (j *job[A, J, P]) then(f func(thread int)) {
	j.queue.Add(j.rank, func(thread int) error { f(thread); return nil })
}

// phase queues n tasks, and after the last of them next. With no task at all
// next is queued at once.
func (j *job[A, J, P]) phase(n int, task func(thread, i int), next func(thread int)) {
	if n == 0 {
		j.then(next)
		return
	}
	j.pending.Store(int32(n))
	for i := range n {
		j.then(func(thread int) {
			task(thread, i)
			j.arrive(next)
		})
	}
}

// arrive notes the end of one of the tasks of a phase.
func (j *job[A, J, P]) arrive(next func(thread int)) {
	if j.pending.Add(-1) == 0 {
		j.then(next)
	}
}

// tree returns the thread's scratch memory.
func (j *job[A, J, P]) tree(thread int) *tree[A] {
	if j.trees[thread] == nil {
		m := j.group.memory()
		if j.trees[thread] = m.tree(j.set.Portable); j.trees[thread] == nil {
			j.trees[thread] = newTree(j.group.adder(j.set.Portable))
		}
	}
	return j.trees[thread]
}

func (j *job[A, J, P]) classify(int) {
	if j.started != nil {
		j.started()
	}
	j.trees = make([]*tree[A], j.set.Threads)
	j.chunks = make([]chunk, (len(j.scalars)+recodeTerms-1)/recodeTerms)
	j.phase(len(j.chunks), func(_, i int) {
		lo, hi := j.chunk(i)
		for k := lo; k < hi; k++ {
			switch kindOf(&j.scalars[k]) {
			case plus, minus:
				j.chunks[i].units++
			case other:
				j.chunks[i].terms++
			}
		}
	}, j.recode)
}

func (j *job[A, J, P]) chunk(i int) (lo, hi int) {
	return i * recodeTerms, min((i+1)*recodeTerms, len(j.scalars))
}

// recode lists terms and units, and cuts the terms' scalars into digits.
func (j *job[A, J, P]) recode(int) {
	var sum chunk
	for i, n := range j.chunks {
		j.chunks[i] = sum
		sum.terms += n.terms
		sum.units += n.units
	}
	j.c = j.set.Window
	if j.c == 0 {
		j.c = window(sum.terms)
	}
	j.windows, j.size = numWindows(j.c), 1<<(j.c-1)
	j.terms, j.units = scratch.Lend[uint32](sum.terms), scratch.Lend[uint32](sum.units)
	j.stride = stride(sum.terms)
	j.digits = scratch.Lend[int16](j.stride * j.windows)
	j.phase(len(j.chunks), j.recodeChunk, j.accumulate)
}

// recodeChunk does recode's work on one range of scalars.
func (j *job[A, J, P]) recodeChunk(_, i int) {
	lo, hi := j.chunk(i)
	at := j.chunks[i]
	var r recoder
	flush := func() { r.flush(j.digits[at.terms-r.n:], j.stride, j.c) }
	for k := lo; k < hi; k++ {
		switch kindOf(&j.scalars[k]) {
		case plus:
			j.units[at.units] = uint32(2 * k)
			at.units++
		case minus:
			j.units[at.units] = uint32(2*k + 1)
			at.units++
		case other:
			j.terms[at.terms] = uint32(k)
			at.terms++
			if r.add(&j.scalars[k]); r.n == recodeBatch {
				flush()
			}
		}
	}
	flush()
}
