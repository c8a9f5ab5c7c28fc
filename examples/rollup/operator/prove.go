package operator

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"time"

	"provery/api"
	"provery/client"
	"provery/client/evm"
	"provery/examples/rollup/ledger"
)

// prove has the sealed batches proven, up to o.Proofs of them at a time. Each has
// its roots from the day it was sealed, so that none waits for another's proof.
func (o *Operator) prove(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type end struct {
		number int64
		err    error
	}
	running, ended := map[int64]bool{}, make(chan end)
	for {
		batches, err := o.store.unproven(ctx, o.Proofs)
		if err != nil {
			return ignoreEnd(ctx, err)
		}
		for _, b := range batches {
			if running[b.Number] || len(running) >= o.Proofs {
				continue
			}
			running[b.Number] = true
			wg.Go(func() {
				err := o.proveOne(ctx, b)
				select {
				case ended <- end{b.Number, err}:
				case <-ctx.Done():
				}
			})
		}
		select {
		case e := <-ended:
			delete(running, e.number)
			if e.err != nil {
				return e.err
			}
		case <-o.proving.c:
		case <-ctx.Done():
			return nil
		}
	}
}

// proveOne asks for a batch's proof until there is one. It returns an error only
// where the operator must stop.
func (o *Operator) proveOne(ctx context.Context, b Batch) error {
	what := fmt.Sprintf("proof of batch %d", b.Number)
	for {
		err := o.proveOnce(ctx, &b)
		var stop stopError
		switch {
		case err == nil:
			o.problems.set(what, nil)
			return nil
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &stop):
			return stop.error
		}
		o.problems.set(what, err)
		o.Log.Warn("a proof failed and is asked for again", "batch", b.Number, "attempt", b.Attempt, "error", err)
		if !pause(ctx, o.Pause) {
			return nil
		}
	}
}

func (o *Operator) proveOnce(ctx context.Context, b *Batch) error {
	request, want, err := o.request(ctx, b)
	if err != nil {
		return stopError{err}
	}
	if err := o.at(Asking, b.Number); err != nil {
		return stopError{err}
	}
	// The key makes the service answer with the job that it has, if it has one. It is
	// of the domain, so that ledgers don't mix, of the batch and of the attempt.
	key := fmt.Sprintf("%x", sha256.Sum256(fmt.Appendln(nil, o.domain, b.Number, b.OldRoot, b.NewRoot, b.Attempt)))
	job, err := o.Proving.Submit(ctx, request, client.SubmitOptions{IdempotencyKey: key})
	if err != nil {
		return err
	}
	if err := o.at(Asked, b.Number); err != nil {
		return stopError{err}
	}
	made, err := o.Proving.Wait(ctx, job.ID)
	if err != nil {
		return o.attemptFailed(ctx, b, err)
	}
	if err := checkProof(made.Result, want); err != nil {
		return o.attemptFailed(ctx, b, err)
	}
	if err := o.at(Made, b.Number); err != nil {
		return stopError{err}
	}
	p := Proof{Job: made.ID, Proof: made.Result.Proof, Ledger: made.Ledger}
	if err := o.store.proven(ctx, b.Number, p, time.Now()); err != nil {
		return stopError{err}
	}
	if err := o.at(Proven, b.Number); err != nil {
		return stopError{err}
	}
	o.settling.raise()
	return nil
}

// attemptFailed has the next request be for a new job, if this one's can't give a
// proof any more. After a failure of the network, or while the service is busy, the
// job goes on.
func (o *Operator) attemptFailed(ctx context.Context, b *Batch, err error) error {
	var refused *client.Error
	if errors.As(err, &refused) && (refused.Code == api.CodeOverloaded || refused.Code == api.CodeRateLimited) {
		return err
	}
	if refused == nil && !errors.Is(err, errOtherProof) {
		return err
	}
	b.Attempt++
	if e := o.store.tryAgain(ctx, b.Number); e != nil {
		return stopError{e}
	}
	return err
}

// request returns the request for a batch's proof, and the public inputs that the
// proof has to have.
func (o *Operator) request(ctx context.Context, b *Batch) (r api.ProofRequest, want []*big.Int, err error) {
	steps, err := o.store.steps(ctx, b.Number)
	if err != nil {
		return r, nil, err
	}
	arguments, err := ledger.Arguments(o.domain, steps, o.Batch)
	if err != nil {
		return r, nil, err
	}
	s, err := o.settlement(b, steps)
	if err != nil {
		return r, nil, err
	}
	want = append([]*big.Int{o.domain, s.OldRoot}, s.Words...)
	r = api.ProofRequest{
		Circuit: o.Circuit, Keys: o.Keys, Arguments: arguments,
		Labels: map[string]string{"batch": fmt.Sprint(b.Number)},
	}
	return r, append(want, s.NewRoot), nil
}

// errOtherProof says that a proof isn't one of what was asked for.
var errOtherProof = errors.New("the service's proof isn't the one that was asked for")

// checkProof compares a proof's public inputs with those that were asked for: one of
// something else isn't worth a transaction. Whether it holds, the contract says when
// the transaction is tried.
func checkProof(r *api.Result, want []*big.Int) error {
	if r == nil {
		return fmt.Errorf("%w: there is none", errOtherProof)
	}
	_, got, err := evm.ParseProof(r.Proof)
	if err != nil {
		return fmt.Errorf("%w: %w", errOtherProof, err)
	}
	if !slices.EqualFunc(got, want, func(a, b *big.Int) bool { return a.Cmp(b) == 0 }) {
		return fmt.Errorf("%w: it has other public inputs", errOtherProof)
	}
	return nil
}
