package proving

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"provery/api"
	"provery/client"
)

// Circuit is the ledger's circuit at a service.
type Circuit struct {
	ID    string
	Keys  string // id of the key set
	Batch int    // transfers in a proof
}

// Register registers what the compiler left in dir, with new keys if there are none,
// and returns the circuit. Who makes keys can forge proofs: these are for
// development, and a ledger that holds money takes those of a ceremony.
func Register(ctx context.Context, c *client.Client, dir string) (*Circuit, error) {
	circuit, err := Upload(ctx, c, dir)
	if err != nil {
		return nil, err
	}
	sets, err := c.Keys(ctx, circuit.ID)
	if err != nil {
		return nil, err
	}
	if len(sets) == 0 {
		made, err := c.SetupKeys(ctx, circuit.ID, "groth16")
		if err != nil {
			return nil, fmt.Errorf("make keys: %w", err)
		}
		sets = []api.KeySet{*made}
	}
	keys := sets[len(sets)-1].ID // the oldest: a key that is added later needs another contract
	return &Circuit{ID: circuit.ID, Keys: keys, Batch: BatchOf(circuit)}, nil
}

// BatchOf returns how many transfers a proof has: domain, old root and new root are
// public beside their words.
func BatchOf(c *api.Circuit) int { return c.Statistics.PublicInputs - 3 }

// Upload registers what the compiler left in dir, without keys.
func Upload(ctx context.Context, c *client.Client, dir string) (*api.Circuit, error) {
	r := client.Registration{Frontend: "zokrates", Name: "payments", Artefacts: map[string]io.Reader{}}
	for role, name := range map[string]string{"program": "out", "abi": "abi.json"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("the circuit isn't compiled, which `make rollup` does: %w", err)
		}
		defer f.Close()
		r.Artefacts[role] = f
	}
	circuit, _, err := c.Register(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("register the circuit: %w", err)
	}
	return circuit, nil
}
