package evm

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// unnamedPrefix starts the IDs of calls that have none.
const unnamedPrefix = "unnamed-"

// Submission is a call on its way into the chain.
type Submission struct {
	sender  *Sender
	id      string
	nonce   uint64
	unnamed bool
	done    chan struct{} // closed when the outcome is known

	mu       sync.Mutex
	record   Record
	latest   *types.Transaction // of the last attempt
	pricedAt uint64             // block number at which latest was first seen waiting, 0 before
	mined    *Mined             // where it is in the chain, if it is, before it is final
	lostAt   uint64             // block number at which the nonce was first seen used by another, 0 if not
	problem  error              // what was in the way last
	err      error              // with the outcome
}

func newSubmission(s *Sender, r Record, tx *types.Transaction) *Submission {
	return &Submission{sender: s, id: r.ID, nonce: r.Nonce, done: make(chan struct{}), record: r, latest: tx}
}

// resumed is the submission of a journal's record.
func resumed(s *Sender, r Record) (*Submission, error) {
	if len(r.Attempts) == 0 {
		return nil, fmt.Errorf("the journal's record %q has no transaction", r.ID)
	}
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(r.Attempts[len(r.Attempts)-1].Raw); err != nil {
		return nil, fmt.Errorf("the journal's record %q: %w", r.ID, err)
	}
	sub := newSubmission(s, r, tx)
	sub.unnamed = strings.HasPrefix(r.ID, unnamedPrefix)
	switch r.State {
	case StateSucceeded, StateReverted:
		sub.resolve(r, nil)
	case StateDisplaced:
		sub.resolve(r, ErrDisplaced)
	}
	return sub, nil
}

// ID returns the call's.
func (b *Submission) ID() string { return b.id }

// Nonce returns the transaction's: all attempts have the same.
func (b *Submission) Nonce() uint64 { return b.nonce }

// Hashes returns those of the transactions that were sent for the call, oldest
// first. At most one of them ever is in the chain.
func (b *Submission) Hashes() []common.Hash {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]common.Hash, len(b.record.Attempts))
	for i, a := range b.record.Attempts {
		out[i] = a.Hash
	}
	return out
}

// Mined returns where the transaction is in the chain now, nil if it is in no
// block. Before Done is closed a reorganisation can undo it.
func (b *Submission) Mined() *Mined {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.record.Mined != nil {
		return b.record.Mined
	}
	return b.mined
}

// Problem returns what is in the way of a submission that isn't final, nil if
// the sender knows of nothing.
func (b *Submission) Problem() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.problem
}

// Done returns a channel that is closed when the outcome is known.
func (b *Submission) Done() <-chan struct{} { return b.done }

// Wait waits until the transaction is final or ctx ends, and returns where it is
// in the chain. One that failed there is *RevertError, with Mined beside it; one
// whose nonce another transaction has is ErrDisplaced. When ctx ends the sender
// goes on; what was in the way is in the error.
func (b *Submission) Wait(ctx context.Context) (*Mined, error) {
	select {
	case <-b.done:
	case <-ctx.Done():
		if problem := b.Problem(); problem != nil {
			return nil, fmt.Errorf("wait for transaction %v: %w; in the way is: %w", b.lastHash(), ctx.Err(), problem)
		}
		return nil, fmt.Errorf("wait for transaction %v: %w", b.lastHash(), ctx.Err())
	}
	b.mu.Lock()
	record, tx, err := b.record, b.latest, b.err
	b.mu.Unlock()
	if err != nil || record.State != StateReverted {
		return record.Mined, err
	}
	call := Call{To: tx.To(), Data: tx.Data(), Value: tx.Value()}
	return record.Mined, b.sender.client.failure(ctx, record.From, call, record.Mined)
}

func (b *Submission) lastHash() common.Hash {
	hashes := b.Hashes()
	return hashes[len(hashes)-1]
}

// note keeps what is in the way; nil is nothing.
func (b *Submission) note(problem error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problem = problem
}

// waitAnew has the blocks count from the next look on that the transaction waits:
// this one may have taken as long as many of them.
func (b *Submission) waitAnew() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pricedAt = 0
}

// resolve ends the submission with a record, and wakes those who wait.
func (b *Submission) resolve(r Record, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.done:
		return
	default:
	}
	b.record, b.err, b.problem = r, err, nil
	close(b.done)
}

// attempts returns the record's, newest first.
func (b *Submission) attempts() []Attempt {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.Clone(b.record.Attempts)
	slices.Reverse(out)
	return out
}
