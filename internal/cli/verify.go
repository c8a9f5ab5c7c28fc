package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"provery/api"
	"provery/internal/daemon"
	"provery/internal/verify"
)

type verifyCommand struct {
	Circuit      string `arg:"" optional:"" help:"Circuit registered with the service, whose key to use."`
	Proof        string `help:"Proof as 'prove' writes it: ZoKrates's JSON, or snarkjs's with the public inputs; - is standard input." short:"p" required:"" placeholder:"FILE"`
	Public       string `help:"The public inputs of a proof.json of snarkjs: its public.json." placeholder:"FILE"`
	VerifyingKey string `help:"Verify here, without a service, with this verification key of ZoKrates or snarkjs." short:"k" placeholder:"FILE"`
	Keys         string `help:"Id of the circuit's key set; the newest without it." placeholder:"ID"`
}

// Run verifies a proof. A proof that doesn't hold makes the command fail.
func (c *verifyCommand) Run(ctx context.Context, e *env) error {
	if (c.Circuit == "") == (c.VerifyingKey == "") {
		return usage("name a circuit of the service, or give --verifying-key to verify from files")
	}
	proof, err := e.proof(c.Proof, c.Public)
	if err != nil {
		return err
	}
	result, err := c.verify(ctx, e, proof)
	if err != nil {
		return err
	}
	if err := e.print(result, func(w io.Writer) {
		if result.Valid {
			fmt.Fprintln(w, "valid")
		} else {
			fmt.Fprintln(w, "NOT VALID:", result.Reason)
		}
	}); err != nil {
		return err
	}
	if !result.Valid {
		return errSaid
	}
	return nil
}

// proof reads a proof, and joins it with its public inputs where snarkjs keeps
// them in another file.
func (e *env) proof(name, publicName string) (json.RawMessage, error) {
	if publicName == "" {
		return e.readJSON(name, maxProof, kindProof)
	}
	proof, err := e.readJSON(name, maxProof, kindSnarkJSProof)
	if err != nil {
		return nil, err
	}
	public, err := e.readJSON(publicName, maxProof, kindArguments)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]json.RawMessage{"proof": proof, "public": public})
}

func (c *verifyCommand) verify(ctx context.Context, e *env, proof []byte) (*api.VerifyResult, error) {
	if c.Circuit != "" {
		cl, err := e.client()
		if err != nil {
			return nil, err
		}
		return cl.Verify(ctx, api.VerifyRequest{Circuit: c.Circuit, Keys: c.Keys, Proof: proof})
	}
	vk, err := e.readJSON(c.VerifyingKey, maxProof, kindVerifyingKey)
	if err != nil {
		return nil, err
	}
	kit, err := daemon.Kit("")
	if err != nil {
		return nil, err
	}
	valid, why, err := verify.Files(kit.Backend, verify.Input{VerifyingKey: vk, Proof: proof})
	return &api.VerifyResult{Valid: valid, Reason: why}, err
}
