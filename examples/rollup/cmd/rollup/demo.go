package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"provery/client"
	"provery/client/evm"
	"provery/examples/rollup"
	"provery/examples/rollup/chain"
	"provery/examples/rollup/devchain"
	"provery/examples/rollup/ledger"
	"provery/examples/rollup/proving"
	"provery/examples/rollup/wallet"
)

type demoCommand struct {
	Provery string `help:"The proving service's binary." default:"bin/provery" type:"existingfile"`
	Circuit string `help:"Folder of the compiled circuit." default:"build/cache/payments/bn128"`
	chain.Sources
	Data      string        `help:"Folder for the proving service, which keeps circuit and keys there for the next run." default:"build/cache/rollup"`
	Accounts  int           `help:"Number of accounts." default:"20"`
	Transfers int           `help:"Number of transfers." default:"50"`
	Block     time.Duration `help:"Time between two blocks." default:"1s"`
	Proofs    int           `help:"Proofs that are asked for at a time." default:"4"`
}

// demo is a run of everything in one process, but for the proving service.
type demo struct {
	*demoCommand
	out    io.Writer
	start  time.Time
	keys   []ledger.PrivateKey
	rollup *rollup.Rollup
	client *wallet.Client
	sent   time.Time     // the first transfer
	took   time.Duration // until the last was on the chain
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "%7.1fs  "+format+"\n", append([]any{time.Since(d.start).Seconds()}, args...)...)
}

// Run runs the demo.
func (c *demoCommand) Run(ctx context.Context) (err error) {
	if c.Accounts < 2 || c.Accounts > ledger.MaxAccounts || c.Transfers < 1 || c.Proofs < 1 {
		return fmt.Errorf("want 2 to %d accounts, and at least one transfer and one proof", ledger.MaxAccounts)
	}
	d := &demo{demoCommand: c, out: os.Stdout, start: time.Now()}
	d.say("starting a chain, with a block every %v", c.Block)
	chain, err := devchain.New()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, chain.Close()) }()
	node, stopNode, err := chain.Serve("127.0.0.1:0", c.Block)
	if err != nil {
		return err
	}
	defer stopNode()

	d.say("starting the proving service")
	service, err := proving.Start(ctx, c.Provery, c.Data)
	if err != nil {
		return err
	}
	defer service.Stop()
	dir, err := os.MkdirTemp("", "rollup-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := d.open(ctx, service.URL, node, filepath.Join(dir, "ledger.db"), evm.NewKeySigner(chain.Key)); err != nil {
		return err
	}
	defer d.rollup.Close()
	if err := d.work(ctx); err != nil {
		return err
	}
	return d.report(ctx)
}

// work runs the operator until the transfers are on the chain.
func (d *demo) work(ctx context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		defer cancel() // nobody answers any more
		served <- serve(ctx, d.rollup, listener)
	}()
	d.client = &wallet.Client{Base: "http://" + listener.Addr().String()}
	err = d.transfers(ctx)
	cancel()
	return errors.Join(<-served, err)
}

// open makes the ledger.
func (d *demo) open(ctx context.Context, service, node, database string, payer evm.Signer) error {
	cl, err := client.New(service)
	if err != nil {
		return err
	}
	var genesis []ledger.Account
	for range d.Accounts {
		key := ledger.NewPrivateKey()
		d.keys = append(d.keys, key)
		genesis = append(genesis, ledger.Account{Key: key.Public(), Balance: 1000})
	}
	d.say("%d accounts with 1000 each", d.Accounts)
	d.say("registering the circuit, with keys for development (half a minute the first time), and deploying the contracts")
	d.rollup, err = rollup.Open(ctx, rollup.Options{
		Database: database, Proving: cl,
		RPC: node, ChainID: devchain.ID, Signer: payer, Poll: 100 * time.Millisecond,
		Genesis: genesis, CircuitDir: d.Circuit, Compile: d.Compile,
		Linger: 2 * time.Second, Proofs: d.Proofs, Pause: time.Second,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	o := d.rollup.Operator
	d.say("ledger at %v, %d transfers in a proof", o.Contract, o.Setup.Batch)
	return nil
}
