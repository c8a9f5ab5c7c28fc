// Command demo shows an attestation from the device to the auditor, with a proving
// service that runs and a chain in this process. `make demo-attestation` starts it.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/big"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient/simulated"

	"provery/client"
	"provery/client/evm"
	"provery/examples/attestation"
)

func main() {
	service := flag.String("service", "http://127.0.0.1:8080", "the proving service")
	circuit := flag.String("circuit", "build/cache/readings/bn128", "folder of the compiled circuit")
	flag.Parse()
	if err := run(context.Background(), *service, *circuit); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, service, dir string) error {
	c, err := client.New(service)
	if err != nil {
		return err
	}
	fmt.Println("1. The operator registers the circuit; the auditor gets its verifying key")
	circuit, key, err := attestation.Register(ctx, c, dir)
	if err != nil {
		return err
	}
	fmt.Println("2. The verifier of that key is deployed, and the auditor checks its code")
	chain, verifier, err := deploy(ctx, key)
	if err != nil {
		return err
	}
	fmt.Printf("   %v\n", verifier)

	device, limits := attestation.NewDevice(), attestation.Limits{Low: 25315, High: 26515}
	auditor := attestation.Auditor{Chain: chain, Verifier: verifier, Device: device.ID(), Limits: limits}
	fmt.Println("3. The device signs the readings of period 1: -20 °C to -8 °C are allowed")
	good := device.Sign(1, attestation.Readings{25510, 25520, 25498, 25533, 25601, 25544, 25523, 25517})
	start := time.Now()
	proof, err := attestation.Prove(ctx, c, circuit, good, limits)
	if err != nil {
		return err
	}
	fmt.Printf("   proven in %v; all that is public: %s\n", time.Since(start).Round(time.Millisecond), proof)
	if err := auditor.Accept(ctx, 1, proof); err != nil {
		return err
	}
	fmt.Println("   the auditor accepts it")
	fmt.Printf("4. The same once more, as period 1: %v\n   and as period 2: %v\n", auditor.Accept(ctx, 1, proof), auditor.Accept(ctx, 2, proof))
	warm := device.Sign(2, attestation.Readings{25510, 25520, 25498, 27215, 25601, 25544, 25523, 25517})
	_, err = attestation.Prove(ctx, c, circuit, warm, limits)
	fmt.Printf("5. Period 2 had a reading of -1 °C: %v\n", err)
	return nil
}

// deploy starts a chain with one rich account and makes the key's verifier there.
// On any other chain evm.Dial takes the place of the first half.
func deploy(ctx context.Context, verifyingKey []byte) (*evm.Client, common.Address, error) {
	account, err := crypto.GenerateKey()
	if err != nil {
		return nil, common.Address{}, err
	}
	fortune := new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil)
	node := simulated.NewBackend(types.GenesisAlloc{crypto.PubkeyToAddress(account.PublicKey): {Balance: fortune}})
	go func() {
		for ; ; time.Sleep(100 * time.Millisecond) {
			node.Commit() // a block
		}
	}()
	chain, err := evm.New(ctx, node.Client(), evm.Options{ChainID: 1337, Poll: 50 * time.Millisecond})
	if err != nil {
		return nil, common.Address{}, err
	}
	sender, err := chain.Sender(ctx, evm.NewKeySigner(account))
	if err != nil {
		return nil, common.Address{}, err
	}
	verifier, _, err := sender.DeployVerifier(ctx, "", verifyingKey)
	return chain, verifier, err
}
