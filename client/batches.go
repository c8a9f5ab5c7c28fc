package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"provery/api"
)

// SubmitBatch asks for up to api.MaxBatch proofs of one circuit. All items are
// accepted, or none. idempotencyKey makes the service return the same batch for
// the same request; if it is empty, a client that retries makes one for each
// call.
func (c *Client) SubmitBatch(ctx context.Context, r api.BatchRequest, idempotencyKey string) (*api.Batch, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if idempotencyKey == "" && c.retries > 0 {
		idempotencyKey = rand.Text()
	}
	k := call{method: http.MethodPost, path: path("batches"), body: body, repeatable: idempotencyKey != "", header: http.Header{}}
	if idempotencyKey != "" {
		k.header.Set(api.HeaderIdempotencyKey, idempotencyKey)
	}
	return fetch[api.Batch](ctx, c, k)
}

// Batch returns a batch as it is.
func (c *Client) Batch(ctx context.Context, id string) (*api.Batch, error) {
	return fetch[api.Batch](ctx, c, get(path("batches", id)))
}

// CancelBatch cancels the items that haven't ended.
func (c *Client) CancelBatch(ctx context.Context, id string) (*api.Batch, error) {
	return fetch[api.Batch](ctx, c, call{method: http.MethodPost, path: path("batches", id, "cancel"), repeatable: true})
}

// DeleteBatch erases the inputs and results of a batch that has ended.
func (c *Client) DeleteBatch(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("batches", id)}, nil)
}

// BatchEvents is ProofEvents for batches: an event for each item that ends, and
// the counts. Around a break of the connection an item may be told twice.
func (c *Client) BatchEvents(ctx context.Context, id string) iter.Seq2[api.Event, error] {
	return c.events(ctx, path("batches", id, "events"), c.retries)
}

// FollowBatch is Follow for batches. The batch is returned however it ended: its
// Counts tell how many items did in which state.
func (c *Client) FollowBatch(ctx context.Context, id string, on func(api.Event)) (*api.Batch, error) {
	if err := c.follow(ctx, path("batches", id, "events"), on); err != nil {
		return nil, err
	}
	var b *api.Batch
	err := c.until(ctx, func() (ended bool, err error) {
		next, err := c.Batch(ctx, id)
		if err == nil {
			b = next
		}
		return err == nil && b.State.Terminal(), err
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// ItemsOptions select items of a batch.
type ItemsOptions struct {
	From int  // number of the first item, from 0
	Wait bool // for the end of each item
}

// BatchItems yields the items of a batch in order, without their results; items
// that were deleted are left out. When the connection breaks it is taken up
// again behind the last item. The last pair has the error, if any.
func (c *Client) BatchItems(ctx context.Context, id string, o ItemsOptions) iter.Seq2[*api.Proof, error] {
	return c.items(ctx, path("batches", id, "items"), o)
}

// BatchResults is BatchItems with the results. An item that failed has a
// Problem instead, which is no error of the stream.
func (c *Client) BatchResults(ctx context.Context, id string, o ItemsOptions) iter.Seq2[*api.Proof, error] {
	return c.items(ctx, path("batches", id, "results"), o)
}

func (c *Client) items(ctx context.Context, path string, o ItemsOptions) iter.Seq2[*api.Proof, error] {
	return func(yield func(*api.Proof, error) bool) {
		l := &lines{c: c, path: path, o: o}
		for failures := 0; ; failures++ {
			from := l.o.From
			ended, err := l.connect(ctx, yield)
			if ended {
				return
			}
			if l.o.From != from {
				failures = 0
			}
			if failures >= c.retries || !again(ctx, err) || c.pause(ctx, failures, err) != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// lines is a stream of items over as many connections as it takes.
type lines struct {
	c    *Client
	path string
	o    ItemsOptions // From is the next item's number
}

// connect makes one connection and yields its items. ended reports that nothing
// is left; otherwise there is an error.
func (l *lines) connect(ctx context.Context, yield func(*api.Proof, error) bool) (ended bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	q := url.Values{}
	if l.o.From > 0 {
		q.Set("from", strconv.Itoa(l.o.From))
	}
	if l.o.Wait {
		q.Set("wait", "true")
	}
	req, err := l.c.request(ctx, http.MethodGet, l.path+query(q), nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Accept", api.MediaTypeLines+", "+api.MediaTypeProblem)
	idle := time.AfterFunc(silence, cancel)
	defer idle.Stop()
	res, err := l.c.http.Do(req)
	if err != nil {
		return false, fmt.Errorf("client: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return false, problemOf(res)
	}
	dec := json.NewDecoder(&awake{res.Body, idle})
	for {
		p := new(api.Proof)
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			return true, nil
		} else if err != nil {
			return false, fmt.Errorf("client: read items: %w", err)
		}
		if err := l.c.checked(ctx, p); err != nil {
			return false, err
		}
		if p.Item != nil {
			l.o.From = *p.Item + 1
		}
		if !yield(p, nil) {
			return true, nil
		}
	}
}
