package msm

import "sync"

// Pools keep the scratch memory of threads from one multiplication to the next.
// The collector empties them when they aren't used. They hold no state.
var (
	memoryG1 pool[pointG1]
	memoryG2 pool[pointG2]
)

// pool keeps the memory of one group.
type pool[A any] struct {
	trees [2]sync.Pool // portable or not
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
