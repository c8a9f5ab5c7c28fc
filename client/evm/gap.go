package evm

import "context"

// gap is a nonce that nobody has a transaction for, while others wait for it.
type gap struct {
	nonce uint64
	since uint64 // number of the block in which it was first seen, 0 for none
}

// fillGap spends a nonce that the sender's transactions wait for and that is
// nobody's: its transaction, another program's or one that was final, has gone
// for good. After as many blocks as make a transaction stuck, an empty one to
// the account itself takes its place.
func (s *Sender) fillGap(ctx context.Context, v view) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := len(s.tracked) > 0
	for nonce := range s.tracked {
		waiting = waiting && nonce > v.nonce
	}
	if !waiting {
		s.gap = gap{}
		return nil
	}
	if s.gap.since == 0 || s.gap.nonce != v.nonce {
		s.gap = gap{v.nonce, v.head}
	}
	if v.head < s.gap.since+s.client.options.Fees.stuckBlocks() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	known, err := s.client.backend.PendingNonceAt(ctx, s.from)
	if err != nil || known != v.nonce {
		return err // another program's transaction is on its way, or blocks have come meanwhile
	}
	call := Call{To: &s.from}
	if call.Gas, err = s.client.EstimateGas(ctx, s.from, call); err != nil {
		return err
	}
	now, err := s.client.priceNow(ctx)
	if err != nil {
		return err
	}
	s.gap = gap{}
	sub, err := s.first(ctx, &call, now)
	if err == nil {
		s.client.options.Log.WarnContext(ctx, "filled a gap in the account's nonces", "nonce", sub.nonce, "hash", sub.lastHash())
	}
	return err
}
