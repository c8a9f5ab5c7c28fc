package httpapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"provery/api"
	"provery/client"
)

// dial returns a client of r over a real connection.
func (r *rig) dial(t *testing.T) *client.Client {
	t.Helper()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	c, err := client.New(server.URL, client.WithHTTPClient(server.Client()), client.WithAPIKey(testKey), client.WithRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestClientCalls makes every call of the SDK against the handlers.
func TestClientCalls(t *testing.T) {
	t.Parallel()
	finished := api.Proof{ID: "p_1", State: api.StateSucceeded, Result: &api.Result{Outputs: json.RawMessage(`"3"`)}}
	tests := []struct {
		name string
		call func(ctx context.Context, c *client.Client) (any, error)
		want string // in the answer as JSON
		args string // that reach the service, joined
	}{
		{"circuits", func(ctx context.Context, c *client.Client) (any, error) { return c.Circuits(ctx, "x", 3) }, `"next":"more"`, "x"},
		{"circuit", func(ctx context.Context, c *client.Client) (any, error) { return c.Circuit(ctx, "a@"+circuitID) }, circuitID, "a@" + circuitID},
		{"remove", func(ctx context.Context, c *client.Client) (any, error) { return nil, c.RemoveCircuit(ctx, "a") }, "null", "a"},
		{"tag", func(ctx context.Context, c *client.Client) (any, error) { return c.Tag(ctx, "a", "b:c") }, circuitID, "a b:c"},
		{"keys", func(ctx context.Context, c *client.Client) (any, error) { return c.Keys(ctx, "a") }, `[]`, "a"},
		{"setup", func(ctx context.Context, c *client.Client) (any, error) { return c.SetupKeys(ctx, "a", "gm17") }, `"sha256:k"`, "a"},
		{"verifier", func(ctx context.Context, c *client.Client) (any, error) { return c.Verifier(ctx, "a", "groth16", "V") }, `"contract V {}"`, "a solidity groth16 V"},
		{"calldata", func(ctx context.Context, c *client.Client) (any, error) { return c.Calldata(ctx, "p_1") }, `"0x01"`, "p_1 evm"},
		{"verifying key", func(ctx context.Context, c *client.Client) (any, error) { return c.VerifyingKey(ctx, "a", "k") }, `"alpha"`, "a k zokrates"},
		{"dry run", func(ctx context.Context, c *client.Client) (any, error) {
			return c.DryRun(ctx, "a", api.WitnessRequest{Arguments: json.RawMessage(`[]`)})
		}, `"satisfied":true`, "a"},
		{"prove", func(ctx context.Context, c *client.Client) (any, error) {
			return c.Prove(ctx, api.ProofRequest{Circuit: "a", Arguments: json.RawMessage(`["1"]`)})
		}, `"outputs":"3"`, ""},
		{"wait", func(ctx context.Context, c *client.Client) (any, error) { return c.Wait(ctx, "p_1") }, `"succeeded"`, "p_1"},
		{"proof", func(ctx context.Context, c *client.Client) (any, error) { return c.Proof(ctx, "p_1", time.Second) }, `"succeeded"`, "p_1"},
		{"proofs", func(ctx context.Context, c *client.Client) (any, error) {
			return c.Proofs(ctx, api.ProofFilter{State: api.StateQueued, Circuit: "a"}, "y", 2)
		}, `"p_1"`, "y"},
		{"cancel", func(ctx context.Context, c *client.Client) (any, error) { return c.Cancel(ctx, "p_1") }, `"p_1"`, "p_1"},
		{"delete", func(ctx context.Context, c *client.Client) (any, error) { return nil, c.Delete(ctx, "p_1") }, "null", "p_1"},
		{"verify", func(ctx context.Context, c *client.Client) (any, error) {
			return c.Verify(ctx, api.VerifyRequest{Circuit: "a", Proof: json.RawMessage(`{}`)})
		}, `"valid":true`, ""},
		{"about", func(ctx context.Context, c *client.Client) (any, error) { return c.About(ctx) }, `"provery"`, ""},
		{"queue", func(ctx context.Context, c *client.Client) (any, error) { return c.Queue(ctx) }, `"queued":3`, ""},
		{"ready", func(ctx context.Context, c *client.Client) (any, error) { return c.Ready(ctx) }, `"ready":true`, ""},
		{"health", func(ctx context.Context, c *client.Client) (any, error) { return nil, c.Health(ctx) }, "null", ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, withKeys)
			r.fake.proof = finished
			got, err := tc.call(t.Context(), r.dial(t))
			if err != nil {
				t.Fatal(err)
			}
			if text := marshal(t, got); !strings.Contains(text, tc.want) {
				t.Errorf("got %s, want %s", text, tc.want)
			}
			if args := strings.Join(r.fake.args, " "); args != tc.args {
				t.Errorf("got arguments %q, want %q", args, tc.args)
			}
		})
	}
}

func TestClientUploads(t *testing.T) {
	t.Parallel()
	r := newRig(t, withKeys)
	c := r.dial(t)
	program := strings.Repeat("x", 3<<20)
	got, existed, err := c.Register(t.Context(), client.Registration{Name: "a", Tag: "v1", Artefacts: map[string]io.Reader{
		"program": strings.NewReader(program), "abi": strings.NewReader("{}"),
	}})
	if err != nil || existed || got.ID != circuitID || r.fake.content["program"] != program || r.fake.registration.Tag != "v1" || r.fake.registration.Caller != "second" {
		t.Errorf("register: got %+v %v %v", got, existed, err)
	}
	r.fake.existed = true
	keys, existed, err := c.AddKeys(t.Context(), "a", client.KeyUpload{Scheme: "groth16", ProvingKey: strings.NewReader("pk"), VerifyingKey: strings.NewReader("vk")})
	if err != nil || !existed || keys.ID != "sha256:k" || r.fake.content["verifying_key"] != "vk" {
		t.Errorf("keys: got %+v %v %v", keys, existed, err)
	}
	_, _, err = c.Register(t.Context(), client.Registration{Artefacts: map[string]io.Reader{"zkey": strings.NewReader(program)}})
	if client.CodeOf(err) != api.CodeInvalidRequest {
		t.Errorf("unknown part: got %v, want invalid_request", err)
	}
}

func TestClientSeesProblems(t *testing.T) {
	t.Parallel()
	r := newRig(t, withKeys)
	c := r.dial(t)
	if _, err := c.Circuit(t.Context(), "a/b"); client.CodeOf(err) != api.CodeInvalidRequest {
		t.Errorf("got %v, want invalid_request", err)
	}
	r.fake.ready = api.Readiness{Checks: []api.Check{{Name: "engine", Detail: "down"}}}
	if ready, err := c.Ready(t.Context()); err != nil || ready.Ready || ready.Checks[0].Detail != "down" {
		t.Errorf("got %+v, %v, want not ready", ready, err)
	}
	r.fake.proof = api.Proof{ID: "p_1", State: api.StateFailed, Problem: api.NewProblem(api.CodeUnsatisfiedWitness, "a must not be 0")}
	_, err := c.Prove(t.Context(), api.ProofRequest{Circuit: "a", Arguments: json.RawMessage(`[]`)})
	if client.CodeOf(err) != api.CodeUnsatisfiedWitness || !strings.Contains(err.Error(), "a must not be 0") {
		t.Errorf("got %v, want the assertion", err)
	}
	server := httptest.NewServer(r)
	defer server.Close()
	stranger, err := client.New(server.URL, client.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Queue(t.Context()); client.CodeOf(err) != api.CodeUnauthenticated {
		t.Errorf("got %v, want unauthenticated", err)
	}
}
