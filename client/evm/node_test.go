package evm

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/big"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// node is a node that can be made to misbehave.
type node struct {
	Backend
	mu    sync.Mutex
	chain int64                                  // its chain id, if not 0
	send  func(*types.Transaction) (bool, error) // takes a transaction instead of the node if it returns true
	holds map[common.Hash]*types.Transaction     // that it says it has, and no block ever gets
}

func (c *chain) node() *node {
	return &node{Backend: c.backend.Client(), holds: map[common.Hash]*types.Transaction{}}
}

func (n *node) ChainID(ctx context.Context) (*big.Int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.chain != 0 {
		return big.NewInt(n.chain), nil
	}
	return n.Backend.ChainID(ctx)
}

func (n *node) SendTransaction(ctx context.Context, tx *types.Transaction) error {
	n.mu.Lock()
	send := n.send
	n.mu.Unlock()
	if send != nil {
		if done, err := send(tx); done {
			return err
		}
	}
	return n.Backend.SendTransaction(ctx, tx)
}

func (n *node) TransactionByHash(ctx context.Context, hash common.Hash) (*types.Transaction, bool, error) {
	n.mu.Lock()
	tx := n.holds[hash]
	n.mu.Unlock()
	if tx != nil {
		return tx, true, nil
	}
	return n.Backend.TransactionByHash(ctx, hash)
}

// setSend replaces what happens to transactions.
func (n *node) setSend(f func(*types.Transaction) (bool, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.send = f
}

// holdFirst keeps the first transaction that is sent, and lets the others pass.
func (n *node) holdFirst() {
	n.setSend(func(tx *types.Transaction) (bool, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		if len(n.holds) > 0 && n.holds[tx.Hash()] == nil {
			return false, nil
		}
		n.holds[tx.Hash()] = tx
		return true, nil
	})
}

// errConnection is what a lost connection looks like.
var errConnection = errors.New("connection reset by peer")

// loseFirst loses the first transaction that is sent with an error of the
// connection, and lets the others pass.
func (n *node) loseFirst() {
	lost := false
	n.setSend(func(*types.Transaction) (bool, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		first := !lost
		lost = true
		return first, errConnection
	})
}

// heardLog is a log that can be read while it is written.
type heardLog struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *heardLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *heardLog) contains(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.out.Bytes(), []byte(text))
}

func (l *heardLog) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
