package contracttest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/httpapi/contracttest"
)

// leftOut are the operations that the Go client has no call for.
var leftOut = map[string]string{
	"GET /metrics": "for Prometheus, in its text format",
}

// refusing records requests, and answers that nothing is there.
type refusing struct{ requests []*http.Request }

func (f *refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	f.requests = append(f.requests, r)
	p := api.NewProblem(api.CodeNotFound, "nothing is here")
	body, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: p.Status, Header: http.Header{"Content-Type": {api.MediaTypeProblem}}, Body: io.NopCloser(strings.NewReader(string(body))), Request: r}, nil
}

// TestClientHasEveryOperation makes every call of the Go client, and looks which
// operations of the document they are. Facades are for clients of their own.
func TestClientHasEveryOperation(t *testing.T) {
	t.Parallel()
	contract, err := contracttest.Service()
	if err != nil {
		t.Fatal(err)
	}
	called := map[string]bool{}
	for name, call := range everyCall() {
		transport := &refusing{}
		c, err := client.New("http://service", client.WithHTTPClient(&http.Client{Transport: transport}), client.WithRetries(0))
		if err != nil {
			t.Fatal(err)
		}
		if err := call(t.Context(), c); client.CodeOf(err) != api.CodeNotFound && name != "upload" {
			t.Errorf("%s: got %v, want the service's refusal", name, err)
		}
		for _, r := range transport.requests {
			op := contract.Operation(r)
			if op == "" {
				t.Errorf("%s: %s %s isn't in the document", name, r.Method, r.URL)
			}
			called[op] = true
		}
	}
	for _, op := range contract.Operations() {
		_, path, _ := strings.Cut(op, " ")
		ours := strings.HasPrefix(path, "/v1/") || path == "/healthz" || path == "/readyz" || path == "/metrics"
		if reason := leftOut[op]; ours && called[op] == (reason != "") {
			t.Errorf("%s: called %v, left out for %q", op, called[op], reason)
		}
	}
}

func everyCall() map[string]func(ctx context.Context, c *client.Client) error {
	arguments := json.RawMessage(`[]`)
	return map[string]func(ctx context.Context, c *client.Client) error{
		"about":   func(ctx context.Context, c *client.Client) error { _, err := c.About(ctx); return err },
		"queue":   func(ctx context.Context, c *client.Client) error { _, err := c.Queue(ctx); return err },
		"ready":   func(ctx context.Context, c *client.Client) error { _, err := c.Ready(ctx); return err },
		"health":  func(ctx context.Context, c *client.Client) error { return c.Health(ctx) },
		"workers": func(ctx context.Context, c *client.Client) error { _, err := c.Workers(ctx); return err },
		"register": func(ctx context.Context, c *client.Client) error {
			_, _, err := c.Register(ctx, client.Registration{Artefacts: map[string]io.Reader{"program": strings.NewReader("p")}})
			return err
		},
		"sources": func(ctx context.Context, c *client.Client) error {
			_, err := c.Compile(ctx, client.Sources{Files: map[string][]byte{"a.zok": []byte("x")}})
			return err
		},
		"circuits":       func(ctx context.Context, c *client.Client) error { _, err := c.Circuits(ctx, "", 1); return err },
		"circuit":        func(ctx context.Context, c *client.Client) error { _, err := c.Circuit(ctx, "a"); return err },
		"remove circuit": func(ctx context.Context, c *client.Client) error { return c.RemoveCircuit(ctx, "a") },
		"tag":            func(ctx context.Context, c *client.Client) error { _, err := c.Tag(ctx, "a", "b"); return err },
		"add keys": func(ctx context.Context, c *client.Client) error {
			_, _, err := c.AddKeys(ctx, "a", client.KeyUpload{ProvingKey: strings.NewReader("k")})
			return err
		},
		"keys":          func(ctx context.Context, c *client.Client) error { _, err := c.Keys(ctx, "a"); return err },
		"verifying key": func(ctx context.Context, c *client.Client) error { _, err := c.VerifyingKey(ctx, "a", "k"); return err },
		"proving key": func(ctx context.Context, c *client.Client) error {
			_, err := c.ProvingKey(ctx, "a", "k", io.Discard)
			return err
		},
		"verifier": func(ctx context.Context, c *client.Client) error { _, err := c.Verifier(ctx, "a", "k", ""); return err },
		"dry run": func(ctx context.Context, c *client.Client) error {
			_, err := c.DryRun(ctx, "a", api.WitnessRequest{Arguments: arguments})
			return err
		},
		"verify": func(ctx context.Context, c *client.Client) error {
			_, err := c.Verify(ctx, api.VerifyRequest{Circuit: "a", Proof: json.RawMessage(`{}`)})
			return err
		},
		"upload": func(ctx context.Context, c *client.Client) error {
			_, err := c.Upload(ctx, strings.NewReader("content"), client.UploadOptions{})
			return err
		},
		"upload status": func(ctx context.Context, c *client.Client) error {
			_, err := c.UploadStatus(ctx, "sha256:a")
			return err
		},
		"delete upload": func(ctx context.Context, c *client.Client) error { return c.DeleteUpload(ctx, "sha256:a") },
		"submit": func(ctx context.Context, c *client.Client) error {
			_, err := c.Submit(ctx, api.ProofRequest{Circuit: "a", Arguments: arguments}, client.SubmitOptions{})
			return err
		},
		"proof": func(ctx context.Context, c *client.Client) error {
			_, err := c.Proof(ctx, "p", time.Second)
			return err
		},
		"proofs": func(ctx context.Context, c *client.Client) error {
			_, err := c.Proofs(ctx, api.ProofFilter{}, "", 1)
			return err
		},
		"cancel":       func(ctx context.Context, c *client.Client) error { _, err := c.Cancel(ctx, "p"); return err },
		"delete":       func(ctx context.Context, c *client.Client) error { return c.Delete(ctx, "p") },
		"calldata":     func(ctx context.Context, c *client.Client) error { _, err := c.Calldata(ctx, "p"); return err },
		"proof events": func(ctx context.Context, c *client.Client) error { _, err := c.Follow(ctx, "p", nil); return err },
		"jobs": func(ctx context.Context, c *client.Client) error {
			_, err := c.Jobs(ctx, api.JobFilter{}, "", 1)
			return err
		},
		"job":        func(ctx context.Context, c *client.Client) error { _, err := c.Job(ctx, "j", 0); return err },
		"job events": func(ctx context.Context, c *client.Client) error { _, err := c.FollowJob(ctx, "j", nil); return err },
		"cancel job": func(ctx context.Context, c *client.Client) error { _, err := c.CancelJob(ctx, "j"); return err },
		"retry job":  func(ctx context.Context, c *client.Client) error { _, err := c.RetryJob(ctx, "j"); return err },
		"delete job": func(ctx context.Context, c *client.Client) error { return c.DeleteJob(ctx, "j") },
		"submit batch": func(ctx context.Context, c *client.Client) error {
			_, err := c.SubmitBatch(ctx, api.BatchRequest{Circuit: "a", Items: []api.BatchItem{{Arguments: arguments}}}, "")
			return err
		},
		"batch":        func(ctx context.Context, c *client.Client) error { _, err := c.Batch(ctx, "b"); return err },
		"cancel batch": func(ctx context.Context, c *client.Client) error { _, err := c.CancelBatch(ctx, "b"); return err },
		"delete batch": func(ctx context.Context, c *client.Client) error { return c.DeleteBatch(ctx, "b") },
		"batch events": func(ctx context.Context, c *client.Client) error { _, err := c.FollowBatch(ctx, "b", nil); return err },
		"batch items": func(ctx context.Context, c *client.Client) error {
			return first(c.BatchItems(ctx, "b", client.ItemsOptions{}))
		},
		"batch results": func(ctx context.Context, c *client.Client) error {
			return first(c.BatchResults(ctx, "b", client.ItemsOptions{}))
		},
		"webhooks":  func(ctx context.Context, c *client.Client) error { _, err := c.Webhooks(ctx, "", "", 1); return err },
		"webhook":   func(ctx context.Context, c *client.Client) error { _, err := c.Webhook(ctx, "p"); return err },
		"redeliver": func(ctx context.Context, c *client.Client) error { _, err := c.Redeliver(ctx, "p"); return err },
	}
}

// first returns the error of a sequence's first pair.
func first[T any](seq func(func(T, error) bool)) error {
	err := errors.New("an empty sequence")
	for _, err = range seq {
		break
	}
	return err
}
