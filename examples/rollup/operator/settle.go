package operator

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"provery/client/evm"
	"provery/examples/rollup/chain"
	"provery/examples/rollup/ledger"
)

// settle brings the proven batches to the chain, one after another.
func (o *Operator) settle(ctx context.Context) error {
	for {
		b, err := o.store.unsettled(ctx)
		if err != nil {
			return ignoreEnd(ctx, err)
		}
		if b == nil || b.Proof == nil {
			if !o.settling.wait(ctx, time.Hour) {
				return nil
			}
			continue
		}
		err = o.settleOne(ctx, b)
		var stop stopError
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &stop):
			return stop.error
		case err == nil:
			o.problems.set("settling", nil)
			continue
		}
		o.problems.set("settling", fmt.Errorf("batch %d: %w", b.Number, err))
		o.Log.Warn("a batch isn't settled and is tried again", "batch", b.Number, "error", err)
		if !pause(ctx, o.Pause) {
			return nil
		}
	}
}

// settleOne settles the first batch that isn't. The contract takes a batch only on
// the root that it starts from, so that nothing is settled twice, whoever sends it.
func (o *Operator) settleOne(ctx context.Context, b *Batch) error {
	steps, err := o.store.steps(ctx, b.Number)
	if err != nil {
		return stopError{err}
	}
	s, err := o.settlement(b, steps)
	if err != nil {
		return stopError{err}
	}
	if err := o.at(Settling, b.Number); err != nil {
		return stopError{err}
	}
	mined, err := o.send(ctx, b, s)
	if err != nil {
		return err
	}
	if err := o.at(Mined, b.Number); err != nil {
		return stopError{err}
	}
	if err := o.store.settled(ctx, b.Number, mined, time.Now()); err != nil {
		return stopError{err}
	}
	if err := o.at(Settled, b.Number); err != nil {
		return stopError{err}
	}
	o.Log.Info("settled", "batch", b.Number, "transfers", len(steps))
	return nil
}

// maxTries is how many transactions of a batch may fail in a block, each of which
// costs its gas, before somebody has to look.
const maxTries = 5

// send gets a batch into the chain for good and returns its transaction, nil if it
// was another account's.
func (o *Operator) send(ctx context.Context, b *Batch, s chain.Settlement) (*evm.Mined, error) {
	for try := range maxTries {
		// A transaction that failed stays in the journal: the next has another ID.
		s.ID = fmt.Sprintf("settle-%d-%d", b.Number, try)
		known, err := o.store.sent(ctx, s.ID)
		if err != nil {
			return nil, stopError{err}
		}
		if !known {
			if there, err := o.onChain(ctx, b, s); there || err != nil {
				return nil, err
			}
		}
		mined, err := o.Chain.Settle(ctx, s)
		var reverted *evm.RevertError
		if !errors.As(err, &reverted) {
			return mined, err
		}
		// The contract refuses what it has: another account may have sent it.
		if there, e := o.onChain(ctx, b, s); there || e != nil {
			return nil, e
		}
		if reverted.Mined == nil {
			return nil, o.refused(ctx, b, reverted)
		}
		o.Log.Warn("a transaction failed", "batch", b.Number, "try", try, "error", err)
	}
	return nil, fmt.Errorf("%d transactions failed: see the log", maxTries)
}

// refused drops a proof that the verifier's contract refuses, so that it is asked
// for again. Other refusals are left as they are.
func (o *Operator) refused(ctx context.Context, b *Batch, reverted *evm.RevertError) error {
	switch reverted.Name {
	case "ProofRefused", "InputNotInField", "CoordinateNotInField", "PrecompileFailed":
	default:
		return reverted
	}
	if err := o.store.dropProof(ctx, b.Number); err != nil {
		return stopError{err}
	}
	o.proving.raise()
	return fmt.Errorf("the contract refuses the proof, which is asked for again: %w", reverted)
}

// onChain reports whether the chain has the batch. It is an error if the chain is
// at neither of the batch's roots.
func (o *Operator) onChain(ctx context.Context, b *Batch, s chain.Settlement) (bool, error) {
	head, err := o.Chain.Head(ctx)
	switch {
	case err != nil:
		return false, err
	case head.Height == b.Number && head.Root.Cmp(s.OldRoot) == 0:
		return false, nil
	case head.Height == b.Number+1 && head.Root.Cmp(s.NewRoot) == 0:
		return true, nil
	}
	return false, fmt.Errorf("the contract has %d batches and root %v, which isn't this ledger at batch %d: another operator, or an older database",
		head.Height, head.Root, b.Number)
}

// Settlement returns a batch as the contract takes it.
func (o *Operator) Settlement(ctx context.Context, number int64) (s chain.Settlement, err error) {
	b, err := o.store.batch(ctx, number)
	if err != nil {
		return s, err
	}
	if b == nil {
		return s, fmt.Errorf("there is no batch %d", number)
	}
	steps, err := o.store.steps(ctx, number)
	if err != nil {
		return s, err
	}
	return o.settlement(b, steps)
}

func (o *Operator) settlement(b *Batch, steps []ledger.Step) (s chain.Settlement, err error) {
	number := func(d ledger.Decimal) *big.Int {
		n, e := d.Int()
		err = errors.Join(err, e)
		return n
	}
	s.OldRoot, s.NewRoot = number(ledger.Decimal(b.OldRoot)), number(ledger.Decimal(b.NewRoot))
	for _, w := range ledger.Words(steps, o.Batch) {
		s.Words = append(s.Words, number(w))
	}
	if b.Proof != nil {
		s.Proof = b.Proof.Proof
	}
	if err != nil {
		return s, fmt.Errorf("the database's batch %d: %w", b.Number, err)
	}
	return s, nil
}

// stopError is an error with which the operator stops.
type stopError struct{ error }

func (s stopError) Unwrap() error { return s.error }
