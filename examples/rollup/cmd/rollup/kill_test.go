package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"provery/examples/rollup/devchain"
	"provery/examples/rollup/ledger"
	"provery/examples/rollup/operator"
	"provery/examples/rollup/proving/provingtest"
	"provery/examples/rollup/wallet"
)

// killed is what the test of killed operators works with.
type killed struct {
	t     *testing.T
	chain *devchain.Chain
	args  []string // of the operator
	env   string
	keys  []ledger.PrivateKey
}

func newKilled(t *testing.T) *killed {
	service, _ := provingtest.Start(t)
	c, err := devchain.New()
	if err != nil {
		t.Fatal(err)
	}
	node, stop, err := c.Serve("127.0.0.1:0", 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	k := &killed{t: t, chain: c, env: "ETH_KEY=" + hex.EncodeToString(crypto.FromECDSA(c.Key))}
	var genesis []ledger.Account
	for n := range byte(3) {
		key := ledger.PrivateKeyOf([32]byte{'k', n})
		k.keys = append(k.keys, key)
		genesis = append(genesis, ledger.Account{Key: key.Public(), Balance: 100})
	}
	text, err := json.Marshal(genesis)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "genesis.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	k.args = append([]string{
		"operator", "--listen", "127.0.0.1:0", "--database", filepath.Join(dir, "ledger.db"),
		"--genesis", filepath.Join(dir, "genesis.json"), "--circuit", provingtest.Circuit(t),
		"--proving", service.URL, "--rpc", node, "--chain-id", fmt.Sprint(devchain.ID), "--key-env", "ETH_KEY",
		"--linger", "100ms", "--poll", "20ms",
	}, sources...)
	return k
}

func (k *killed) start() *process {
	k.t.Helper()
	return start(k.t, with(command(k.t, k.args...), k.env), serving)
}

// sent is the number of the operator's transactions in blocks.
func (k *killed) sent() uint64 {
	n, err := k.chain.Client().NonceAt(k.t.Context(), crypto.PubkeyToAddress(k.chain.Key.PublicKey), nil)
	if err != nil {
		k.t.Fatal(err)
	}
	return n
}

// until polls a condition.
func (k *killed) until(ctx context.Context, what string, p *process, holds func() bool) {
	k.t.Helper()
	for !holds() {
		select {
		case <-ctx.Done():
			p.kill()
			k.t.Fatalf("%s: %v; the operator says\n%s", what, ctx.Err(), &p.output)
		case <-p.ended:
			k.t.Fatalf("%s: the operator ended by itself:\n%s", what, &p.output)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// live lets an operator serve until it has made progress, and kills it. It returns
// how far everything is.
func (k *killed) live(before operator.Counts) operator.Counts {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), patience)
	defer cancel()
	p := k.start()
	at := p.next(k.t)
	cl := &wallet.Client{Base: "http://" + at[0], Pause: 10 * time.Millisecond}
	domain, err := cl.Domain(ctx, devchain.ID, common.HexToAddress(at[1]))
	if err != nil {
		k.t.Fatal(err)
	}
	for i, t := range []ledger.Transfer{
		{From: 0, To: 1, Amount: 10}, {From: 1, To: 2, Amount: 110}, {From: 0, To: 2, Amount: 90, Nonce: 1},
		{From: 2, To: 0, Amount: 300}, {From: 0, To: 1, Amount: 1, Nonce: 2},
	} {
		if _, err := cl.Send(ctx, t.Sign(domain, k.keys[t.From])); err != nil {
			k.t.Fatalf("transfer %d: %v", i, err)
		}
	}
	var status operator.LedgerStatus
	k.until(ctx, "progress", p, func() bool {
		if status, err = cl.Ledger(ctx); err != nil {
			return false
		}
		return status.Counts != before || status.Counts.Settled == 5
	})
	p.kill()
	return status.Counts
}

// TestKilledOperator kills operators as soon as they have got one step further, the
// first while it deploys, until all transfers are on the chain.
func TestKilledOperator(t *testing.T) {
	t.Parallel()
	k := newKilled(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	first := k.start()
	k.until(ctx, "the first deployment", first, func() bool { return k.sent() > 0 })
	first.kill()

	var counts operator.Counts
	for lives := 1; counts.Settled < 5; lives++ {
		if counts = k.live(counts); lives > 100 {
			t.Fatalf("after %d operators: %+v", lives, counts)
		}
	}
	// One more finds nothing to do.
	if again := k.live(counts); again != counts || again != (operator.Counts{Accepted: 5, Sealed: 5, Proven: 5, Settled: 5}) {
		t.Errorf("got %+v, want 5 of each", again)
	}
	store, err := operator.OpenStore(t.Context(), k.args[4])
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	batches, err := store.Batches(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := k.sent(), uint64(2+len(batches)); got != want {
		t.Errorf("got %d transactions, want %d: two contracts, and one for each of %d batches", got, want, len(batches))
	}
}
