// Package journaltest is the suite that every evm.Journal passes.
package journaltest

import (
	"math/big"
	"reflect"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"provery/client/evm"
)

var account, other = common.Address{1}, common.Address{2}

// record returns a record with every field set.
func record(id string, nonce uint64, state evm.State) evm.Record {
	r := evm.Record{
		ID: id, Chain: 1, From: account, Nonce: nonce, State: state, Call: common.Hash{3},
		Attempts: []evm.Attempt{{Hash: common.Hash{4}, Raw: []byte{5}}, {Hash: common.Hash{6}, Raw: []byte{7}}},
	}
	if state != evm.StatePending {
		r.Mined = &evm.Mined{
			Hash: common.Hash{6}, Block: 8, BlockHash: common.Hash{9}, GasUsed: 10, GasLimit: 11,
			GasPrice: (*hexutil.Big)(big.NewInt(12)), Contract: &common.Address{13},
		}
	}
	return r
}

// Run uses an empty journal. reopen returns it as the next process finds it; the
// same journal will do for one that ends with the process.
func Run(t *testing.T, j evm.Journal, reopen func() evm.Journal) {
	t.Helper()
	ctx := t.Context()
	put := func(records ...evm.Record) {
		t.Helper()
		for _, r := range records {
			if err := j.Put(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	elsewhere, theirs := record("elsewhere", 1, evm.StatePending), record("theirs", 1, evm.StatePending)
	elsewhere.Chain, theirs.From = 2, other
	put(record("late", 300, evm.StatePending), record("a", 1, evm.StatePending), record("early", 20, evm.StatePending), elsewhere, theirs)
	put(record("a", 1, evm.StateSucceeded), record("b", 2, evm.StateReverted), record("c", 3, evm.StateDisplaced), record("gone", 4, evm.StatePending))
	for _, id := range []string{"gone", "never"} {
		if err := j.Remove(ctx, id); err != nil {
			t.Errorf("remove %s: %v", id, err)
		}
	}
	check := func() {
		t.Helper()
		for id, want := range map[string]*evm.Record{
			"a": new(record("a", 1, evm.StateSucceeded)), "b": new(record("b", 2, evm.StateReverted)),
			"early": new(record("early", 20, evm.StatePending)), "gone": nil, "never": nil, "": nil,
		} {
			got, ok, err := j.Find(ctx, id)
			if err != nil || ok != (want != nil) || ok && !reflect.DeepEqual(got, *want) {
				t.Errorf("find %q: got %+v, %v, %v, want %+v", id, got, ok, err, want)
			}
		}
		got, err := j.Pending(ctx, 1, account)
		if want := []evm.Record{record("early", 20, evm.StatePending), record("late", 300, evm.StatePending)}; err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("pending: got %+v, %v, want %+v", got, err, want)
		}
		if got, err := j.Pending(ctx, 3, account); err != nil || len(got) != 0 {
			t.Errorf("pending on a chain without any: got %+v, %v", got, err)
		}
	}
	check()
	if r, _, err := j.Find(ctx, "early"); err == nil {
		r.Attempts[0].Hash = common.Hash{99} // the caller's own copy
	}
	j = reopen()
	check()
}
