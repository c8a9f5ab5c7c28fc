// Package operator runs a payments ledger: it takes signed transfers, has batches
// of them proven by a proving service, and settles them in order on a chain.
//
// What a transfer has come to is in the database before anybody hears of it, and
// every step starts from there. So an operator that is killed at any time goes on
// where it was: asking for a proof once more gives the same job, and sending a batch
// once more the same transaction.
package operator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"sync"
	"time"

	"provery/client"
	"provery/client/evm"
	"provery/examples/rollup/chain"
	"provery/examples/rollup/ledger"
)

// Settler is the ledger's contract.
type Settler interface {
	Head(ctx context.Context) (chain.Head, error)
	Settle(ctx context.Context, s chain.Settlement) (*evm.Mined, error)
}

// Config is what an operator works with.
type Config struct {
	Proving *client.Client
	Chain   Settler
	// Linger is how long a transfer waits for others to fill its batch.
	Linger time.Duration
	// Proofs is the number of proofs that are asked for at a time.
	Proofs int
	// Pause is the time before something that failed is tried again.
	Pause time.Duration
	Log   *slog.Logger
	// Fail is called at every transition. An error stops the operator there, as a
	// crash would. It is for tests; nil does nothing.
	Fail func(at Point, number int64) error
}

// Point is a place between two transitions.
type Point string

// The points of a transfer's life, in order.
const (
	Accepted Point = "accepted" // is in the database; the client doesn't know
	Sealed   Point = "sealed"   // a batch was made
	Asking   Point = "asking"   // for the proof, before the request
	Asked    Point = "asked"    // the service has the job
	Made     Point = "made"     // the proof is there, not in the database
	Proven   Point = "proven"   // and now it is
	Settling Point = "settling" // before the transaction
	Mined    Point = "mined"    // the chain has the batch, the database doesn't know
	Settled  Point = "settled"  // and now it does
)

// Operator runs one ledger. It is safe for concurrent use.
type Operator struct {
	Config
	Setup
	store  *Store
	domain *big.Int

	mu     sync.Mutex // guards ledger, and the order in which the store accepts
	ledger *ledger.Ledger
	broken error // why nothing is accepted any more

	stop                       chan error // has broken, once
	sealing, proving, settling signal
	problems                   problems
}

// New returns an operator of the store's ledger.
func New(ctx context.Context, s *Store, c Config) (*Operator, error) {
	if s.setup == nil {
		return nil, errors.New("the database has no ledger")
	}
	domain, err := ledger.Decimal(s.setup.Domain).Int()
	if err != nil {
		return nil, fmt.Errorf("read the ledger's domain: %w", err)
	}
	o := &Operator{Config: c, Setup: *s.setup, store: s, domain: domain, stop: make(chan error, 1)}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.sealing, o.proving, o.settling = newSignal(), newSignal(), newSignal()
	accounts, err := s.accounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the accounts: %w", err)
	}
	o.ledger, err = ledger.New(o.domain, accounts)
	return o, err
}

// Run works until ctx ends, or until Config.Fail or the database fails.
func (o *Operator) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, loop := range []func(context.Context) error{o.seal, o.prove, o.settle} {
		wg.Go(func() {
			if err := loop(ctx); err != nil {
				cancel(err)
			}
		})
	}
	select {
	case err := <-o.stop:
		cancel(err)
	case <-ctx.Done():
	}
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (o *Operator) at(p Point, number int64) error {
	if o.Fail == nil {
		return nil
	}
	return o.Fail(p, number)
}

// Accept makes a transfer. One that was made before is returned as it is; a
// transfer that the ledger refuses is a *ledger.Refusal. When Accept returns, the
// transfer survives a crash.
func (o *Operator) Accept(ctx context.Context, signed ledger.Signed) (t *Transfer, existed bool, err error) {
	// A client that goes away must not end a write: whether it took place wouldn't
	// be known.
	ctx = context.WithoutCancel(ctx)
	id := signed.ID(o.domain)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken != nil {
		return nil, false, o.broken
	}
	if t, err := o.store.Transfer(ctx, id); t != nil || err != nil {
		return t, true, err
	}
	step, err := o.ledger.Apply(signed)
	if err != nil {
		return nil, false, err
	}
	made := Transfer{ID: id, Signed: signed, Accepted: time.Now()}
	if made.Sequence, err = o.store.accept(ctx, made, step, o.ledger); err == nil {
		err = o.at(Accepted, made.Sequence)
	}
	if err != nil {
		// The ledger in memory may be ahead of the database: nothing may be built
		// on it. A new operator starts from the database.
		o.broken = fmt.Errorf("the operator has stopped: %w", err)
		o.stop <- o.broken
		return nil, false, o.broken
	}
	o.sealing.raise()
	return &made, false, nil
}

// Account returns an account as after all transfers that were accepted.
func (o *Operator) Account(n uint32) (ledger.Account, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ledger.Account(n)
}

// Root returns the root after all transfers that were accepted.
func (o *Operator) Root() *big.Int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ledger.Root()
}

// seal puts transfers into batches, when they fill one or have waited long enough.
func (o *Operator) seal(ctx context.Context) error {
	for {
		waiting, err := o.store.waiting(ctx, o.Batch)
		if err != nil {
			return ignoreEnd(ctx, err)
		}
		wait := time.Hour
		if len(waiting) > 0 {
			wait = time.Until(waiting[0].Accepted.Add(o.Linger))
		}
		if len(waiting) < o.Batch && wait > 0 {
			if !o.sealing.wait(ctx, wait) {
				return nil
			}
			continue
		}
		number, err := o.store.seal(ctx, o.Batch, time.Now())
		if err != nil {
			return ignoreEnd(ctx, err)
		}
		if err := o.at(Sealed, number); err != nil {
			return err
		}
		o.proving.raise()
	}
}

// ignoreEnd returns nil for an error that comes of the context's end.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
