// Package evm is Provery's client for chains of the EVM: it deploys verifier
// contracts, checks that a deployed one belongs to a verifying key, and gets
// transactions into a chain for good.
//
//	c, err := evm.Dial(ctx, "https://…", evm.Options{ChainID: 11155111, Confirmations: 12})
//	…
//	sender, err := c.Sender(ctx, signer)
//	outcome, err := sender.Do(ctx, evm.Call{ID: "root-17", To: &contract, Data: data})
//
// A Sender owns the nonces of its account. What it has accepted it brings into
// the chain whatever happens in between: it sends again what a node has
// forgotten or a reorganisation has thrown out, and raises the fees of what is
// stuck. All of that happens under one nonce, so that a call is made at most
// once; with a durable Journal also across a crash of the process.
package evm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
)

// Backend is what the client needs of a node. *ethclient.Client is one, and so
// are the clients of go-ethereum's simulated chain.
type Backend interface {
	ethereum.ChainIDReader
	ethereum.ChainReader
	ethereum.ChainStateReader
	ethereum.PendingStateReader
	ethereum.ContractCaller
	ethereum.GasEstimator
	ethereum.GasPricer
	ethereum.GasPricer1559
	ethereum.TransactionReader
	ethereum.TransactionSender
}

// Options say which chain a client is for, and how careful it is.
type Options struct {
	// ChainID is the chain that transactions are meant for. It is required:
	// a node of another chain is *WrongChainError before anything is signed.
	ChainID uint64
	// Confirmations is the number of blocks, the transaction's own included,
	// after which it counts as final: 1 by default, which is right for chains
	// that are never reorganised only. See docs/voc.md.
	Confirmations uint64
	// Finalized waits as well until the chain itself calls the block final, as
	// Ethereum does after some 13 minutes. Not all nodes and chains can tell.
	Finalized bool
	// Poll is the time between two looks at the chain, 2 s by default.
	Poll time.Duration
	// Fees say what may be paid.
	Fees Fees
	// Journal keeps what was submitted. The default forgets with the process.
	Journal Journal
	// ABIs are those of the contracts that are called, whose custom errors
	// reverts are explained by. The verifiers' own are always known.
	ABIs []abi.ABI
	// Log hears of transactions that were sent again, repriced or thrown out.
	// The default is silent.
	Log *slog.Logger
}

// WrongChainError says that a node isn't one of the chain that was asked for.
type WrongChainError struct{ Want, Got uint64 }

func (e *WrongChainError) Error() string {
	return fmt.Sprintf("wrong chain: the node is one of chain %d, want %d", e.Got, e.Want)
}

// ErrClosed is the error of what was under way when the client was closed. A
// journal that lasts has it, and the next process goes on with it.
var ErrClosed = errors.New("the client was closed")

// Client uses one chain by one node. It is safe for concurrent use.
type Client struct {
	backend Backend
	options Options
	errors  errorTable
	close   func()

	mu      sync.Mutex
	senders map[common.Address]*Sender
	closed  bool
}

// Dial connects to a node by its JSON-RPC endpoint, http(s), ws(s) or a
// socket's path, and checks the chain.
func Dial(ctx context.Context, endpoint string, o Options) (*Client, error) {
	node, err := ethclient.DialContext(ctx, endpoint)
	if err != nil {
		return nil, fmt.Errorf("connect to the chain: %w", err)
	}
	c, err := New(ctx, node, o)
	if err != nil {
		node.Close()
		return nil, err
	}
	c.close = node.Close
	return c, nil
}

// New is Dial with a connection that the caller closes.
func New(ctx context.Context, b Backend, o Options) (*Client, error) {
	if o.ChainID == 0 {
		return nil, errors.New("the chain's id is missing: without it a transaction could be signed for any chain")
	}
	if o.Confirmations == 0 {
		o.Confirmations = 1
	}
	if o.Poll <= 0 {
		o.Poll = 2 * time.Second
	}
	if o.Journal == nil {
		o.Journal = NewMemoryJournal()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{
		backend: b, options: o, errors: newErrorTable(o.ABIs), close: func() {},
		senders: map[common.Address]*Sender{},
	}
	return c, c.CheckChain(ctx)
}

// CheckChain asks the node for its chain. Senders do it before they sign.
func (c *Client) CheckChain(ctx context.Context) error {
	id, err := c.backend.ChainID(ctx)
	if err != nil {
		return fmt.Errorf("ask for the chain's id: %w", err)
	}
	if !id.IsUint64() || id.Uint64() != c.options.ChainID {
		return &WrongChainError{Want: c.options.ChainID, Got: id.Uint64()}
	}
	return nil
}

// chainID returns the id that transactions are signed for.
func (c *Client) chainID() *big.Int { return new(big.Int).SetUint64(c.options.ChainID) }

// Backend returns the connection, for reads that the client has no method for.
func (c *Client) Backend() Backend { return c.backend }

// Sender returns the sender of the signer's account, one for all callers. It
// goes on at once with what the journal holds for it. No other program may use
// the account meanwhile: two that hand out nonces take each other's.
func (c *Client) Sender(ctx context.Context, signer Signer) (*Sender, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	if s := c.senders[signer.Address()]; s != nil {
		return s, nil
	}
	s, err := newSender(ctx, c, signer)
	if err != nil {
		return nil, err
	}
	c.senders[signer.Address()] = s
	return s, nil
}

// Close stops the senders and waits for them. What isn't final yet stays in the
// journal.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	senders := c.senders
	c.senders = nil
	c.mu.Unlock()
	for _, s := range senders {
		s.stop()
	}
	if senders != nil {
		c.close()
	}
}
