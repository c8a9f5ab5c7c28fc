package evm

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// patience bounds how long a node may take for the requests of one step, so that
// one that never answers holds nobody up for ever.
const patience = time.Minute

// ErrDisplaced is the outcome of a submission whose nonce went to another
// transaction of the account, by a wallet or another program. A call with the
// same ID is a new submission then.
var ErrDisplaced = errors.New("another transaction of the account took the nonce")

// Sender submits the transactions of one account. It is safe for concurrent use.
type Sender struct {
	client *Client
	signer Signer
	from   common.Address
	wake   chan struct{}
	cancel context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex // held from the choice of a nonce until its transaction has been sent
	tracked map[uint64]*Submission
	gap     gap
}

func newSender(ctx context.Context, c *Client, signer Signer) (*Sender, error) {
	s := &Sender{
		client: c, signer: signer, from: signer.Address(),
		wake: make(chan struct{}, 1), ended: make(chan struct{}), tracked: map[uint64]*Submission{},
	}
	records, err := c.options.Journal.Pending(ctx, c.options.ChainID, s.from)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	for _, r := range records {
		sub, err := resumed(s, r)
		if err != nil {
			return nil, err
		}
		s.tracked[r.Nonce] = sub
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	go func() {
		defer close(s.ended)
		s.track(run)
	}()
	return s, nil
}

// Address returns the account.
func (s *Sender) Address() common.Address { return s.from }

// stop ends the tracking, and the waits of those who wait.
func (s *Sender) stop() {
	s.cancel()
	<-s.ended
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.tracked {
		sub.resolve(sub.record, ErrClosed)
	}
	s.tracked = nil
}

// Pending returns the submissions that aren't final, by nonce. After a crash
// they are those of the journal.
func (s *Sender) Pending() []*Submission {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Collect(maps.Values(s.tracked))
	slices.SortFunc(out, func(a, b *Submission) int { return cmp.Compare(a.nonce, b.nonce) })
	return out
}

// Do submits a call and waits until it is final.
func (s *Sender) Do(ctx context.Context, call Call) (*Mined, error) {
	sub, err := s.Submit(ctx, call)
	if err != nil {
		return nil, err
	}
	return sub.Wait(ctx)
}

// Submit signs a call's transaction, notes it in the journal and sends it. From
// then on the sender brings it into the chain by itself; Submission.Wait tells
// when. A transaction that the node takes for invalid is an error, and forgotten.
// If the node's answer doesn't come, the transaction counts as sent.
func (s *Sender) Submit(ctx context.Context, call Call) (*Submission, error) {
	if sub, err := s.find(ctx, &call); sub != nil || err != nil {
		return sub, err
	}
	if err := s.client.CheckChain(ctx); err != nil {
		return nil, err
	}
	if call.Gas == 0 {
		gas, err := s.client.EstimateGas(ctx, s.from, call)
		if err != nil {
			return nil, err
		}
		call.Gas = gas + gas/5
	}
	now, err := s.client.priceNow(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if sub, err := s.findLocked(ctx, &call); sub != nil || err != nil {
		return sub, err // another caller was faster
	}
	for attempt := 0; ; attempt++ {
		sub, err := s.first(ctx, &call, now)
		if !errors.Is(err, errNonceTaken) || attempt == 3 {
			return sub, err
		}
	}
}

// find returns the submission of a call's ID, nil if there is none.
func (s *Sender) find(ctx context.Context, call *Call) (*Submission, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findLocked(ctx, call)
}

func (s *Sender) findLocked(ctx context.Context, call *Call) (*Submission, error) {
	switch {
	case s.tracked == nil:
		return nil, ErrClosed
	case call.ID == "":
		return nil, nil
	}
	r, ok, err := s.client.options.Journal.Find(ctx, call.ID)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the journal: %w", err)
	case !ok:
		return nil, nil
	case r.Call != call.digest() || r.From != s.from || r.Chain != s.client.options.ChainID:
		return nil, &ConflictError{call.ID}
	case r.State == StateDisplaced:
		return nil, nil
	}
	known := s.tracked[r.Nonce]
	if known != nil && known.id == r.ID {
		return known, nil
	}
	sub, err := resumed(s, r)
	if err != nil || r.State != StatePending {
		return sub, err
	}
	// Refused by the node, but the journal couldn't forget it.
	if known != nil {
		return nil, nil // its nonce has gone to another one since
	}
	s.tracked[r.Nonce] = sub
	s.look()
	return sub, nil
}

// first makes and sends a call's first transaction. The nonce is the lowest that
// neither the node nor the sender knows a transaction of; since nobody gets the
// next one before this one is sent or refused, there are no gaps.
func (s *Sender) first(ctx context.Context, call *Call, p price) (*Submission, error) {
	nonce, err := s.client.backend.PendingNonceAt(ctx, s.from)
	if err != nil {
		return nil, fmt.Errorf("ask for the account's nonce: %w", err)
	}
	for s.tracked[nonce] != nil {
		nonce++
	}
	tx, attempt, err := s.sign(ctx, p.transaction(call, nonce, s.client.chainID()))
	if err != nil {
		return nil, err
	}
	r := Record{
		ID: call.ID, Chain: s.client.options.ChainID, From: s.from, Nonce: nonce,
		State: StatePending, Call: call.digest(), Attempts: []Attempt{attempt},
	}
	sub := newSubmission(s, r, tx)
	if r.ID == "" {
		sub.unnamed, sub.record.ID = true, unnamedPrefix+rand.Text()
		sub.id = sub.record.ID
	}
	if err := s.client.options.Journal.Put(ctx, sub.record); err != nil {
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	err = s.client.send(ctx, tx)
	refusal := refusedFor(err)
	if errors.Is(refusal, errNonceTaken) && !s.client.lacks(ctx, tx.Hash()) {
		err, refusal = nil, nil // by this very transaction, which came to the node twice
	}
	if refusal != nil {
		refusal = fmt.Errorf("account %v: %w", s.from, refusal)
		if err := s.client.options.Journal.Remove(context.WithoutCancel(ctx), sub.id); err != nil {
			return nil, errors.Join(refusal, fmt.Errorf("write the journal: %w", err))
		}
		return nil, refusal
	}
	sub.note(err)
	s.tracked[nonce] = sub
	s.look()
	return sub, nil
}

// look has the tracker look at the chain soon.
func (s *Sender) look() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// sign checks the chain once more and signs.
func (s *Sender) sign(ctx context.Context, unsigned *types.Transaction) (*types.Transaction, Attempt, error) {
	if err := s.client.CheckChain(ctx); err != nil {
		return nil, Attempt{}, err
	}
	tx, err := s.signer.Sign(ctx, unsigned, s.client.chainID())
	if err != nil {
		return nil, Attempt{}, fmt.Errorf("sign the transaction: %w", err)
	}
	from, err := types.Sender(types.LatestSignerForChainID(s.client.chainID()), tx)
	if err != nil || from != s.from || tx.Nonce() != unsigned.Nonce() {
		return nil, Attempt{}, errors.New("sign the transaction: the signer signed for another account, chain or nonce")
	}
	raw, err := tx.MarshalBinary()
	if err != nil {
		return nil, Attempt{}, fmt.Errorf("sign the transaction: %w", err)
	}
	return tx, Attempt{tx.Hash(), raw}, nil
}
