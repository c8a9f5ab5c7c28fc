package evm

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
)

// TestOnceWhateverHappens submits calls while, in an order that is drawn, blocks
// come, are thrown out of the chain, the node forgets what it has, and the process
// ends and starts again. At the end each call is in the chain once. The
// reorganisations are less deep than what counts as final.
func TestOnceWhateverHappens(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	p := &play{chain: newChain(t), random: rand.New(rand.NewPCG(seed, 0)), journal: filepath.Join(t.TempDir(), "journal")}
	p.start()
	for range 60 {
		p.act()
	}
	for _, call := range p.calls {
		p.settled(p.submit(p.sender, call))
	}
	p.end()
	times := p.inChain()
	for _, call := range p.calls {
		if n := times[string(call.Data)]; n != 1 {
			t.Errorf("call %s is in the chain %d times, want once", call.ID, n)
		}
	}
}

// deep is the number of confirmations in the play.
const deep = 5

// play is a chain with a client on it that things happen to.
type play struct {
	*chain
	random  *rand.Rand
	journal string
	calls   []Call

	file   *FileJournal
	client *Client
	sender *Sender
}

// start begins a process.
func (p *play) start() {
	p.file = openJournal(p.t, p.journal)
	p.client = p.chain.client(Options{Confirmations: deep, Journal: p.file, Fees: Fees{StuckBlocks: 3}, Poll: time.Millisecond})
	p.sender = p.chain.sender(p.client)
}

// end ends it, wherever it is.
func (p *play) end() {
	p.client.Close()
	closeJournal(p.t, p.file)
}

// act does one thing.
func (p *play) act() {
	switch n := p.random.IntN(20); {
	case n < 7: // a new call
		id := fmt.Sprintf("call-%d", len(p.calls))
		call := nothing(id)
		call.Data = []byte(id)
		p.calls = append(p.calls, call)
		p.submit(p.sender, call)
	case n < 8 && len(p.calls) > 0: // an old one again
		p.submit(p.sender, p.calls[p.random.IntN(len(p.calls))])
	case n < 15:
		p.backend.Commit()
	case n < 17:
		p.backend.Rollback()
	case n < 18:
		p.end()
		p.start()
	default:
		p.reorganise()
	}
}

// reorganise replaces the last blocks, fewer than make a result final.
func (p *play) reorganise() {
	p.t.Helper()
	head, err := p.backend.Client().BlockNumber(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	depth := uint64(1 + p.random.IntN(deep-2))
	if head <= depth {
		return
	}
	parent, err := p.backend.Client().HeaderByNumber(p.t.Context(), new(big.Int).SetUint64(head-depth))
	if err != nil {
		p.t.Fatal(err)
	}
	// Fork wants a pool without transactions, and the sender may have sent one just
	// now.
	eventually(p.t, "the chain forks", func() bool {
		p.backend.Rollback()
		return p.backend.Fork(parent.Hash()) == nil
	})
	for range depth + 1 {
		p.backend.Commit()
	}
}

// inChain counts the account's transactions in the chain by their data.
func (p *play) inChain() map[string]int {
	p.t.Helper()
	times := map[string]int{}
	head, err := p.backend.Client().BlockNumber(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for number := range head + 1 {
		block, err := p.backend.Client().BlockByNumber(p.t.Context(), new(big.Int).SetUint64(number))
		if err != nil {
			p.t.Fatal(err)
		}
		for _, tx := range block.Transactions() {
			if from, err := types.Sender(types.LatestSignerForChainID(tx.ChainId()), tx); err == nil && from == p.sender.Address() {
				times[string(tx.Data())]++
			}
		}
	}
	return times
}
