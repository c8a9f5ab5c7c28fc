package cli

import (
	"context"
	"fmt"
	"io"

	"provery/api"
	"provery/client"
	"provery/internal/contract"
	"provery/internal/fault"
	"provery/internal/scheme"
)

type keysCommand struct {
	Add  keysAdd  `cmd:"" help:"Upload the keys of a circuit, or make some for development."`
	List keysList `cmd:"" help:"List the keys of a circuit."`
	Show keysShow `cmd:"" help:"Print a verifying key, as ZoKrates or snarkjs write it."`

	Export keysExport `cmd:"" help:"Write keys to files that ZoKrates's or snarkjs's own provers read."`

	Contract keysContract `cmd:"" help:"Print a Solidity contract that verifies the proofs."`
}

// keyFiles are the keys to add.
type keyFiles struct {
	provingKey, verifyingKey, scheme, layout, setup, ceremony string
}

func addKeys(ctx context.Context, e *env, cl *client.Client, ref string, k keyFiles) (*api.KeySet, error) {
	if k.setup != "" {
		scheme := k.scheme
		if scheme == "" {
			scheme = "groth16"
		}
		fmt.Fprintln(e.Stderr, "Making insecure-dev keys: whoever runs this machine can forge proofs for them.")
		return cl.SetupKeys(ctx, ref, scheme)
	}
	u := client.KeyUpload{Scheme: k.scheme, Layout: k.layout, Ceremony: k.ceremony}
	pk, err := e.uploadOf(k.provingKey, kindProvingKey)
	if err != nil {
		return nil, err
	}
	defer pk.Close()
	u.ProvingKey = pk
	if k.verifyingKey != "" {
		vk, err := e.uploadOf(k.verifyingKey, kindVerifyingKey)
		if err != nil {
			return nil, err
		}
		defer vk.Close()
		u.VerifyingKey = vk
	}
	keys, existed, err := cl.AddKeys(ctx, ref, u)
	if existed && err == nil {
		fmt.Fprintln(e.Stderr, "The keys were registered before.")
	}
	return keys, err
}

type keysAdd struct {
	Ref          string `arg:"" help:"Circuit: name, name:tag or id."`
	Key          string `help:"Proving key to upload." placeholder:"FILE"`
	VerifyingKey string `help:"Verifying key to compare with." placeholder:"FILE"`
	Setup        string `help:"Make keys instead: insecure-dev, for development only." enum:",insecure-dev" default:"" placeholder:"insecure-dev"`
	Scheme       string `help:"Proving scheme; found out for uploaded keys." placeholder:"groth16"`
	Layout       string `help:"Layout of the proving key, ark or bellman; found out without it." enum:",ark,bellman" default:"" placeholder:"LAYOUT"`
	Ceremony     string `help:"Which ceremony made the proving key, such as the address of its transcript; recorded as the keys' provenance." placeholder:"TEXT"`
}

// Run adds keys.
func (c *keysAdd) Run(ctx context.Context, e *env) error {
	if (c.Key == "") == (c.Setup == "") {
		return usage("give either --key FILE or --setup insecure-dev")
	}
	switch {
	case c.VerifyingKey != "" && c.Key == "":
		return usage("--verifying-key needs --key")
	case c.Ceremony != "" && c.Key == "":
		return usage("--ceremony needs --key")
	}
	cl, err := e.client()
	if err != nil {
		return err
	}
	k, err := addKeys(ctx, e, cl, c.Ref, keyFiles{c.Key, c.VerifyingKey, c.Scheme, c.Layout, c.Setup, c.Ceremony})
	if err != nil {
		return err
	}
	return e.print(k, func(w io.Writer) { showKeys(w, k) })
}

type keysList struct {
	Ref string `arg:"" help:"Circuit: name, name:tag or id."`
}

// Run lists a circuit's keys.
func (c *keysList) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	keys, err := cl.Keys(ctx, c.Ref)
	if err != nil {
		return err
	}
	return e.print(keys, func(w io.Writer) {
		for i := range keys {
			showKeys(w, &keys[i])
		}
		if len(keys) == 0 {
			fmt.Fprintln(w, "The circuit has no keys.")
		}
	})
}

type keysShow struct {
	Ref  string `arg:"" optional:"" help:"Circuit: name, name:tag or id."`
	Keys string `arg:"" optional:"" default:"groth16" help:"Id of the key set, or a scheme for its newest."`

	Format string `help:"Whose JSON: zokrates, or snarkjs for its verification_key.json." enum:"zokrates,snarkjs" default:"zokrates"`
	localKey
}

// Run prints a verifying key.
func (c *keysShow) Run(ctx context.Context, e *env) error {
	if err := c.check(c.Ref); err != nil {
		return err
	}
	vk, err := c.verifyingKey(ctx, e)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.Stdout, "%s\n", vk)
	return err
}

func (c *keysShow) verifyingKey(ctx context.Context, e *env) ([]byte, error) {
	if c.Key == "" {
		cl, err := e.client()
		if err != nil {
			return nil, err
		}
		return cl.VerifyingKeyAs(ctx, c.Ref, c.Keys, c.Format)
	}
	key, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	if c.Format == string(scheme.LayoutSnarkJS) {
		return key.VerifyingKey().EncodeSnarkJS()
	}
	return key.VerifyingKey().Encode()
}

type keysContract struct {
	Ref  string `arg:"" optional:"" help:"Circuit: name, name:tag or id."`
	Keys string `arg:"" optional:"" help:"Id of the key set, or a scheme for its newest; the newest of all without it."`
	Name string `help:"Name of the contract." placeholder:"NAME" xor:"form"`

	Bytecode bool `help:"Print, in hex, what a transaction has as its data that makes such a contract without a compiler." xor:"form"`
	localKey
}

// Run prints a verifier contract.
func (c *keysContract) Run(ctx context.Context, e *env) error {
	if err := c.check(c.Ref); err != nil {
		return err
	}
	text, err := c.contract(ctx, e)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(e.Stdout, text)
	return err
}

func (c *keysContract) contract(ctx context.Context, e *env) (string, error) {
	if c.Key != "" {
		return c.local(ctx)
	}
	cl, err := e.client()
	if err != nil {
		return "", err
	}
	if !c.Bytecode {
		return cl.Verifier(ctx, c.Ref, c.Keys, c.Name)
	}
	keys := c.Keys
	if keys == "" {
		sets, err := cl.Keys(ctx, c.Ref)
		if err != nil {
			return "", err
		}
		if len(sets) == 0 {
			return "", fault.New(fault.NotFound, "the circuit has no keys")
		}
		keys = sets[0].ID
	}
	vk, err := cl.VerifyingKey(ctx, c.Ref, keys)
	if err != nil {
		return "", err
	}
	return bytecode(vk)
}

// local writes the contract of a key in a file.
func (c *keysContract) local(ctx context.Context) (string, error) {
	key, err := c.read(ctx)
	if err != nil {
		return "", err
	}
	vk, err := key.VerifyingKey().Encode()
	if err != nil {
		return "", err
	}
	if c.Bytecode {
		return bytecode(vk)
	}
	return contract.Solidity(vk, contract.Options{ContractName: c.Name, SnarkJS: key.Layout() == scheme.LayoutSnarkJS})
}

// bytecode returns what makes the contract of a verifying key.
func bytecode(vk []byte) (string, error) {
	code, err := contract.Bytecode(vk)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%#x\n", code.Creation), nil
}
