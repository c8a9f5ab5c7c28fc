package msm

import "sync"

// Pools keep scratch memory from one multiplication to the next, so that a
// proof of a circuit that was proven before allocates next to nothing. The
// collector empties them when they aren't used. They hold no state.
var (
	words    slices[uint32]
	halves   slices[int16]
	memoryG1 pool[pointG1]
	memoryG2 pool[pointG2]
)

// slices is a pool of slices.
type slices[T any] struct{ pool sync.Pool }

// get returns a slice of n elements, of any content.
func (s *slices[T]) get(n int) []T {
	if v, ok := s.pool.Get().(*[]T); ok && cap(*v) >= n {
		return (*v)[:n]
	}
	return make([]T, n)
}

func (s *slices[T]) put(v []T) { s.pool.Put(&v) }

// pool keeps the memory of one group.
type pool[A any] struct {
	points slices[A]
	trees  [2]sync.Pool // portable or not
}

func index(portable bool) int {
	if portable {
		return 1
	}
	return 0
}

// tree returns a thread's scratch memory, or nil if there is none.
func (p *pool[A]) tree(portable bool) *tree[A] {
	t, _ := p.trees[index(portable)].Get().(*tree[A])
	return t
}

func (p *pool[A]) putTree(t *tree[A], portable bool) { p.trees[index(portable)].Put(t) }
