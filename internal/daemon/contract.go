package daemon

import (
	"context"
	"encoding/json"

	"provery/api"
	"provery/internal/contract"
	"provery/internal/fault"
	"provery/internal/httpapi"
	"provery/internal/scheme"
)

// Verifier implements httpapi.Keys.
func (s *services) Verifier(ctx context.Context, ref string, c httpapi.Contract) (string, error) {
	if c.Target != "solidity" {
		return "", fault.New(fault.Unsupported, "verifier contracts are written in solidity")
	}
	circuit, err := s.d.registry.Resolve(ctx, ref)
	if err != nil {
		return "", err
	}
	k, err := s.selectKeys(ctx, circuit.ID, c.Keys)
	if err != nil {
		return "", err
	}
	// The contract's digest is that of the very bytes that are exported in the
	// default format.
	vk, err := s.d.catalogue.VerifyingKey(ctx, k)
	if err != nil {
		return "", err
	}
	return contract.Solidity(vk, contract.Options{
		ContractName: c.Name, Pragma: c.Pragma, SnarkJS: k.Layout == string(scheme.LayoutSnarkJS),
	})
}

// Calldata implements httpapi.Proofs.
func (s *services) Calldata(ctx context.Context, who httpapi.Caller, id, target string) (api.Calldata, error) {
	if target != "evm" {
		return api.Calldata{}, fault.New(fault.Unsupported, "proofs are exported for the evm")
	}
	p, err := s.Proof(ctx, who, id)
	if err != nil {
		return api.Calldata{}, err
	}
	if p.Result == nil {
		return api.Calldata{}, fault.New(fault.Conflict, "the proof has no result: its state is %s", p.State)
	}
	call, err := contract.NewCall(p.Result.Proof)
	if err != nil {
		return api.Calldata{}, err
	}
	// The generator's JSON form is the API's, but for the target.
	b, err := json.Marshal(call)
	if err != nil {
		return api.Calldata{}, fault.Wrap(err, fault.Internal, "encode calldata")
	}
	out := api.Calldata{Target: target}
	return out, fault.Wrap(json.Unmarshal(b, &out), fault.Internal, "encode calldata")
}
