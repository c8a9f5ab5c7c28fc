package client

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"provery/api"
)

// TestCheck checks that no result comes out of the client without its check, and
// that a proof which doesn't pass is neither returned nor asked for again.
func TestCheck(t *testing.T) {
	t.Parallel()
	proof := answer{status: 200, body: api.Proof{ID: "p_1", State: api.StateSucceeded, Result: &api.Result{Proof: json.RawMessage(`{}`)}}}
	line := answer{status: 200, body: `{"id":"p_1","state":"succeeded","item":0,"result":{"proof":{}}}` + "\n"}
	forged := errors.New("the pairing doesn't hold")
	calls := map[string]struct {
		answer answer
		call   func(ctx context.Context, c *Client) (*api.Proof, error)
	}{
		"prove": {proof, func(ctx context.Context, c *Client) (*api.Proof, error) {
			return c.Prove(ctx, api.ProofRequest{Circuit: "a", Arguments: json.RawMessage(`[]`)})
		}},
		"submit": {proof, func(ctx context.Context, c *Client) (*api.Proof, error) {
			return c.Submit(ctx, api.ProofRequest{Circuit: "a", Arguments: json.RawMessage(`[]`)}, SubmitOptions{})
		}},
		"wait":   {proof, func(ctx context.Context, c *Client) (*api.Proof, error) { return c.Wait(ctx, "p_1") }},
		"proof":  {proof, func(ctx context.Context, c *Client) (*api.Proof, error) { return c.Proof(ctx, "p_1", 0) }},
		"cancel": {proof, func(ctx context.Context, c *Client) (*api.Proof, error) { return c.Cancel(ctx, "p_1") }},
		"batch": {line, func(ctx context.Context, c *Client) (p *api.Proof, err error) {
			for p, err = range c.BatchResults(ctx, "b", ItemsOptions{}) {
				return p, err
			}
			return nil, errors.New("no item")
		}},
	}
	for name, tc := range calls {
		for _, verdict := range []error{nil, forged} {
			c, s := play(t, tc.answer)
			checks := 0
			WithCheck(func(_ context.Context, p *api.Proof) error { checks++; return verdict })(c)
			p, err := tc.call(t.Context(), c)
			var check *CheckError
			if (err == nil) != (verdict == nil) || (p == nil) != (verdict != nil) || checks != 1 || len(s.requests) != 1 {
				t.Errorf("%s: got %v, %v after %d checks and %d calls, want verdict %v", name, p, err, checks, len(s.requests), verdict)
			}
			if verdict != nil && (!errors.As(err, &check) || check.Proof.ID != "p_1" || !errors.Is(err, forged)) {
				t.Errorf("%s: got %v, want the check's error", name, err)
			}
		}
	}
	c, _ := play(t, state(200, api.StateRunning))
	WithCheck(func(context.Context, *api.Proof) error { return forged })(c)
	if _, err := c.Proof(t.Context(), "p_1", 0); err != nil {
		t.Errorf("a proof without a result: got %v", err)
	}
}
