package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"text/tabwriter"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"provery/client/evm"
	"provery/examples/rollup/ledger"
	"provery/examples/rollup/operator"
)

// transfers signs and sends the transfers, and waits until all are on the chain.
func (d *demo) transfers(ctx context.Context) error {
	o := d.rollup.Operator
	domain, err := d.client.Domain(ctx, o.ChainID, o.Contract)
	if err != nil {
		return err
	}
	d.say("sending %d signed transfers", d.Transfers)
	d.sent = time.Now()
	nonces := make([]uint64, d.Accounts)
	for i := range d.Transfers {
		from, to := i%d.Accounts, (i*7+3)%d.Accounts
		if to == from {
			to = (to + 1) % d.Accounts
		}
		t := ledger.Transfer{From: uint32(from), To: uint32(to), Amount: uint64(1 + i), Nonce: nonces[from]}
		nonces[from]++
		if _, err := d.client.Send(ctx, t.Sign(domain, d.keys[from])); err != nil {
			return fmt.Errorf("transfer %d: %w", i, err)
		}
	}
	d.say("all accepted")
	return d.follow(ctx)
}

// follow shows how far the transfers are until all are settled.
func (d *demo) follow(ctx context.Context) error {
	shown := operator.Counts{}
	for {
		s, err := d.client.Ledger(ctx)
		if err != nil {
			return err
		}
		if s.Counts != shown {
			shown = s.Counts
			d.say("%3d accepted  %3d in batches  %3d proven  %3d settled", shown.Accepted, shown.Sealed, shown.Proven, shown.Settled)
		}
		if shown.Settled == int64(d.Transfers) {
			d.took = time.Since(d.sent)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// totals are sums over all batches, times in milliseconds.
type totals struct {
	queue, witness, prove, chain float64
	gas                          uint64
	cost                         *big.Int // in wei
}

// report compares the roots and prints the table.
func (d *demo) report(ctx context.Context) error {
	head, err := d.rollup.Chain.Head(ctx)
	if err != nil {
		return err
	}
	root := d.rollup.Operator.Root()
	if head.Root.Cmp(root) != 0 {
		return fmt.Errorf("the root on the chain is %v, and the operator's %v", head.Root, root)
	}
	d.say("the root on the chain equals the operator's: %v", root)
	batches, err := d.rollup.Store.Batches(ctx, 0, d.Transfers)
	if err != nil {
		return err
	}
	t := d.table(batches)
	transfers, batchCount := float64(d.Transfers), float64(len(batches))
	fmt.Fprintf(d.out, `
%d transfers in %d batches, from the first request to the last block: %.1f s, %.0f transfers a minute
a batch: %.0f ms of witness, %.0f ms of proof; %.1f s in the queue, %.1f s from the proof to the chain
a transfer: %.0f gas of settling, %s ether at the chain's price; deploying took %d gas, once
`, d.Transfers, len(batches), d.took.Seconds(), transfers/d.took.Minutes(),
		t.witness/batchCount, t.prove/batchCount, t.queue/batchCount/1e3, t.chain/batchCount/1e3,
		float64(t.gas)/transfers, ether(new(big.Int).Div(t.cost, big.NewInt(int64(d.Transfers)))), d.rollup.Operator.Gas)
	return d.circuit(ctx, batches[0].Proof.Proof)
}

// circuit prints what the circuit is, and what it costs to verify a proof alone.
func (d *demo) circuit(ctx context.Context, proof json.RawMessage) error {
	o := d.rollup.Operator
	c, err := o.Proving.Circuit(ctx, o.Circuit)
	if err != nil {
		return err
	}
	verifier, err := d.rollup.Chain.Verifier(ctx)
	if err != nil {
		return err
	}
	data, err := evm.Calldata(proof)
	if err != nil {
		return err
	}
	gas, err := d.rollup.Client.EstimateGas(ctx, common.Address{}, evm.Call{To: &verifier, Data: data})
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "the circuit: %d constraints for %d transfers, %d public inputs; a transaction that verifies a proof and nothing else takes %d gas\n",
		c.Statistics.Constraints, o.Setup.Batch, c.Statistics.PublicInputs, gas)
	return nil
}

// table prints a line for each batch.
func (d *demo) table(batches []operator.Batch) totals {
	t := totals{cost: new(big.Int)}
	fmt.Fprintln(d.out)
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "batch\tsealed at\tqueue ms\twitness ms\tprove ms\tcheck ms\tto the chain ms\tgas\tblock\t")
	for _, b := range batches {
		if b.Proof.Ledger == nil || b.Mined == nil {
			fmt.Fprintf(w, "%d\t%.1fs\t\t\t\t\t\t\t\t\n", b.Number, b.Sealed.Sub(d.start).Seconds())
			continue // an older service, or another account's transaction
		}
		chain := b.Settled.Sub(*b.Proven).Seconds() * 1e3
		l := b.Proof.Ledger
		fmt.Fprintf(w, "%d\t%.1fs\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%d\t%d\t\n", b.Number, b.Sealed.Sub(d.start).Seconds(),
			l.Queue, l.Witness, l.Prove, l.Check, chain, b.Mined.GasUsed, b.Mined.Block)
		t.queue += l.Queue
		t.witness += l.Witness
		t.prove += l.Prove
		t.chain += chain
		t.gas += b.Mined.GasUsed
		t.cost.Add(t.cost, new(big.Int).Mul(b.Mined.GasPrice.ToInt(), new(big.Int).SetUint64(b.Mined.GasUsed)))
	}
	_ = w.Flush()
	return t
}

// ether writes an amount of wei.
func ether(wei *big.Int) string {
	return new(big.Rat).SetFrac(wei, big.NewInt(1e18)).FloatString(9)
}
