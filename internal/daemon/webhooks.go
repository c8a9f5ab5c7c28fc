package daemon

import (
	"context"
	"encoding/json"
	"strings"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
	"provery/internal/queue"
	"provery/internal/webhook"
)

// openWebhooks opens what processes of the API deliver.
func (d *Daemon) openWebhooks(ctx context.Context) error {
	secrets, err := d.webhookSecrets()
	if err != nil {
		return err
	}
	w := d.cfg.Webhooks
	return d.await(ctx, "webhooks", func(ctx context.Context) error {
		hooks, err := webhook.Open(ctx, d.engine, &services{d}, d.ring, webhook.Config{
			Replicas: d.cfg.Engine.Replicas, AllowPrivate: w.AllowPrivate, AllowHTTP: w.AllowHTTP,
			Secrets: func(owner string) [][]byte { return secrets[owner] }, Timeout: w.Timeout, MaxAge: w.MaxAge,
			Retention: d.cfg.ResultTTL, Now: now, Tracer: d.tracing.Tracer(), Logger: d.log.With("part", "webhooks"),
		})
		if err != nil {
			return err
		}
		d.webhooks.Store(hooks)
		d.onClose(func(context.Context) error { hooks.Close(); return nil })
		return nil
	})
}

// webhookSecrets returns the secrets by owner; "" is the open API.
func (d *Daemon) webhookSecrets() (map[string][][]byte, error) {
	out := map[string][][]byte{}
	add := func(owner string, texts []string) error {
		for _, text := range texts {
			b, err := webhook.ParseSecret(text)
			if err != nil {
				return fault.Wrap(err, fault.InvalidRequest, "webhook secret")
			}
			out[owner] = append(out[owner], b)
		}
		return nil
	}
	for _, k := range d.cfg.APIKeys {
		if err := add(k.Name, k.WebhookSecrets); err != nil {
			return nil, err
		}
	}
	if d.cfg.Open() {
		return out, add("", d.cfg.Webhooks.Secrets)
	}
	return out, nil
}

// jobEnded is told by the queue of every end.
func (d *Daemon) jobEnded(e queue.Ended) {
	if hooks := d.webhooks.Load(); hooks != nil {
		hooks.Ended(e.ID, e.Batch)
	}
}

// withWebhook records a webhook, if there is an address, around the acceptance
// of a job or batch. accept returns the id of what was accepted, which is
// another one where the request was a repetition.
func (s *services) withWebhook(ctx context.Context, subject, owner, address string, accept func() (id string, err error)) error {
	if address == "" {
		_, err := accept()
		return err
	}
	hooks := s.d.webhooks.Load()
	if err := hooks.Add(ctx, subject, owner, address); err != nil {
		if f, ok := err.(*fault.Error); ok {
			return f.At("/webhook")
		}
		return err
	}
	id, err := accept()
	if id == subject && err == nil {
		return nil
	}
	if code := fault.CodeOf(err); err != nil && (code == fault.Overloaded || code == fault.Internal || code == fault.Canceled || code == fault.DeadlineExceeded) {
		return err // it may have been accepted; if not, the webhook goes away by itself
	}
	if derr := hooks.Drop(context.WithoutCancel(ctx), subject); derr != nil {
		s.d.log.Warn("forget webhook", "subject", subject, "cause", derr)
	}
	return err
}

// Ended implements webhook.Source.
func (s *services) Ended(ctx context.Context, subject string) (webhook.Event, bool, error) {
	if queue.CheckBatchID(subject) == nil {
		return s.batchEnded(ctx, subject)
	}
	j, err := s.d.queue.Job(ctx, subject)
	if err != nil || !j.State.Terminal() {
		return webhook.Event{}, false, err
	}
	v := s.jobView(j)
	data := api.WebhookData{
		ID: v.ID, Kind: v.Kind, State: v.State, Circuit: v.Circuit, Labels: v.Labels, Attempt: v.Attempt, Created: v.Created, Problem: v.Problem,
		Link: v.Links.Self,
	}
	if v.Links.Proof != "" {
		data.Link = v.Links.Proof
	}
	e, err := webhookEvent(api.WebhookEvent{Type: v.Kind + "." + string(v.State), Timestamp: j.Finished, Data: data})
	e.Attempt = j.Attempt
	return e, err == nil, err
}

func (s *services) batchEnded(ctx context.Context, id string) (webhook.Event, bool, error) {
	b, err := s.d.queue.Batch(ctx, id)
	if err != nil || !b.Ended() {
		return webhook.Event{}, false, err
	}
	v := s.batchView(b)
	end := b.Created
	for _, it := range s.d.queue.ItemsEnded(id) {
		if it.Finished.After(end) {
			end = it.Finished
		}
	}
	e, err := webhookEvent(api.WebhookEvent{Type: "batch." + string(v.State), Timestamp: end, Data: api.WebhookData{
		ID: v.ID, Kind: "batch", State: v.State, Circuit: v.Circuit, Created: v.Created, Counts: v.Counts, Link: v.Links.Self,
	}})
	return e, err == nil, err
}

func webhookEvent(e api.WebhookEvent) (webhook.Event, error) {
	body, err := json.Marshal(e)
	return webhook.Event{Time: e.Timestamp, Type: e.Type, Body: body}, fault.Wrap(err, fault.Internal, "encode webhook")
}

// Webhooks implements httpapi.Webhooks.
func (s *services) Webhooks(_ context.Context, who httpapi.Caller, state, cursor string, limit int) (api.Page[api.WebhookDelivery], error) {
	page := api.Page[api.WebhookDelivery]{Items: []api.WebhookDelivery{}}
	if strings.ContainsFunc(cursor, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
		return page, fault.New(fault.InvalidRequest, "malformed cursor").At("query.cursor")
	}
	found, next := s.d.webhooks.Load().Deliveries(func(v *webhook.Delivery) bool {
		return may(who, v.Owner) && (state == "" || string(v.State) == state)
	}, cursor, limit)
	page.Next = next
	for i := range found {
		page.Items = append(page.Items, deliveryView(&found[i]))
	}
	return page, nil
}

// Webhook implements httpapi.Webhooks.
func (s *services) Webhook(_ context.Context, who httpapi.Caller, subject string) (api.WebhookDelivery, error) {
	v, err := s.d.webhooks.Load().Delivery(subject)
	if err == nil && !may(who, v.Owner) {
		err = fault.New(fault.NotFound, "no such webhook")
	}
	if err != nil {
		return api.WebhookDelivery{}, err
	}
	return deliveryView(&v), nil
}

// Redeliver implements httpapi.Webhooks.
func (s *services) Redeliver(ctx context.Context, who httpapi.Caller, subject string) (api.WebhookDelivery, error) {
	if _, err := s.Webhook(ctx, who, subject); err != nil {
		return api.WebhookDelivery{}, err
	}
	v, err := s.d.webhooks.Load().Redeliver(ctx, subject)
	if err != nil {
		return api.WebhookDelivery{}, err
	}
	return deliveryView(&v), nil
}

func deliveryView(v *webhook.Delivery) api.WebhookDelivery {
	out := api.WebhookDelivery{
		Subject: v.Subject, Owner: v.Owner, EventID: v.EventID, Type: v.Type, Host: v.Host, State: string(v.State),
		Created: v.Created, Done: optional(v.Done), Tries: v.Tries, Attempts: []api.WebhookAttempt{},
	}
	for _, a := range v.Attempts {
		out.Attempts = append(out.Attempts, api.WebhookAttempt{Time: a.Time, Took: milliseconds(a.Took), Status: a.Status, Problem: a.Problem})
	}
	return out
}

// webhookFigure counts the webhooks that are remembered.
func webhookFigure() figure {
	return gauge("provery_webhooks", "Webhooks by state.", func(d *Daemon, add func(float64, ...string)) {
		counts := d.webhooks.Load().Counts()
		for _, s := range []webhook.State{webhook.Waiting, webhook.Pending, webhook.Delivered, webhook.Failed} {
			add(float64(counts[s]), string(s))
		}
	}, "state")
}
