package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"provery/api"
)

// SubmitOptions change how a request for a proof is made.
type SubmitOptions struct {
	// IdempotencyKey makes the service return the same proof for the same
	// request. Without it a client that retries makes one for each call, so
	// that a repetition after a network failure doesn't prove twice. It costs
	// the service one more write to disk.
	IdempotencyKey string
	// Wait asks for the outcome within this time. 0 doesn't wait.
	Wait time.Duration
}

// Submit asks for a proof and returns its job. With a wait, a proof that
// fails within it is an *Error; without one its State tells.
func (c *Client) Submit(ctx context.Context, r api.ProofRequest, o SubmitOptions) (*api.Proof, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if o.IdempotencyKey == "" && c.retries > 0 {
		o.IdempotencyKey = rand.Text()
	}
	k := call{method: http.MethodPost, path: path("proofs"), body: body, repeatable: true, header: http.Header{}}
	if o.IdempotencyKey != "" {
		k.header.Set(api.HeaderIdempotencyKey, o.IdempotencyKey)
	}
	if s := wholeSeconds(o.Wait); s > 0 {
		k.header.Set(api.HeaderPrefer, "wait="+strconv.Itoa(s))
	}
	return c.proof(ctx, k)
}

// proof makes a call for a proof, and checks it.
func (c *Client) proof(ctx context.Context, k call) (*api.Proof, error) {
	p, err := fetch[api.Proof](ctx, c, k)
	if err == nil {
		err = c.checked(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// checked checks a proof that has a result, if the client has a check.
func (c *Client) checked(ctx context.Context, p *api.Proof) error {
	if c.check == nil || p.Result == nil {
		return nil
	}
	if err := c.check(ctx, p); err != nil {
		return &CheckError{p, err}
	}
	return nil
}

// Prove asks for a proof and waits until it is finished or ctx ends. A proof
// that fails, is cancelled or expires is an *Error. When ctx ends the job
// goes on: it is found again by Submit with the same idempotency key, or in
// the list.
func (c *Client) Prove(ctx context.Context, r api.ProofRequest) (*api.Proof, error) {
	p, err := c.Submit(ctx, r, SubmitOptions{Wait: c.wait})
	if err != nil {
		return nil, err
	}
	return c.finish(ctx, p)
}

// Calldata returns a succeeded proof as the call of its verifier contract on the
// EVM.
func (c *Client) Calldata(ctx context.Context, id string) (*api.Calldata, error) {
	return fetch[api.Calldata](ctx, c, get(path("proofs", id, "calldata")+"?target=evm"))
}

// Wait waits until the proof is finished or ctx ends, like Prove.
func (c *Client) Wait(ctx context.Context, id string) (*api.Proof, error) {
	p, err := c.Proof(ctx, id, 0)
	if err != nil {
		return nil, err
	}
	return c.finish(ctx, p)
}

// Follow is Wait by the proof's events, each of which on is called with, in order,
// unless it is nil: changes of state, and where known, the stage and an estimate of
// the time left. Where events can't be had it asks for the outcome as Wait does,
// and calls on no more.
func (c *Client) Follow(ctx context.Context, id string, on func(api.Event)) (*api.Proof, error) {
	if err := c.follow(ctx, path("proofs", id, "events"), on); err != nil {
		return nil, err
	}
	return c.Wait(ctx, id)
}

// finish polls until p's state is terminal. A service that has no room for
// waiting requests is asked again later, as long as ctx lasts.
func (c *Client) finish(ctx context.Context, p *api.Proof) (*api.Proof, error) {
	err := c.until(ctx, func() (ended bool, err error) {
		if p.State.Terminal() {
			return true, nil
		}
		next, err := c.Proof(ctx, p.ID, c.wait)
		if err == nil {
			p = next
		}
		return err == nil && p.State.Terminal(), err
	})
	if err != nil {
		return nil, err
	}
	return p, failed("proof", p.State, p.Problem)
}

// until calls ask, which waits, until it reports the end.
func (c *Client) until(ctx context.Context, ask func() (ended bool, err error)) error {
	for attempt := 0; ; attempt++ {
		asked := time.Now()
		ended, err := ask()
		var refused *Error
		switch {
		case ended:
			return nil
		case err != nil && (!errors.As(err, &refused) || !refused.Retryable):
			return err
		case err != nil:
			if c.pause(ctx, attempt, err) != nil {
				return err
			}
		case time.Since(asked) < c.wait/2: // a service that is about to stop answers at once
			if err := c.pause(ctx, min(attempt, 2), nil); err != nil {
				return err
			}
		}
	}
}

// failed returns the problem of a job that ended without a result.
func failed(what string, state api.State, problem *api.Problem) error {
	switch {
	case state == api.StateSucceeded:
		return nil
	case problem != nil:
		return &Error{*problem}
	case state == api.StateCancelled:
		return &Error{*api.NewProblem(api.CodeCanceled, "the "+what+" was cancelled")}
	case state == api.StateExpired:
		return &Error{*api.NewProblem(api.CodeDeadlineExceeded, "the "+what+" didn't end before its deadline")}
	}
	return &Error{*api.NewProblem(api.CodeInternal, "the "+what+" failed")}
}

// Proof returns a proof as it is, or after up to wait if it isn't finished.
func (c *Client) Proof(ctx context.Context, id string, wait time.Duration) (*api.Proof, error) {
	q := url.Values{}
	if s := wholeSeconds(wait); s > 0 {
		q.Set("wait", strconv.Itoa(s))
	}
	return c.proof(ctx, get(path("proofs", id)+query(q)))
}

// Proofs returns a page of at most limit proofs, newest first, without their
// results; 0 is the service's default.
func (c *Client) Proofs(ctx context.Context, f api.ProofFilter, cursor string, limit int) (*api.Page[api.Proof], error) {
	q := url.Values{}
	for name, value := range map[string]string{"state": string(f.State), "circuit": f.Circuit, "cursor": cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return fetch[api.Page[api.Proof]](ctx, c, get(path("proofs")+query(q)))
}

// AllProofs yields the proofs that a filter selects, newest first, without their
// results, as AllCircuits does.
func (c *Client) AllProofs(ctx context.Context, f api.ProofFilter) iter.Seq2[*api.Proof, error] {
	return all(func(cursor string) (*api.Page[api.Proof], error) { return c.Proofs(ctx, f, cursor, maxPage) })
}

// Cancel stops a job. One that has ended stays as it is.
func (c *Client) Cancel(ctx context.Context, id string) (*api.Proof, error) {
	return c.proof(ctx, call{method: http.MethodPost, path: path("proofs", id, "cancel"), repeatable: true})
}

// Delete erases the inputs and the result of a proof that has ended.
func (c *Client) Delete(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("proofs", id)}, nil)
}

// Verify asks whether a proof holds. One that doesn't is no error.
func (c *Client) Verify(ctx context.Context, r api.VerifyRequest) (*api.VerifyResult, error) {
	return post[api.VerifyResult](ctx, c, path("verify"), true, r)
}

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
