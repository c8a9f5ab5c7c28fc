package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"provery/api"
)

// answer is one scripted answer of the service.
type answer struct {
	status int
	header http.Header
	body   any // marshalled; a string as it is
}

// script answers requests in order, and records them.
type script struct {
	mu       sync.Mutex
	answers  []answer
	requests []*http.Request
	bodies   []string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	s.requests, s.bodies = append(s.requests, r), append(s.bodies, string(body))
	a := answer{status: 500, body: "the script is at its end"}
	if len(s.answers) > 0 {
		a, s.answers = s.answers[0], s.answers[1:]
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.status == 0 { // the network fails
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(a.status)
	if text, ok := a.body.(string); ok {
		_, _ = io.WriteString(w, text)
		return
	}
	_ = json.NewEncoder(w).Encode(a.body)
}

// play returns a client of a service that gives the answers. Its pauses are
// recorded, and not taken.
func play(t *testing.T, answers ...answer) (*Client, *script) {
	t.Helper()
	s := &script{answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c, err := New(server.URL+"/", WithHTTPClient(server.Client()), WithAPIKey("pvk_k"), WithUserAgent("test"))
	if err != nil {
		t.Fatal(err)
	}
	c.backoff = func(int) time.Duration { return time.Microsecond }
	return c, s
}

func problem(code api.Code) answer {
	p := api.NewProblem(code, "as scripted")
	return answer{status: p.Status, body: p}
}

func state(status int, s api.State) answer {
	return answer{status: status, body: api.Proof{ID: "p_1", State: s}}
}

func TestNewRefusesBadBases(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "localhost:8080", "ftp://x", "http://", "http://a b"} {
		if _, err := New(base); err == nil {
			t.Errorf("%q: got no error", base)
		}
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	good := answer{status: 200, body: api.QueueStats{Queued: 1}}
	tests := []struct {
		name    string
		answers []answer
		calls   int
		want    api.Code // of the error; "" for none, "network" for one without a code
	}{
		{"good", []answer{good}, 1, ""},
		{"overloaded, then good", []answer{problem(api.CodeOverloaded), problem(api.CodeInternal), good}, 3, ""},
		{"not retryable", []answer{problem(api.CodeNotFound), good}, 1, api.CodeNotFound},
		{"for ever", []answer{problem(api.CodeOverloaded), problem(api.CodeOverloaded), problem(api.CodeOverloaded), problem(api.CodeOverloaded), problem(api.CodeOverloaded), good}, 5, api.CodeOverloaded},
		{"a proxy's 502", []answer{{status: 502, body: "<html>"}, good}, 2, ""},
		{"a proxy's 404", []answer{{status: 404, body: "<html>"}, good}, 1, api.CodeInternal},
		{"network, then good", []answer{{}, good}, 2, ""},
		{"broken JSON", []answer{{status: 200, body: "{"}, good}, 2, ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, s := play(t, tc.answers...)
			stats, err := c.Queue(t.Context())
			if CodeOf(err) != tc.want || len(s.requests) != tc.calls {
				t.Fatalf("got %v after %d calls, want %q after %d", err, len(s.requests), tc.want, tc.calls)
			}
			if err == nil && stats.Queued != 1 {
				t.Errorf("got %+v", stats)
			}
		})
	}
}

func TestWhatIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(c *Client) error{
		"remove": func(c *Client) error { return c.RemoveCircuit(context.Background(), "a") },
		"delete": func(c *Client) error { return c.Delete(context.Background(), "p") },
		"setup":  func(c *Client) error { _, err := c.SetupKeys(context.Background(), "a", "groth16"); return err },
		"ready":  func(c *Client) error { _, err := c.Ready(context.Background()); return err },
		"register": func(c *Client) error {
			once := io.MultiReader(strings.NewReader("p")) // it can't be read again
			_, _, err := c.Register(context.Background(), Registration{Artefacts: map[string]io.Reader{"program": once}})
			return err
		},
	} {
		c, s := play(t, problem(api.CodeInternal))
		if err := f(c); CodeOf(err) != api.CodeInternal || len(s.requests) != 1 {
			t.Errorf("%s: got %v after %d calls, want one", name, err, len(s.requests))
		}
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	overloaded := problem(api.CodeOverloaded)
	overloaded.header = http.Header{"Retry-After": {"60"}}
	c, s := play(t, overloaded)
	ctx, cancel := context.WithCancel(t.Context())
	c.backoff = func(int) time.Duration { cancel(); return 0 }
	_, err := c.Queue(ctx)
	var refused *Error
	if !errors.As(err, &refused) || refused.RetryAfter != 60 || len(s.requests) != 1 {
		t.Errorf("got %v after %d calls, want the refusal after one", err, len(s.requests))
	}
}

// TestLongRetryAfterIsLeft checks that a pause of hours is the caller's to take.
func TestLongRetryAfterIsLeft(t *testing.T) {
	t.Parallel()
	overloaded := problem(api.CodeOverloaded)
	overloaded.header = http.Header{"Retry-After": {"3600"}}
	c, s := play(t, overloaded)
	var refused *Error
	if _, err := c.Queue(t.Context()); !errors.As(err, &refused) || refused.RetryAfter != 3600 || len(s.requests) != 1 {
		t.Errorf("got %v after %d calls, want the refusal after one", err, len(s.requests))
	}
}

func TestRetryAfterHeader(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		header string
		want   int
		ok     bool
	}{{"7", 7, true}, {"", 0, false}, {"-1", 0, false}, {"soon", 0, false}, {"Mon, 02 Jan 2006 15:04:05 GMT", 0, true}} {
		if got, ok := retryAfter(tc.header); got != tc.want || ok != tc.ok {
			t.Errorf("%q: got %d %v, want %d %v", tc.header, got, ok, tc.want, tc.ok)
		}
	}
}

func TestProve(t *testing.T) {
	t.Parallel()
	failed := answer{status: 200, body: api.Proof{ID: "p_1", State: api.StateFailed, Problem: api.NewProblem(api.CodeUnsatisfiedWitness, "a")}}
	ended := api.NewProblem(api.CodeInternal, "the proof failed")
	ended.Instance = "/v1/proofs/p_1"
	tests := []struct {
		name    string
		answers []answer
		calls   int
		want    api.Code
	}{
		{"at once", []answer{state(200, api.StateSucceeded)}, 1, ""},
		{"long poll", []answer{state(202, api.StateQueued), state(200, api.StateRunning), state(200, api.StateSucceeded)}, 3, ""},
		{"no room to wait", []answer{state(202, api.StateQueued), problem(api.CodeOverloaded), state(200, api.StateSucceeded)}, 3, ""},
		{"the answer is lost", []answer{{}, state(202, api.StateQueued), {}, state(200, api.StateSucceeded)}, 4, ""},
		{"fails within the wait", []answer{problem(api.CodeUnsatisfiedWitness)}, 1, api.CodeUnsatisfiedWitness},
		{"fails for good", []answer{{status: 500, body: ended}, state(200, api.StateSucceeded)}, 1, api.CodeInternal},
		{"fails later", []answer{state(202, api.StateQueued), failed}, 2, api.CodeUnsatisfiedWitness},
		{"cancelled", []answer{state(202, api.StateQueued), state(200, api.StateCancelled)}, 2, api.CodeCanceled},
		{"expired", []answer{state(202, api.StateQueued), state(200, api.StateExpired)}, 2, api.CodeDeadlineExceeded},
		{"no reason", []answer{state(202, api.StateQueued), state(200, api.StateFailed)}, 2, api.CodeInternal},
		{"erased", []answer{state(202, api.StateQueued), problem(api.CodeNotFound)}, 2, api.CodeNotFound},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, s := play(t, tc.answers...)
			p, err := c.Prove(t.Context(), api.ProofRequest{Circuit: "a", Arguments: json.RawMessage(`["1"]`)})
			if CodeOf(err) != tc.want || len(s.requests) != tc.calls {
				t.Fatalf("got %v after %d calls, want %q after %d", err, len(s.requests), tc.want, tc.calls)
			}
			if err == nil && p.State != api.StateSucceeded {
				t.Errorf("got %+v, want a finished proof", p)
			}
			first := s.requests[0].Header
			if first.Get(api.HeaderPrefer) != "wait=30" || first.Get(api.HeaderIdempotencyKey) == "" || first.Get("Authorization") != "Bearer pvk_k" || first.Get("User-Agent") != "test" {
				t.Errorf("got headers %v", first)
			}
		})
	}
}

// TestRepeatedSubmitIsTheSame checks that a repetition carries the same key
// and body, and that two calls don't.
func TestRepeatedSubmitIsTheSame(t *testing.T) {
	t.Parallel()
	c, s := play(t, answer{}, state(202, api.StateQueued), state(202, api.StateQueued))
	for range 2 {
		if _, err := c.Submit(t.Context(), api.ProofRequest{Circuit: "a", Arguments: json.RawMessage(`[]`)}, SubmitOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	key := func(i int) string { return s.requests[i].Header.Get(api.HeaderIdempotencyKey) }
	if key(0) != key(1) || s.bodies[0] != s.bodies[1] || key(1) == key(2) {
		t.Errorf("got keys %q %q %q, want the first two alike", key(0), key(1), key(2))
	}
	if s.requests[0].Header.Get(api.HeaderPrefer) != "" {
		t.Error("a wait that wasn't asked for")
	}
}

func TestContextEndsTheWait(t *testing.T) {
	t.Parallel()
	c, _ := play(t, state(202, api.StateQueued), state(200, api.StateRunning))
	ctx, cancel := context.WithCancel(t.Context())
	c.backoff = func(int) time.Duration { cancel(); return time.Hour }
	if _, err := c.Prove(ctx, api.ProofRequest{Circuit: "a", Arguments: json.RawMessage(`[]`)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestUploadReportsItsReadersError(t *testing.T) {
	t.Parallel()
	c, _ := play(t)
	broken := errors.New("disk gone")
	_, _, err := c.Register(t.Context(), Registration{Artefacts: map[string]io.Reader{
		"program": io.MultiReader(strings.NewReader("start"), failing{broken}),
	}})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's error", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestErrorText(t *testing.T) {
	t.Parallel()
	e := &Error{*api.NewProblem(api.CodeUnsatisfiedWitness, "assertion failed")}
	e.Path, e.Position, e.Incident = "/arguments", &api.Position{File: "a.zok", Line: 1, Column: 2}, "inc_1"
	if want := "unsatisfied_witness at /arguments (a.zok:1:2): assertion failed (incident inc_1)"; e.Error() != want {
		t.Errorf("got %q, want %q", e.Error(), want)
	}
	var p *api.Problem
	if !errors.As(e, &p) || p.Code != api.CodeUnsatisfiedWitness {
		t.Error("the problem isn't found by errors.As")
	}
}

func TestExponentialBackoff(t *testing.T) {
	t.Parallel()
	for attempt := range 20 {
		base := 250 * time.Millisecond << min(attempt, 8)
		if d := exponential(attempt); d < base/2 || d > base*3/2 {
			t.Errorf("attempt %d: got %v, want it within half of %v", attempt, d, base)
		}
	}
}
