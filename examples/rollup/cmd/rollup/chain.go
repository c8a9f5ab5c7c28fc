package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"provery/examples/rollup/devchain"
)

type chainCommand struct {
	Listen string        `help:"Address of the node's JSON-RPC." default:"127.0.0.1:8545"`
	Block  time.Duration `help:"Time between two blocks." default:"1s"`
}

// Run runs a chain until ctx ends.
func (c *chainCommand) Run(ctx context.Context) (err error) {
	if c.Block <= 0 {
		return errors.New("--block has to be above 0")
	}
	chain, err := devchain.New()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, chain.Close()) }()
	url, stop, err := chain.Serve(c.Listen, c.Block)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Printf("chain %d at %s, a block every %v; it is gone when this ends. The key of an account with 1000 ether there:\n\n  export ETH_KEY=%x\n",
		devchain.ID, url, c.Block, crypto.FromECDSA(chain.Key))
	<-ctx.Done()
	return nil
}
