package evm

import (
	"context"
	"errors"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"
)

// oldNode is a node of a chain without base fees, or one that suggests no tips.
type oldNode struct {
	Backend
	noBaseFee, noTips bool
}

func (n oldNode) HeaderByNumber(ctx context.Context, number *big.Int) (*types.Header, error) {
	h, err := n.Backend.HeaderByNumber(ctx, number)
	if err == nil && number == nil && n.noBaseFee {
		h.BaseFee = nil
	}
	return h, err
}

func (n oldNode) SuggestGasTipCap(ctx context.Context) (*big.Int, error) {
	if n.noTips {
		return nil, errors.New("the method eth_maxPriorityFeePerGas does not exist")
	}
	return n.Backend.SuggestGasTipCap(ctx)
}

func TestOldNodes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]uint8{"no base fee": types.LegacyTxType, "no tips": types.DynamicFeeTxType} {
		c := newChain(t)
		s := c.sender(c.clientOf(oldNode{c.backend.Client(), name == "no base fee", name == "no tips"}, Options{}))
		m := c.settled(c.submit(s, nothing("a")))
		tx, _, err := c.backend.Client().TransactionByHash(t.Context(), m.Hash)
		if err != nil || tx.Type() != want {
			t.Errorf("%s: got %+v (%v), want type %d", name, tx, err, want)
		}
	}
}

func TestRaised(t *testing.T) {
	t.Parallel()
	dynamic := func(cap, tip int64) price { return price{cap: big.NewInt(cap), tip: big.NewInt(tip)} }
	legacy := func(cap int64) price { return price{cap: big.NewInt(cap), legacy: true} }
	for _, tc := range []struct {
		name     string
		old, now price
		limit    int64 // 0 is none
		want     price
		ok       bool
	}{
		{"an eighth", dynamic(800, 80), dynamic(100, 10), 0, dynamic(900, 90), true},
		{"rounded up", dynamic(801, 81), dynamic(100, 10), 0, dynamic(902, 92), true},
		{"what is suggested now", dynamic(800, 80), dynamic(2000, 300), 0, dynamic(2000, 300), true},
		{"the tip is in the cap", dynamic(800, 80), dynamic(100, 5000), 0, dynamic(900, 900), true},
		{"up to the limit", dynamic(800, 80), dynamic(2000, 300), 1000, dynamic(1000, 300), true},
		{"no room below the limit", dynamic(800, 80), dynamic(2000, 300), 899, dynamic(800, 80), false},
		{"legacy", legacy(800), legacy(850), 0, legacy(900), true},
		{"legacy, then a chain with base fees", legacy(800), dynamic(2000, 300), 0, legacy(2000), true},
	} {
		var limit *big.Int
		if tc.limit > 0 {
			limit = big.NewInt(tc.limit)
		}
		got, ok := tc.old.raised(tc.now, limit)
		if ok != tc.ok || got.cap.Cmp(tc.want.cap) != 0 || got.legacy != tc.want.legacy ||
			!got.legacy && got.tip.Cmp(tc.want.tip) != 0 {
			t.Errorf("%s: got %v and %v (%v), want %v and %v (%v)", tc.name, got.cap, got.tip, ok, tc.want.cap, tc.want.tip, tc.ok)
		}
	}
}

func TestAmple(t *testing.T) {
	t.Parallel()
	now := price{cap: big.NewInt(100), tip: big.NewInt(10)}
	for _, tc := range []struct {
		cap, tip int64
		want     bool
	}{{400, 40, true}, {399, 40, false}, {400, 39, false}} {
		if got := (price{cap: big.NewInt(tc.cap), tip: big.NewInt(tc.tip)}).ample(now); got != tc.want {
			t.Errorf("cap %d, tip %d: got %v", tc.cap, tc.tip, got)
		}
	}
}
