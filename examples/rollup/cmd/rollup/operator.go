package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"provery/client"
	"provery/client/evm"
	"provery/examples/rollup"
	"provery/examples/rollup/chain"
	"provery/examples/rollup/ledger"
)

type operatorCommand struct {
	Listen   string `help:"Address of the HTTP API." default:"127.0.0.1:8090"`
	Database string `help:"File of the operator's database." default:"ledger.db"`

	Proving       string `help:"Address of the proving service." default:"http://127.0.0.1:8080" env:"PROVERY_SERVER"`
	ProvingAPIKey string `help:"API key for it." env:"PROVERY_API_KEY" placeholder:"KEY"`

	RPC           string        `help:"Node of the chain." required:"" env:"ROLLUP_RPC" placeholder:"URL"`
	ChainID       uint64        `help:"Chain that the node has to be of." required:"" placeholder:"N"`
	Confirmations uint64        `help:"Blocks after which a transaction is final." default:"1"`
	Poll          time.Duration `help:"Time between two looks at the chain." default:"2s"`
	Keystore      string        `help:"Keystore file of the account that pays." type:"existingfile" placeholder:"FILE"`
	Password      string        `help:"File with the keystore's password." type:"existingfile" placeholder:"FILE"`
	KeyEnv        string        `help:"Environment variable with that account's key in hex, instead of a keystore: for development." placeholder:"NAME"`

	Genesis string `help:"Accounts of a new ledger, in JSON: [{\"key\": \"…\", \"balance\": \"100\"}]. Not read once the database has a ledger." type:"existingfile" placeholder:"FILE"`
	Circuit string `help:"Folder of the compiled circuit, for a new ledger." default:"build/cache/payments/bn128"`
	chain.Sources

	Linger time.Duration `help:"How long a transfer waits for others to fill its batch." default:"10s"`
	Proofs int           `help:"Proofs that are asked for at a time." default:"4"`
}

func (c *operatorCommand) signer() (evm.Signer, error) {
	switch {
	case c.Keystore != "" && c.Password != "":
		return evm.ReadKeystore(c.Keystore, c.Password)
	case c.KeyEnv != "":
		return evm.EnvSigner(c.KeyEnv)
	}
	return nil, errors.New("who pays for the transactions? Give --keystore and --password, or --key-env")
}

func (c *operatorCommand) options() (o rollup.Options, err error) {
	if c.Proofs < 1 {
		return o, errors.New("--proofs has to be at least 1")
	}
	o = rollup.Options{
		Database: c.Database, RPC: c.RPC, ChainID: c.ChainID, Confirmations: c.Confirmations, Poll: c.Poll,
		CircuitDir: c.Circuit, Compile: c.Compile, Linger: c.Linger, Proofs: c.Proofs, Pause: 2 * time.Second,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	if o.Proving, err = client.New(c.Proving, client.WithAPIKey(c.ProvingAPIKey)); err != nil {
		return o, err
	}
	if o.Signer, err = c.signer(); err != nil {
		return o, err
	}
	if c.Genesis == "" {
		return o, nil
	}
	text, err := os.ReadFile(c.Genesis)
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(text, &o.Genesis); err != nil {
		return o, fmt.Errorf("read %s: %w", c.Genesis, err)
	}
	for n, a := range o.Genesis {
		if a.Nonce != 0 || a.Key == (ledger.Key{}) {
			return o, fmt.Errorf("read %s: account %d needs a key, and no nonce", c.Genesis, n)
		}
	}
	return o, nil
}

// Run runs the operator until ctx ends.
func (c *operatorCommand) Run(ctx context.Context) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen) // first, as contracts cost something
	if err != nil {
		return err
	}
	r, err := rollup.Open(ctx, o)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer r.Close()
	o.Log.Info("serving", "address", listener.Addr(), "chain", r.Operator.ChainID, "contract", r.Operator.Contract.Hex(), "root", r.Operator.Root())
	return serve(ctx, r, listener)
}

// serve runs a ledger and its HTTP API until ctx ends.
func serve(ctx context.Context, r *rollup.Rollup, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{Handler: r.Operator.Handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	stopped := make(chan error, 1)
	go func() { stopped <- r.Operator.Run(ctx) }()
	var err error
	select {
	case err = <-served:
		cancel()
		return errors.Join(err, <-stopped)
	case err = <-stopped:
	}
	ending, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	return errors.Join(err, server.Shutdown(ending))
}
