// Package rollup puts a payments ledger together: its operator, the proving service
// behind it, and its contract on a chain. README.md has the picture.
package rollup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"

	"provery/client"
	"provery/client/evm"
	"provery/examples/rollup/chain"
	"provery/examples/rollup/ledger"
	"provery/examples/rollup/operator"
	"provery/examples/rollup/proving"
)

// Options are what a ledger is made of.
type Options struct {
	Database string // path of the operator's
	Proving  *client.Client
	RPC      string // of a node of the chain
	ChainID  uint64
	Signer   evm.Signer // of the account that pays for the transactions
	// Confirmations is the number of blocks after which a transaction is final.
	Confirmations uint64
	Poll          time.Duration // of the chain
	// Genesis is what the ledger starts with, if the database has none yet. Then
	// the circuit in CircuitDir is registered, and the contract for its number of
	// transfers in a proof compiled and deployed.
	Genesis    []ledger.Account
	CircuitDir string
	Compile    func(ctx context.Context, batch int) (*chain.Contract, error)

	Linger time.Duration // see operator.Config
	Proofs int
	Pause  time.Duration
	Log    *slog.Logger
	Fail   func(at operator.Point, number int64) error
}

// Rollup is a ledger at work.
type Rollup struct {
	Operator *operator.Operator
	Store    *operator.Store
	Chain    *chain.Ledger
	Client   *evm.Client
}

// Open opens the ledger of a database, and makes it first if there is none. If
// making it is interrupted, opening it again goes on there.
func Open(ctx context.Context, o Options) (r *Rollup, err error) {
	r = &Rollup{}
	if r.Store, err = operator.OpenStore(ctx, o.Database); err != nil {
		return nil, err
	}
	if err = r.open(ctx, o); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Close closes connections and database. The operator must have ended.
func (r *Rollup) Close() {
	if r.Client != nil {
		r.Client.Close()
	}
	_ = r.Store.Close()
}

func (r *Rollup) open(ctx context.Context, o Options) error {
	var contract *chain.Contract
	var err error
	setup := r.Store.Setup()
	if setup == nil {
		if setup, contract, err = prepare(ctx, o); err != nil {
			return err
		}
	}
	if setup.ChainID != o.ChainID {
		return fmt.Errorf("the ledger is on chain %d, not on %d", setup.ChainID, o.ChainID)
	}
	parsed, err := chain.ParseABI(setup.ABI)
	if err != nil {
		return err
	}
	r.Client, err = evm.Dial(ctx, o.RPC, evm.Options{
		ChainID: o.ChainID, Confirmations: o.Confirmations, Poll: o.Poll,
		Journal: r.Store.Journal(), ABIs: []abi.ABI{parsed}, Log: o.Log,
	})
	if err != nil {
		return err
	}
	sender, err := r.Client.Sender(ctx, o.Signer)
	if err != nil {
		return err
	}
	verifyingKey, err := o.Proving.VerifyingKey(ctx, setup.Circuit, setup.Keys)
	if err != nil {
		return fmt.Errorf("ask the proving service for the verifying key: %w", err)
	}
	if contract != nil {
		if err := r.create(ctx, setup, contract, sender, verifyingKey, o.Genesis); err != nil {
			return err
		}
	}
	r.Chain = chain.NewLedger(r.Client, sender, parsed, setup.Contract, o.Confirmations)
	r.Operator, err = operator.New(ctx, r.Store, operator.Config{
		Proving: o.Proving, Chain: r.Chain,
		Linger: o.Linger, Proofs: o.Proofs, Pause: o.Pause, Log: o.Log, Fail: o.Fail,
	})
	if err != nil {
		return err
	}
	// What is trusted has to be what it is taken for: the contract the chain's and
	// its own address's, its verifier that of the keys that the service proves with.
	if err := r.Chain.CheckDomain(ctx, chain.Domain(setup.ChainID, setup.Contract)); err != nil {
		return err
	}
	return r.Chain.CheckVerifier(ctx, verifyingKey)
}

// prepare registers the circuit and compiles the contract of a new ledger.
func prepare(ctx context.Context, o Options) (*operator.Setup, *chain.Contract, error) {
	if len(o.Genesis) == 0 {
		return nil, nil, errors.New("the database has no ledger: give the accounts that a new one starts with")
	}
	circuit, err := proving.Register(ctx, o.Proving, o.CircuitDir)
	if err != nil {
		return nil, nil, err
	}
	contract, err := o.Compile(ctx, circuit.Batch)
	if err != nil {
		return nil, nil, err
	}
	return &operator.Setup{
		Circuit: circuit.ID, Keys: circuit.Keys, Batch: circuit.Batch, ChainID: o.ChainID, ABI: contract.ABI,
	}, contract, nil
}

// create deploys the contracts and fills the database.
func (r *Rollup) create(ctx context.Context, s *operator.Setup, c *chain.Contract, sender *evm.Sender, verifyingKey []byte, genesis []ledger.Account) error {
	first, err := ledger.New(new(big.Int), genesis) // the root doesn't depend on the domain
	if err != nil {
		return err
	}
	deployed, err := c.Deploy(ctx, sender, verifyingKey, first.Root())
	if err != nil {
		return err
	}
	s.Contract, s.Gas = deployed.Ledger, deployed.Gas
	s.Domain = chain.Domain(s.ChainID, s.Contract).String()
	return r.Store.Create(ctx, *s, genesis)
}
