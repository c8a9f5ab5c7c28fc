package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"

	"provery/api"
)

// Circuits returns a page of at most limit circuits, newest first; 0 is the
// service's default. cursor is the Next of the page before, "" for the first.
func (c *Client) Circuits(ctx context.Context, cursor string, limit int) (*api.Page[api.Circuit], error) {
	return fetch[api.Page[api.Circuit]](ctx, c, get(path("circuits")+page(cursor, limit)))
}

// AllCircuits yields the circuits, newest first, page by page. The last pair has
// the error, if any.
func (c *Client) AllCircuits(ctx context.Context) iter.Seq2[*api.Circuit, error] {
	return all(func(cursor string) (*api.Page[api.Circuit], error) { return c.Circuits(ctx, cursor, maxPage) })
}

// Circuit returns the circuit of a reference.
func (c *Client) Circuit(ctx context.Context, ref string) (*api.Circuit, error) {
	return fetch[api.Circuit](ctx, c, get(path("circuits", ref)))
}

// RemoveCircuit removes a circuit with its tags and keys.
func (c *Client) RemoveCircuit(ctx context.Context, ref string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("circuits", ref)}, nil)
}

// Tag makes tag, "tag" or "name:tag", point to ref's circuit.
func (c *Client) Tag(ctx context.Context, ref, tag string) (*api.Circuit, error) {
	return fetch[api.Circuit](ctx, c, call{method: http.MethodPut, path: path("circuits", ref, "tags", tag), repeatable: true})
}

// Keys returns a circuit's key sets, newest first.
func (c *Client) Keys(ctx context.Context, ref string) ([]api.KeySet, error) {
	p, err := fetch[api.Page[api.KeySet]](ctx, c, get(path("circuits", ref, "keys")))
	if err != nil {
		return nil, err
	}
	return p.Items, nil
}

// SetupKeys makes insecure-dev keys: proofs of them are for development only.
func (c *Client) SetupKeys(ctx context.Context, ref, scheme string) (*api.KeySet, error) {
	return post[api.KeySet](ctx, c, path("circuits", ref, "keys"), false,
		api.SetupRequest{Setup: string(api.ProvenanceInsecureDev), Scheme: scheme})
}

// VerifyingKey returns a verifying key in ZoKrates's JSON. keys is a key
// set's id, or a scheme for its newest.
func (c *Client) VerifyingKey(ctx context.Context, ref, keys string) (json.RawMessage, error) {
	return c.VerifyingKeyAs(ctx, ref, keys, "zokrates")
}

// VerifyingKeyAs is VerifyingKey in the JSON of a format: "zokrates", or
// "snarkjs" for its verification_key.json.
func (c *Client) VerifyingKeyAs(ctx context.Context, ref, keys, format string) (json.RawMessage, error) {
	values := url.Values{"format": {format}}
	key, err := fetch[json.RawMessage](ctx, c, get(path("circuits", ref, "keys", keys, "verifying-key")+query(values)))
	if err != nil {
		return nil, err
	}
	return *key, nil
}

// ProvingKey writes a proving key to w, in the format of the tool that it is
// for, and returns its layout, such as ark or bellman. keys is as for VerifyingKey. A call that fails may have
// written a part.
func (c *Client) ProvingKey(ctx context.Context, ref, keys string, w io.Writer) (layout string, err error) {
	req, err := c.request(ctx, http.MethodGet, path("circuits", ref, "keys", keys, "proving-key"), nil)
	if err != nil {
		return "", err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return "", fmt.Errorf("client: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", problemOf(res)
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		return "", fmt.Errorf("client: read the proving key: %w", err)
	}
	return res.Header.Get(api.HeaderKeyLayout), nil
}

// Verifier returns the Solidity source of a contract that verifies the proofs of
// a circuit. keys is a key set's id, or a scheme for its newest; "" is the
// newest of all. name is the contract's; "" is the service's default.
func (c *Client) Verifier(ctx context.Context, ref, keys, name string) (string, error) {
	values := url.Values{"target": {"solidity"}}
	for key, value := range map[string]string{"keys": keys, "name": name} {
		if value != "" {
			values.Set(key, value)
		}
	}
	source, err := fetch[json.RawMessage](ctx, c, get(path("circuits", ref, "verifier")+query(values)))
	if err != nil {
		return "", err
	}
	return string(*source), nil
}

// DryRun computes a witness, which the service throws away.
func (c *Client) DryRun(ctx context.Context, ref string, r api.WitnessRequest) (*api.WitnessResult, error) {
	return post[api.WitnessResult](ctx, c, path("circuits", ref, "witness"), true, r)
}
