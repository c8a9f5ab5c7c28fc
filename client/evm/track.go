package evm

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"
)

// view is the chain as one look saw it.
type view struct {
	head  uint64
	nonce uint64 // the account's in the head: the number of its transactions
}

// track looks at the chain until ctx ends, as long as there is something to
// bring into it.
func (s *Sender) track(ctx context.Context) {
	for {
		pending := s.Pending()
		if len(pending) > 0 {
			s.lookAt(ctx, pending)
		}
		if !s.pause(ctx, len(pending) > 0) {
			return
		}
	}
}

// pause waits for the next look: until something is submitted or, with something
// to watch, the time between two looks is over.
func (s *Sender) pause(ctx context.Context, watching bool) bool {
	var tick <-chan time.Time
	if watching {
		timer := time.NewTimer(s.client.options.Poll)
		defer timer.Stop()
		tick = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-s.wake:
	case <-tick:
	}
	return ctx.Err() == nil
}

// lookAt takes each submission a step further. The account's nonce is read
// before the receipts: a nonce that is used up and has no receipt then wasn't
// used by the submission; and one that isn't used up can have none.
func (s *Sender) lookAt(ctx context.Context, pending []*Submission) {
	v, err := s.view(ctx)
	if err != nil {
		s.client.options.Log.WarnContext(ctx, "the chain can't be looked at", "error", err)
		for _, sub := range pending {
			sub.note(err)
		}
		return
	}
	for _, sub := range pending {
		if err := s.step(ctx, sub, v); err != nil {
			sub.note(err)
			s.client.options.Log.DebugContext(ctx, "a transaction waits", "id", sub.id, "error", err)
		}
	}
	if err := s.fillGap(ctx, v); err != nil {
		s.client.options.Log.WarnContext(ctx, "a gap in the account's nonces can't be filled", "nonce", v.nonce, "error", err)
	}
}

func (s *Sender) view(ctx context.Context) (v view, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	head, err := s.client.backend.HeaderByNumber(ctx, nil)
	if err != nil {
		return v, fmt.Errorf("read the chain's head: %w", err)
	}
	v.head = head.Number.Uint64()
	if v.nonce, err = s.client.backend.NonceAt(ctx, s.from, nil); err != nil {
		return v, fmt.Errorf("ask for the account's nonce: %w", err)
	}
	return v, nil
}

// step looks at one submission and does what helps it.
func (s *Sender) step(ctx context.Context, sub *Submission, v view) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if v.nonce > sub.nonce {
		receipt, err := s.receipt(ctx, sub)
		switch {
		case err != nil:
			return err
		case receipt != nil:
			return s.seen(ctx, sub, v, receipt)
		}
		s.unseen(ctx, sub)
		return s.lost(ctx, sub, v)
	}
	s.unseen(ctx, sub)
	return s.push(ctx, sub, v)
}

// receipt returns that of the attempt that is in the chain, nil if none is.
func (s *Sender) receipt(ctx context.Context, sub *Submission) (*types.Receipt, error) {
	for _, a := range sub.attempts() {
		r, err := s.client.backend.TransactionReceipt(ctx, a.Hash)
		switch {
		case errors.Is(err, ethereum.NotFound):
		case err != nil:
			return nil, fmt.Errorf("ask for the receipt of %v: %w", a.Hash, err)
		default:
			return r, nil
		}
	}
	return nil, nil
}

// seen notes that a transaction is in a block, and ends the submission when
// enough blocks are on top. That the block is still in the chain is asked for
// once more: some nodes have receipts of blocks that were thrown out.
func (s *Sender) seen(ctx context.Context, sub *Submission, v view, r *types.Receipt) error {
	m := &Mined{
		Hash: r.TxHash, Block: r.BlockNumber.Uint64(), BlockHash: r.BlockHash,
		GasUsed: r.GasUsed, GasPrice: (*hexutil.Big)(r.EffectiveGasPrice),
	}
	sub.mu.Lock()
	m.GasLimit = sub.latest.Gas()
	if sub.latest.To() == nil {
		m.Contract = &r.ContractAddress
	}
	sub.mined, sub.problem, sub.lostAt = m, nil, 0
	record := sub.record
	sub.mu.Unlock()
	deep, err := s.client.deepEnough(ctx, m.Block, v.head)
	if !deep {
		return err
	}
	block, err := s.client.backend.HeaderByNumber(ctx, r.BlockNumber)
	switch {
	case err != nil:
		return fmt.Errorf("read block %d: %w", m.Block, err)
	case block.Hash() != r.BlockHash:
		return fmt.Errorf("the node has a receipt of block %v, which isn't in the chain", r.BlockHash)
	}
	record.Mined, record.State = m, StateSucceeded
	if r.Status != types.ReceiptStatusSuccessful {
		record.State = StateReverted
	}
	return s.finish(ctx, sub, record, nil)
}

// deepEnough reports whether a block counts as final.
func (c *Client) deepEnough(ctx context.Context, block, head uint64) (bool, error) {
	if head+1 < block+c.options.Confirmations || !c.options.Finalized {
		return head+1 >= block+c.options.Confirmations, nil
	}
	final, err := c.backend.HeaderByNumber(ctx, big.NewInt(int64(rpc.FinalizedBlockNumber)))
	if err != nil {
		return false, fmt.Errorf("ask for the finalized block: %w", err)
	}
	return final.Number.Uint64() >= block, nil
}

// unseen notes that a transaction is in no block, though it may have been.
func (s *Sender) unseen(ctx context.Context, sub *Submission) {
	sub.mu.Lock()
	was := sub.mined
	sub.mined = nil
	sub.mu.Unlock()
	if was != nil {
		s.client.options.Log.WarnContext(ctx, "a reorganisation threw a transaction out", "id", sub.id, "hash", was.Hash, "block", was.Block)
	}
}

// lateBlocks is how many blocks nodes may be late with what they say of a
// transaction.
const lateBlocks = 3

// lost ends a submission whose nonce another transaction has taken, when that
// is final itself and the node has never heard of the submission's own. Too early
// an end would have the caller make the call twice, so it waits for nodes that
// are late.
func (s *Sender) lost(ctx context.Context, sub *Submission, v view) error {
	sub.mu.Lock()
	if sub.lostAt == 0 {
		sub.lostAt = v.head
	}
	since, record := sub.lostAt, sub.record
	sub.mu.Unlock()
	deep, err := s.client.deepEnough(ctx, since+lateBlocks, v.head)
	if err != nil {
		return err
	}
	if !deep {
		return ErrDisplaced
	}
	for _, a := range record.Attempts {
		switch _, _, err := s.client.backend.TransactionByHash(ctx, a.Hash); {
		case err == nil:
			return fmt.Errorf("the node knows transaction %v, but has no receipt of it", a.Hash)
		case !errors.Is(err, ethereum.NotFound):
			return fmt.Errorf("ask for transaction %v: %w", a.Hash, err)
		}
	}
	record.State = StateDisplaced
	return s.finish(ctx, sub, record, ErrDisplaced)
}

// finish writes a final state to the journal, and only then tells of it.
func (s *Sender) finish(ctx context.Context, sub *Submission, r Record, outcome error) error {
	var err error
	if sub.unnamed {
		err = s.client.options.Journal.Remove(ctx, r.ID)
	} else {
		err = s.client.options.Journal.Put(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	s.mu.Lock()
	delete(s.tracked, sub.nonce)
	s.mu.Unlock()
	sub.resolve(r, outcome)
	s.client.options.Log.InfoContext(ctx, "a transaction is final", "id", sub.id, "state", r.State, "nonce", r.Nonce)
	return nil
}

// push helps a transaction that is in no block: it sends it again if the node
// has forgotten it, and offers more if it is next in line for too long.
func (s *Sender) push(ctx context.Context, sub *Submission, v view) error {
	sub.mu.Lock()
	tx := sub.latest
	sub.lostAt = 0
	if sub.pricedAt == 0 || v.nonce < sub.nonce {
		sub.pricedAt = v.head // what waits for another isn't stuck itself
	}
	stuck := v.head >= sub.pricedAt+s.client.options.Fees.stuckBlocks()
	sub.mu.Unlock()
	_, _, err := s.client.backend.TransactionByHash(ctx, tx.Hash())
	switch {
	case errors.Is(err, ethereum.NotFound):
		err = s.client.send(ctx, tx)
		if err == nil {
			sub.waitAnew()
			s.client.options.Log.WarnContext(ctx, "sent a transaction again that the node had forgotten", "id", sub.id, "hash", tx.Hash())
		}
		if err == nil || !contains(err, "underpriced", "less than block base fee") {
			sub.note(err)
			return nil
		}
		// The node forgot it because others offer more. Once in a block is enough.
		stuck = v.head > sub.pricedAt
	case err != nil:
		return fmt.Errorf("ask for transaction %v: %w", tx.Hash(), err)
	}
	if !stuck {
		sub.note(nil)
		return nil
	}
	return s.raise(ctx, sub)
}

// raise replaces the transaction by one that offers more, under the same nonce.
func (s *Sender) raise(ctx context.Context, sub *Submission) error {
	now, err := s.client.priceNow(ctx)
	if err != nil {
		return err
	}
	sub.mu.Lock()
	old, record := sub.latest, sub.record
	sub.mu.Unlock()
	if priceOf(old).ample(now) {
		return fmt.Errorf("transaction %v waits although it offers %d times what the node suggests", old.Hash(), ampleFactor)
	}
	p, ok := priceOf(old).raised(now, s.client.options.Fees.MaxGasPrice)
	if !ok {
		return fmt.Errorf("%w: transaction %v waits", ErrFeeLimit, old.Hash())
	}
	call := Call{To: old.To(), Data: old.Data(), Value: old.Value(), Gas: old.Gas()}
	tx, attempt, err := s.sign(ctx, p.transaction(&call, sub.nonce, s.client.chainID()))
	if err != nil {
		return err
	}
	record.Attempts = append(record.Attempts[:len(record.Attempts):len(record.Attempts)], attempt)
	if err := s.client.options.Journal.Put(ctx, record); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	sub.mu.Lock()
	sub.record, sub.latest = record, tx
	sub.mu.Unlock()
	sub.waitAnew()
	s.client.options.Log.WarnContext(ctx, "raised the fees of a stuck transaction", "id", sub.id, "hash", tx.Hash(), "cap", p.cap, "tip", p.tip)
	return s.client.send(ctx, tx)
}
