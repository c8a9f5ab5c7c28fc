package attestation

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"provery/client"
)

// Register registers the compiled circuit in dir, makes keys for it, and returns
// its id and its verifying key. Who makes keys can forge proofs: these are for
// development. A deployment uploads the keys of a ceremony, once, and its consumers
// know the circuit's id and the verifying key beforehand.
func Register(ctx context.Context, c *client.Client, dir string) (circuit string, verifyingKey []byte, err error) {
	r := client.Registration{Frontend: "zokrates", Name: "readings", Artefacts: map[string]io.Reader{}}
	for role, name := range map[string]string{"program": "out", "abi": "abi.json"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return "", nil, fmt.Errorf("the circuit isn't compiled: run `make setup` (%w)", err)
		}
		defer f.Close()
		r.Artefacts[role] = f
	}
	registered, _, err := c.Register(ctx, r)
	if err != nil {
		return "", nil, err
	}
	keys, err := c.SetupKeys(ctx, registered.ID, "groth16")
	if err != nil {
		return "", nil, err
	}
	verifyingKey, err = c.VerifyingKey(ctx, registered.ID, keys.ID)
	return registered.ID, verifyingKey, err
}
