package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"provery/api"
	"provery/client"
	"provery/client/evm"
)

// keySource says whose verifier it is about.
type keySource struct {
	VerifyingKey string `help:"The verification.key, in ZoKrates's form." type:"existingfile" placeholder:"FILE" xor:"key"`
	Circuit      string `help:"Or the circuit, by its name or id at a proving service." placeholder:"REF" xor:"key"`
	Keys         string `help:"The circuit's key set, or a scheme for its newest." default:"groth16"`
	Server       string `help:"The proving service." env:"PROVERY_SERVER" default:"http://127.0.0.1:8080"`
	APIKey       string `help:"API key for the service." env:"PROVERY_API_KEY" placeholder:"KEY"`
}

func (k *keySource) read(ctx context.Context, e *env) ([]byte, error) {
	switch {
	case k.VerifyingKey != "":
		return os.ReadFile(k.VerifyingKey)
	case k.Circuit == "":
		return nil, errors.New("give --verifying-key or --circuit")
	}
	var options []client.Option
	if k.APIKey != "" {
		options = append(options, client.WithAPIKey(k.APIKey))
	}
	c, err := client.New(k.Server, options...)
	if err != nil {
		return nil, err
	}
	key, err := c.VerifyingKey(ctx, k.Circuit, k.Keys)
	if err != nil {
		return nil, err
	}
	sets, err := c.Keys(ctx, k.Circuit)
	i := slices.IndexFunc(sets, func(s api.KeySet) bool { return s.ID == k.Keys || s.Scheme == k.Keys })
	if err == nil && i >= 0 && sets[i].Provenance == api.ProvenanceInsecureDev {
		fmt.Fprintln(e.log, "warning: these are keys for development: whoever made them can forge proofs, and nothing of value may rely on this verifier")
	}
	return key, nil
}

// address is a contract's on the command line.
type address struct{ common.Address }

// UnmarshalText reads 0x and 40 digits. Mixed case is a checksum, which is checked:
// a digit that is wrong sends a transaction to nobody.
func (a *address) UnmarshalText(text []byte) error {
	mixed, err := common.NewMixedcaseAddressFromString(string(text))
	if err != nil {
		return fmt.Errorf("%q isn't an address of 0x and 40 hexadecimal digits", text)
	}
	digits := string(text[2:])
	lower, upper := false, false
	for _, c := range digits {
		lower, upper = lower || c >= 'a' && c <= 'f', upper || c >= 'A' && c <= 'F'
	}
	if lower && upper && !mixed.ValidChecksum() {
		return fmt.Errorf("%q has a wrong digit: its checksum doesn't hold", text)
	}
	a.Address = mixed.Address()
	return nil
}

type deployCommand struct {
	keySource
	ID string `help:"Name of this deployment in the journal." placeholder:"ID"`
}

// Run makes a circuit's verifier.
func (c *deployCommand) Run(ctx context.Context, e *env) error {
	key, err := c.read(ctx, e)
	if err != nil {
		return err
	}
	return e.withSender(ctx, func(_ *evm.Client, s *evm.Sender) error {
		at, m, err := s.DeployVerifier(ctx, c.ID, key)
		if m != nil {
			e.printMined(m)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "verifier    %v\n", at)
		return nil
	})
}

type checkCommand struct {
	Address address `arg:"" help:"The contract's address."`
	keySource
	Compiled string `help:"Runtime code that a compiler made from the circuit's contract in Solidity, in hex, if the contract was deployed from that." type:"existingfile" placeholder:"FILE"`
	Proof    string `help:"A proof that holds: have the contract say so as well." type:"existingfile" placeholder:"FILE"`
}

// Run compares a contract with a circuit's key.
func (c *checkCommand) Run(ctx context.Context, e *env) error {
	key, err := c.read(ctx, e)
	if err != nil {
		return err
	}
	var compiled []byte
	if c.Compiled != "" {
		text, err := os.ReadFile(c.Compiled)
		if err != nil {
			return err
		}
		if compiled, err = evm.ParseCode(text); err != nil {
			return fmt.Errorf("%s: %w", c.Compiled, err)
		}
	}
	chain, err := e.connect(ctx, nil)
	if err != nil {
		return err
	}
	defer chain.Close()
	if err := chain.CheckVerifier(ctx, c.Address.Address, key, compiled); err != nil {
		return err
	}
	fmt.Fprintf(e.out, "the contract %v is the key's verifier\n", c.Address)
	if c.Proof == "" {
		return nil
	}
	return e.simulate(ctx, chain, c.Address.Address, c.Proof)
}

type simulateCommand struct {
	Address address `arg:"" help:"The verifier's address."`
	Proof   string  `help:"The proof: proof.json of ZoKrates, or {proof, public} of snarkjs's." required:"" type:"existingfile" placeholder:"FILE"`
}

// Run calls a verifier.
func (c *simulateCommand) Run(ctx context.Context, e *env) error {
	chain, err := e.connect(ctx, nil)
	if err != nil {
		return err
	}
	defer chain.Close()
	return e.simulate(ctx, chain, c.Address.Address, c.Proof)
}

func (e *env) simulate(ctx context.Context, chain *evm.Client, at common.Address, path string) error {
	proof, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := chain.Verify(ctx, at, proof); err != nil {
		return err
	}
	data, err := evm.Calldata(proof)
	if err != nil {
		return err
	}
	gas, err := chain.EstimateGas(ctx, common.Address{}, evm.Call{To: &at, Data: data})
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "the proof holds; a transaction with it takes about %d gas\n", gas)
	return nil
}

type submitCommand struct {
	To    address `arg:"" help:"The contract's address."`
	Proof string  `help:"Call verifyTx or verifyProof with this proof." type:"existingfile" placeholder:"FILE" xor:"data"`
	Data  string  `help:"Or make the call with the calldata in this file, in hex: for contracts with functions of their own." type:"existingfile" placeholder:"FILE" xor:"data"`
	Gas   uint64  `help:"Limit; without it the call is simulated first, and refused if it would fail."`
	ID    string  `help:"Name of this call in the journal." placeholder:"ID"`
}

// Run makes a transaction and waits until it is final.
func (c *submitCommand) Run(ctx context.Context, e *env) error {
	data, err := c.calldata()
	if err != nil {
		return err
	}
	return e.withSender(ctx, func(_ *evm.Client, s *evm.Sender) error {
		sub, err := s.Submit(ctx, evm.Call{ID: c.ID, To: &c.To.Address, Data: data, Gas: c.Gas})
		if err != nil {
			return err
		}
		fmt.Fprintf(e.log, "nonce %d, waiting for %d blocks ...\n", sub.Nonce(), e.Confirmations)
		m, err := sub.Wait(ctx)
		if m != nil {
			e.printMined(m)
		}
		return err
	})
}

func (c *submitCommand) calldata() ([]byte, error) {
	switch {
	case c.Proof != "":
		proof, err := os.ReadFile(c.Proof)
		if err != nil {
			return nil, err
		}
		return evm.Calldata(proof)
	case c.Data != "":
		text, err := os.ReadFile(c.Data)
		if err != nil {
			return nil, err
		}
		return evm.ParseCode(text)
	}
	return nil, errors.New("give --proof or --data")
}
