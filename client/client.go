// Package client calls Provery's HTTP API.
//
//	c, err := client.New("http://127.0.0.1:8080")
//	…
//	proof, err := c.Prove(ctx, api.ProofRequest{Circuit: "eddsa", Arguments: arguments})
//
// Every method takes a context, and returns *Error for what the service
// refuses. Calls that are safe to repeat are repeated when the service says
// that it makes sense, a bounded number of times.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"provery/api"
)

// Client calls one service. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	key     string
	agent   string
	http    *http.Client
	retries int
	wait    time.Duration
	check   func(context.Context, *api.Proof) error // nil: none
	backoff func(attempt int) time.Duration
}

// Option changes a client.
type Option func(*Client)

// WithAPIKey sends key with every request.
func WithAPIKey(key string) Option { return func(c *Client) { c.key = key } }

// WithHTTPClient makes requests with h instead of http.DefaultClient. A
// timeout of h must be longer than the wait of WithWait.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithRetries repeats a call up to n times; 4 without it, and 0 for none.
func WithRetries(n int) Option { return func(c *Client) { c.retries = max(0, n) } }

// WithWait asks the service to hold each request for a proof for up to d,
// 30 s without it.
func WithWait(d time.Duration) Option { return func(c *Client) { c.wait = max(time.Second, d) } }

// WithUserAgent names the program in the service's view.
func WithUserAgent(agent string) Option { return func(c *Client) { c.agent = agent } }

// WithCheck has every proof checked that Prove, Submit, Wait, Follow, Proof and
// BatchResults return with a result: check gets it first, and where it returns an
// error they return a *CheckError. client/verify has checks by a verifying key.
func WithCheck(check func(context.Context, *api.Proof) error) Option {
	return func(c *Client) { c.check = check }
}

// New returns a client of the service at base, such as
// "http://127.0.0.1:8080".
func New(base string, options ...Option) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("client: want a base such as http://127.0.0.1:8080")
	}
	c := &Client{
		base: u, agent: "provery-go", http: http.DefaultClient,
		retries: 4, wait: 30 * time.Second, backoff: exponential,
	}
	for _, o := range options {
		o(c)
	}
	return c, nil
}

// Error is a refusal of the service.
type Error struct{ api.Problem }

// Error returns what was refused, and the request id for the service's log.
func (e *Error) Error() string {
	s := e.Problem.Error()
	if e.Incident != "" {
		return s + " (incident " + e.Incident + ")"
	}
	return s
}

// Unwrap returns the problem, for errors.As.
func (e *Error) Unwrap() error { return &e.Problem }

// CheckError says that a proof which the service returned didn't pass the check
// of WithCheck.
type CheckError struct {
	Proof *api.Proof
	Err   error // of the check
}

// Error returns which proof it is, and what the check said.
func (e *CheckError) Error() string {
	return "client: check of proof " + e.Proof.ID + ": " + e.Err.Error()
}

// Unwrap returns the check's error.
func (e *CheckError) Unwrap() error { return e.Err }

// CodeOf returns the code of a refusal, "" for any other error.
func CodeOf(err error) api.Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// call is one request, which can be made again.
type call struct {
	method string
	path   string // with query
	body   []byte // JSON, or nil
	header http.Header
	// repeatable says that making the request twice is like making it once.
	repeatable bool
	// accept lists good statuses beside 2xx.
	accept int
}

func get(path string) call {
	return call{method: http.MethodGet, path: path, repeatable: true}
}

// path joins escaped segments below the API's base path.
func path(segments ...string) string {
	var b strings.Builder
	b.WriteString(api.BasePath)
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// do makes the call and decodes the answer into out, unless that is nil.
func (c *Client) do(ctx context.Context, k call, out any) error {
	for attempt := 0; ; attempt++ {
		err := c.once(ctx, k, out)
		if err == nil || !k.repeatable || attempt >= c.retries || !again(ctx, err) || c.pause(ctx, attempt, err) != nil {
			return err
		}
	}
}

func (c *Client) once(ctx context.Context, k call, out any) error {
	var body io.Reader
	if k.body != nil {
		body = bytes.NewReader(k.body)
	}
	req, err := c.request(ctx, k.method, k.path, body)
	if err != nil {
		return err
	}
	for name, values := range k.header {
		req.Header[name] = values
	}
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	_, err = c.send(req, k.accept, out)
	return err
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base.String(), "/")+path, body)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Accept", "application/json, "+api.MediaTypeProblem)
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	return req, nil
}

// send makes a request and decodes a good answer into out, unless that is nil.
func (c *Client) send(req *http.Request, accept int, out any) (status int, err error) {
	res, err := c.http.Do(req)
	if err != nil {
		return 0, fmt.Errorf("client: %w", err)
	}
	defer func() {
		_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection can be used again
		_ = res.Body.Close()
	}()
	if res.StatusCode >= 300 && res.StatusCode != accept {
		return res.StatusCode, problemOf(res)
	}
	switch out := out.(type) {
	case nil:
		return res.StatusCode, nil
	case *json.RawMessage:
		*out, err = io.ReadAll(res.Body)
	default:
		err = json.NewDecoder(res.Body).Decode(out)
	}
	if err != nil {
		return res.StatusCode, fmt.Errorf("client: read the answer: %w", err)
	}
	return res.StatusCode, nil
}

// problemOf reads the problem of an answer. One of a proxy between is not
// problem+json, and is described by its status.
func problemOf(res *http.Response) error {
	e := &Error{}
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil || json.Unmarshal(body, &e.Problem) != nil || e.Code == "" {
		e.Problem = api.Problem{
			Title: http.StatusText(res.StatusCode), Detail: "no problem in the answer: " + res.Status, Code: api.CodeInternal,
			Retryable: res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 502, Scope: api.ScopeInternal,
		}
	}
	e.Status = res.StatusCode
	if after, ok := retryAfter(res.Header.Get("Retry-After")); ok {
		e.RetryAfter = after
	}
	return e
}

// fetch makes a call for a T.
func fetch[T any](ctx context.Context, c *Client, k call) (*T, error) {
	out := new(T)
	if err := c.do(ctx, k, out); err != nil {
		return nil, err
	}
	return out, nil
}

// post sends in as JSON and returns a T.
func post[T any](ctx context.Context, c *Client, path string, repeatable bool, in any) (*T, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	return fetch[T](ctx, c, call{method: http.MethodPost, path: path, body: body, repeatable: repeatable})
}
