package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"provery/api"
)

// Jobs returns a page of at most limit jobs, newest first; 0 is the service's
// default. An ordinary API key sees its own jobs, an admin's all.
func (c *Client) Jobs(ctx context.Context, f api.JobFilter, cursor string, limit int) (*api.Page[api.Job], error) {
	q := url.Values{}
	for name, value := range map[string]string{
		"state": string(f.State), "kind": f.Kind, "circuit": f.Circuit, "owner": f.Owner, "batch": f.Batch, "cursor": cursor,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Dead {
		q.Set("dead", "true")
	}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return fetch[api.Page[api.Job]](ctx, c, get(path("jobs")+query(q)))
}

// Job returns a job as it is, or after up to wait if it hasn't ended.
func (c *Client) Job(ctx context.Context, id string, wait time.Duration) (*api.Job, error) {
	q := url.Values{}
	if s := wholeSeconds(wait); s > 0 {
		q.Set("wait", strconv.Itoa(s))
	}
	return fetch[api.Job](ctx, c, get(path("jobs", id)+query(q)))
}

// FollowJob is Follow for jobs of any kind. The job is returned however it ended:
// its State tells.
func (c *Client) FollowJob(ctx context.Context, id string, on func(api.Event)) (*api.Job, error) {
	if err := c.follow(ctx, path("jobs", id, "events"), on); err != nil {
		return nil, err
	}
	return c.endOf(ctx, &api.Job{ID: id})
}

// endOf waits for the end of a job, of which j is what is known.
func (c *Client) endOf(ctx context.Context, j *api.Job) (*api.Job, error) {
	err := c.until(ctx, func() (ended bool, err error) {
		if j.State.Terminal() {
			return true, nil
		}
		next, err := c.Job(ctx, j.ID, c.wait)
		if err == nil {
			j = next
		}
		return err == nil && j.State.Terminal(), err
	})
	if err != nil {
		return nil, err
	}
	return j, nil
}

// CancelJob stops a job. One that has ended stays as it is.
func (c *Client) CancelJob(ctx context.Context, id string) (*api.Job, error) {
	return fetch[api.Job](ctx, c, call{method: http.MethodPost, path: path("jobs", id, "cancel"), repeatable: true})
}

// RetryJob runs a job now that waits after a failure, or a dead letter. It
// needs an admin's API key.
func (c *Client) RetryJob(ctx context.Context, id string) (*api.Job, error) {
	return fetch[api.Job](ctx, c, call{method: http.MethodPost, path: path("jobs", id, "retry")})
}

// DeleteJob erases a job that has ended.
func (c *Client) DeleteJob(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("jobs", id)}, nil)
}

// AllJobs yields the jobs that a filter selects, newest first, as AllCircuits does.
func (c *Client) AllJobs(ctx context.Context, f api.JobFilter) iter.Seq2[*api.Job, error] {
	return all(func(cursor string) (*api.Page[api.Job], error) { return c.Jobs(ctx, f, cursor, maxPage) })
}

// Workers returns the processes that prove.
func (c *Client) Workers(ctx context.Context) ([]api.Worker, error) {
	p, err := fetch[api.Page[api.Worker]](ctx, c, get(path("workers")))
	if err != nil {
		return nil, err
	}
	return p.Items, nil
}

// Webhooks returns a page of at most limit webhooks with the log of their
// deliveries, newest first. state is waiting, pending, delivered, failed, or ""
// for all.
func (c *Client) Webhooks(ctx context.Context, state, cursor string, limit int) (*api.Page[api.WebhookDelivery], error) {
	q := url.Values{}
	for name, value := range map[string]string{"state": state, "cursor": cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return fetch[api.Page[api.WebhookDelivery]](ctx, c, get(path("webhooks")+query(q)))
}

// AllWebhooks yields the webhooks of a state, or all, as AllCircuits does.
func (c *Client) AllWebhooks(ctx context.Context, state string) iter.Seq2[*api.WebhookDelivery, error] {
	return all(func(cursor string) (*api.Page[api.WebhookDelivery], error) {
		return c.Webhooks(ctx, state, cursor, maxPage)
	})
}

// Webhook returns the webhook of a job or batch.
func (c *Client) Webhook(ctx context.Context, subject string) (*api.WebhookDelivery, error) {
	return fetch[api.WebhookDelivery](ctx, c, get(path("webhooks", subject)))
}

// Redeliver delivers the webhook of a job or batch once more.
func (c *Client) Redeliver(ctx context.Context, subject string) (*api.WebhookDelivery, error) {
	return fetch[api.WebhookDelivery](ctx, c, call{method: http.MethodPost, path: path("webhooks", subject, "redeliver")})
}
