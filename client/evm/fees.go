package evm

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/core/types"
)

// Fees say what transactions may cost. The zero value pays what the node
// suggests.
type Fees struct {
	// MaxGasPrice is the most that is offered for a unit of gas, in wei; nil is
	// no limit.
	MaxGasPrice *big.Int
	// StuckBlocks is the number of blocks after which a transaction that is next
	// in line and in none of them gets higher fees: 5 by default.
	StuckBlocks uint64
	// Legacy makes transactions with a gas price although the chain has base
	// fees. Chains without base fees get them in any case.
	Legacy bool
}

// ErrFeeLimit is the error of a submission for which the chain wants more than
// Fees.MaxGasPrice.
var ErrFeeLimit = errors.New("the chain's price of gas is above the limit")

func (f Fees) stuckBlocks() uint64 {
	if f.StuckBlocks == 0 {
		return 5
	}
	return f.StuckBlocks
}

// price is what a transaction offers: cap for a unit of gas and, unless legacy,
// tip of it for the block's maker.
type price struct {
	cap, tip *big.Int
	legacy   bool
}

// priceNow returns what the node suggests, within the limit.
func (c *Client) priceNow(ctx context.Context) (price, error) {
	head, err := c.backend.HeaderByNumber(ctx, nil)
	if err != nil {
		return price{}, fmt.Errorf("read the chain's head: %w", err)
	}
	p, least := price{legacy: true}, new(big.Int)
	if head.BaseFee != nil && !c.options.Fees.Legacy {
		p.legacy = false
		if p.tip, err = c.tipNow(ctx, head.BaseFee); err == nil {
			// Twice the base fee lasts for five full blocks in a row.
			p.cap = new(big.Int).Lsh(head.BaseFee, 1)
			p.cap.Add(p.cap, p.tip)
			least = head.BaseFee
		}
	} else {
		p.cap, err = c.backend.SuggestGasPrice(ctx)
		least = p.cap
	}
	if err != nil {
		return price{}, fmt.Errorf("ask for the price of gas: %w", err)
	}
	limit := c.options.Fees.MaxGasPrice
	if limit != nil && limit.Cmp(least) < 0 {
		return price{}, fmt.Errorf("%w: %v wei, limit %v", ErrFeeLimit, least, limit)
	}
	return p.within(limit), nil
}

// tipNow returns the tip that the node suggests. Some nodes suggest a whole price
// only.
func (c *Client) tipNow(ctx context.Context, base *big.Int) (*big.Int, error) {
	tip, err := c.backend.SuggestGasTipCap(ctx)
	if err == nil {
		return tip, nil
	}
	whole, err2 := c.backend.SuggestGasPrice(ctx)
	if err2 != nil {
		return nil, err
	}
	return larger(whole.Sub(whole, base), new(big.Int)), nil
}

// within returns p with nothing above the limit.
func (p price) within(limit *big.Int) price {
	if limit == nil {
		return p
	}
	p.cap = smaller(p.cap, limit)
	if !p.legacy {
		p.tip = smaller(p.tip, p.cap)
	}
	return p
}

// raised returns a price that nodes take in place of old: at least an eighth
// more, of which they want a tenth, and not less than now. ok is false if the
// limit leaves no room.
func (old price) raised(now price, limit *big.Int) (p price, ok bool) {
	p = price{cap: larger(plusEighth(old.cap), now.cap), legacy: old.legacy}
	if !old.legacy {
		p.tip = larger(plusEighth(old.tip), smaller(now.tip, p.cap))
	}
	if limit != nil && plusEighth(old.cap).Cmp(limit) > 0 {
		return old, false
	}
	return p.within(limit), true
}

// ampleFactor is how many times the node's suggestion is ample.
const ampleFactor = 4

// ample reports whether p is so much more than now that the price can't be what
// a transaction waits for: raising it again and again would only cost money.
func (p price) ample(now price) bool {
	above := func(offered, suggested *big.Int) bool {
		return offered.Cmp(new(big.Int).Mul(suggested, big.NewInt(ampleFactor))) >= 0
	}
	return above(p.cap, now.cap) && (p.legacy || now.legacy || above(p.tip, now.tip))
}

func priceOf(tx *types.Transaction) price {
	return price{cap: tx.GasFeeCap(), tip: tx.GasTipCap(), legacy: tx.Type() != types.DynamicFeeTxType}
}

// transaction builds the unsigned transaction.
func (p price) transaction(c *Call, nonce uint64, chain *big.Int) *types.Transaction {
	if p.legacy {
		return types.NewTx(&types.LegacyTx{Nonce: nonce, GasPrice: p.cap, Gas: c.Gas, To: c.To, Value: c.Value, Data: c.Data})
	}
	return types.NewTx(&types.DynamicFeeTx{
		ChainID: chain, Nonce: nonce, GasTipCap: p.tip, GasFeeCap: p.cap, Gas: c.Gas, To: c.To, Value: c.Value, Data: c.Data,
	})
}

// plusEighth returns 9/8 of v, rounded up.
func plusEighth(v *big.Int) *big.Int {
	out := new(big.Int).Mul(v, big.NewInt(9))
	return out.Add(out, big.NewInt(7)).Rsh(out, 3)
}

func larger(a, b *big.Int) *big.Int {
	if b != nil && a.Cmp(b) < 0 {
		return b
	}
	return a
}

func smaller(a, b *big.Int) *big.Int {
	if a.Cmp(b) > 0 {
		return b
	}
	return a
}
