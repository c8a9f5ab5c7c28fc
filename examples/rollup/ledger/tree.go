package ledger

import "math/big"

// Depth is the circuit's DEPTH: the tree has 2^Depth leaves.
const Depth = 10

// MaxAccounts is the number of leaves.
const MaxAccounts = 1 << Depth

// tree is a Merkle tree of Poseidon hashes. A leaf without an account is 0, which no
// account hashes to.
type tree struct {
	nodes [2 * MaxAccounts]*big.Int // the root is 1, the children of i are 2i and 2i+1
}

func newTree(leaves []*big.Int) *tree {
	t := new(tree)
	for i := range MaxAccounts {
		t.nodes[MaxAccounts+i] = new(big.Int)
		if i < len(leaves) {
			t.nodes[MaxAccounts+i] = leaves[i]
		}
	}
	empty := new(big.Int) // the root of a part without accounts, level by level
	for level, size := MaxAccounts/2, len(leaves); level >= 1; level /= 2 {
		size = (size + 1) / 2
		empty = hash(empty, empty)
		for i := level; i < 2*level; i++ {
			t.nodes[i] = empty
			if i < level+size {
				t.nodes[i] = hash(t.nodes[2*i], t.nodes[2*i+1])
			}
		}
	}
	return t
}

func (t *tree) root() *big.Int { return t.nodes[1] }

// set replaces a leaf.
func (t *tree) set(i uint32, leaf *big.Int) {
	n := MaxAccounts + int(i)
	t.nodes[n] = leaf
	for n /= 2; n >= 1; n /= 2 {
		t.nodes[n] = hash(t.nodes[2*n], t.nodes[2*n+1])
	}
}

// path returns the siblings on the way to the root, the leaf's own first.
func (t *tree) path(i uint32) (siblings [Depth]*big.Int) {
	n := MaxAccounts + int(i)
	for level := range siblings {
		siblings[level] = t.nodes[n^1]
		n /= 2
	}
	return siblings
}
