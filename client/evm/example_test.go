package evm_test

import (
	"context"
	"fmt"
	"log"
	"math/big"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient/simulated"

	"provery/client/evm"
)

// Deploys the verifier of a key, and asks it about a proof. On a chain of others,
// Dial takes the place of New.
func Example() {
	key, err := os.ReadFile("../../testdata/zokrates/mul/bn128/ark-g16/verification.key")
	if err != nil {
		log.Fatal(err)
	}
	proof, err := os.ReadFile("../../testdata/zokrates/mul/bn128/ark-g16/proof.json")
	if err != nil {
		log.Fatal(err)
	}
	account, err := crypto.GenerateKey()
	if err != nil {
		log.Fatal(err)
	}
	chain := simulated.NewBackend(types.GenesisAlloc{crypto.PubkeyToAddress(account.PublicKey): {Balance: big.NewInt(1e18)}})
	defer chain.Close()
	done := makeBlocks(chain)
	defer done()

	ctx := context.Background()
	c, err := evm.New(ctx, chain.Client(), evm.Options{ChainID: 1337, Confirmations: 3, Poll: 10 * time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	sender, err := c.Sender(ctx, evm.NewKeySigner(account))
	if err != nil {
		log.Fatal(err)
	}
	verifier, _, err := sender.DeployVerifier(ctx, "verifier", key)
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Verify(ctx, verifier, proof); err != nil {
		log.Fatal(err)
	}
	fmt.Println("the proof holds")
	// Output: the proof holds
}

// makeBlocks makes blocks until stop is called.
func makeBlocks(chain *simulated.Backend) (stop func()) {
	stopping, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stopping:
				return
			case <-time.After(5 * time.Millisecond):
				chain.Commit()
			}
		}
	}()
	return func() {
		close(stopping)
		<-stopped
	}
}
