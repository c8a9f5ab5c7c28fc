package evm

import (
	"errors"
	"math/big"
	"slices"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"
)

// nothing is a call that does nothing.
func nothing(id string) Call {
	return Call{ID: id, To: &common.Address{19: 0x77}, Gas: 50_000}
}

// nonce returns the number of the account's transactions in the chain.
func (c *chain) nonce(s *Sender) uint64 {
	c.t.Helper()
	n, err := c.backend.Client().NonceAt(c.t.Context(), s.Address(), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

func (c *chain) submit(s *Sender, call Call) *Submission {
	c.t.Helper()
	sub, err := s.Submit(c.t.Context(), call)
	if err != nil {
		c.t.Fatal(err)
	}
	return sub
}

// settled makes blocks until a submission has succeeded.
func (c *chain) settled(sub *Submission) *Mined {
	c.t.Helper()
	m, err := c.mine(sub)
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

// TestDropped has the node forget a transaction before it is in a block.
func TestDropped(t *testing.T) {
	t.Parallel()
	c, log := newChain(t), new(heardLog)
	s := c.sender(c.client(Options{Log: log.logger()}))
	sub := c.submit(s, nothing("a"))
	c.backend.Rollback()
	eventually(t, "the transaction is sent again", func() bool { return log.contains("sent a transaction again") })
	c.settled(sub)
	if got := c.nonce(s); got != 1 || len(sub.Hashes()) != 1 {
		t.Errorf("got %d transactions in the chain and %d attempts, want one", got, len(sub.Hashes()))
	}
}

// TestReorganisation throws the block of a transaction out of the chain before
// it is final, and the transaction with it.
func TestReorganisation(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.sender(c.client(Options{Confirmations: 4}))
	parent, err := c.backend.Client().HeaderByNumber(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	sub := c.submit(s, nothing("a"))
	c.backend.Commit()
	eventually(t, "the transaction is seen in a block", func() bool { return sub.Mined() != nil })
	before := sub.Mined()
	if err := c.backend.Fork(parent.Hash()); err != nil {
		t.Fatal(err)
	}
	c.backend.Rollback()
	for range 3 {
		c.backend.Commit()
	}
	after := c.settled(sub)
	if after.BlockHash == before.BlockHash {
		t.Errorf("the transaction is final in block %v, which was thrown out", after.BlockHash)
	}
	block, err := c.backend.Client().HeaderByNumber(t.Context(), new(big.Int).SetUint64(after.Block))
	if err != nil || block.Hash() != after.BlockHash {
		t.Errorf("got block %v, which isn't in the chain (%v)", after.BlockHash, err)
	}
	if got := c.nonce(s); got != 1 {
		t.Errorf("got %d transactions in the chain, want one", got)
	}
}

// TestConfirmations has a transaction wait until its block is deep enough.
func TestConfirmations(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.sender(c.client(Options{Confirmations: 3}))
	m := c.settled(c.submit(s, nothing("a")))
	head, err := c.backend.Client().BlockNumber(t.Context())
	if err != nil || head < m.Block+2 {
		t.Errorf("final in block %d with the head at %d (%v), want two blocks on top", m.Block, head, err)
	}
}

// TestFinalized has a transaction wait until the chain calls its block final.
func TestFinalized(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.sender(c.client(Options{Finalized: true}))
	m := c.settled(c.submit(s, nothing("a")))
	final, err := c.backend.Client().HeaderByNumber(t.Context(), big.NewInt(int64(rpc.FinalizedBlockNumber)))
	if err != nil || final.Number.Uint64() < m.Block {
		t.Errorf("final in block %d with the finalized block %v (%v)", m.Block, final, err)
	}
}

// TestSentTwice has the transaction in the chain when the node refuses it: what
// stands between has sent it twice, and gives the second answer.
func TestSentTwice(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	n := c.node()
	n.setSend(func(tx *types.Transaction) (bool, error) {
		if err := n.Backend.SendTransaction(t.Context(), tx); err != nil {
			return true, err
		}
		c.backend.Commit()
		return true, n.Backend.SendTransaction(t.Context(), tx)
	})
	s := c.sender(c.clientOf(n, Options{}))
	c.settled(c.submit(s, nothing("a")))
	if got := c.nonce(s); got != 1 {
		t.Errorf("got %d transactions in the chain, want one", got)
	}
}

// TestStuck has a transaction that no block takes until it offers more.
func TestStuck(t *testing.T) {
	t.Parallel()
	for _, legacy := range []bool{false, true} {
		c := newChain(t)
		n := c.node()
		n.holdFirst()
		s := c.sender(c.clientOf(n, Options{Fees: Fees{StuckBlocks: 2, Legacy: legacy}}))
		sub := c.submit(s, nothing("a"))
		first := sub.Hashes()[0]
		m := c.settled(sub)
		if m.Hash == first || !slices.Contains(sub.Hashes(), m.Hash) {
			t.Errorf("got transaction %v, want one of %v but the first", m.Hash, sub.Hashes())
		}
		old, mined := n.holds[first], new(types.Transaction)
		if err := mined.UnmarshalBinary(sub.record.Attempts[1].Raw); err != nil {
			t.Fatal(err)
		}
		if mined.Nonce() != old.Nonce() || mined.GasFeeCap().Cmp(plusEighth(old.GasFeeCap())) < 0 || mined.GasTipCap().Cmp(plusEighth(old.GasTipCap())) < 0 {
			t.Errorf("got a cap of %v and a tip of %v after %v and %v, want an eighth more", mined.GasFeeCap(), mined.GasTipCap(), old.GasFeeCap(), old.GasTipCap())
		}
		if wantLegacy := mined.Type() == types.LegacyTxType; wantLegacy != legacy {
			t.Errorf("got a transaction of type %d", mined.Type())
		}
		c.backend.Commit()
		if got := c.nonce(s); got != 1 {
			t.Errorf("got %d transactions in the chain, want one", got)
		}
	}
}

// TestConnectionLost loses the connection while a transaction is sent.
func TestConnectionLost(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	n := c.node()
	n.loseFirst()
	s := c.sender(c.clientOf(n, Options{}))
	c.settled(c.submit(s, nothing("a")))
	if got := c.nonce(s); got != 1 {
		t.Errorf("got %d transactions in the chain, want one", got)
	}
}

// TestReordered has the first of three transactions come to the node last.
func TestReordered(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	n := c.node()
	n.loseFirst()
	s := c.sender(c.clientOf(n, Options{}))
	var mined []*Mined
	subs := []*Submission{c.submit(s, nothing("a")), c.submit(s, nothing("b")), c.submit(s, nothing("c"))}
	for i, sub := range subs {
		if sub.Nonce() != uint64(i) {
			t.Errorf("submission %d has nonce %d", i, sub.Nonce())
		}
		mined = append(mined, c.settled(sub))
	}
	if mined[0].Block > mined[1].Block || mined[1].Block > mined[2].Block {
		t.Errorf("got blocks %d, %d and %d", mined[0].Block, mined[1].Block, mined[2].Block)
	}
}

// TestManySenders submits from many goroutines, which all ask for a sender.
func TestManySenders(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	client := c.client(Options{})
	const goroutines, each = 6, 5
	subs := make(chan *Submission, goroutines*each)
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			s, err := client.Sender(t.Context(), NewKeySigner(c.key))
			for range each {
				var sub *Submission
				if err == nil {
					sub, err = s.Submit(t.Context(), nothing(""))
				}
				if err != nil {
					t.Error(err)
					return
				}
				subs <- sub
			}
		})
	}
	group.Wait()
	close(subs)
	var nonces []uint64
	for sub := range subs {
		c.settled(sub)
		nonces = append(nonces, sub.Nonce())
	}
	slices.Sort(nonces)
	for i, n := range nonces {
		if n != uint64(i) {
			t.Fatalf("got nonces %v, want each once", nonces)
		}
	}
}

// foreign sends a transaction of the account past the sender.
func (c *chain) foreign(nonce uint64) {
	c.t.Helper()
	price := big.NewInt(100_000_000_000)
	tx, err := types.SignNewTx(c.key, types.LatestSignerForChainID(big.NewInt(simulatedID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(simulatedID), Nonce: nonce, GasTipCap: price, GasFeeCap: price, Gas: 21000, To: &common.Address{},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.backend.Client().SendTransaction(c.t.Context(), tx); err != nil {
		c.t.Fatal(err)
	}
}

// TestDisplaced has another program take the nonce. The call isn't made again
// behind the caller's back, but on request.
func TestDisplaced(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.sender(c.client(Options{Confirmations: 2}))
	sub := c.submit(s, nothing("a"))
	c.foreign(0) // offers more, and replaces it
	if m, err := c.mine(sub); !errors.Is(err, ErrDisplaced) {
		t.Fatalf("got %+v, %v, want a displaced transaction", m, err)
	}
	again := c.submit(s, nothing("a"))
	c.settled(again)
	if again.Nonce() != 1 {
		t.Errorf("got nonce %d, want 1", again.Nonce())
	}
}

// TestGap has the sender wait for a nonce that another program has given up.
func TestGap(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.sender(c.client(Options{Fees: Fees{StuckBlocks: 2}}))
	c.foreign(0)
	eventually(t, "the node counts the other transaction", func() bool {
		n, err := c.backend.Client().PendingNonceAt(t.Context(), s.Address())
		return err == nil && n == 1
	})
	sub := c.submit(s, nothing("a"))
	if sub.Nonce() != 1 {
		t.Fatalf("got nonce %d, want 1", sub.Nonce())
	}
	c.backend.Rollback()
	c.settled(sub)
	if got := c.nonce(s); got != 2 {
		t.Errorf("got %d transactions in the chain, want two", got)
	}
}
