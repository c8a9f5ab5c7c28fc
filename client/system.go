package client

import (
	"context"
	"net/http"

	"provery/api"
)

// About says what is running.
func (c *Client) About(ctx context.Context) (*api.About, error) {
	return fetch[api.About](ctx, c, get(path("about")))
}

// Queue returns the state of the queue.
func (c *Client) Queue(ctx context.Context) (*api.QueueStats, error) {
	return fetch[api.QueueStats](ctx, c, get(path("queue")))
}

// Ready asks once whether the service can take work. One that can't is no
// error: Ready is false then, and the checks say why.
func (c *Client) Ready(ctx context.Context) (*api.Readiness, error) {
	k := get("/readyz")
	k.accept, k.repeatable = http.StatusServiceUnavailable, false
	return fetch[api.Readiness](ctx, c, k)
}

// Health asks once whether the service answers at all.
func (c *Client) Health(ctx context.Context) error {
	k := get("/healthz")
	k.repeatable = false
	return c.do(ctx, k, &api.Health{})
}
