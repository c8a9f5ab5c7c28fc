package httpapi_test

import (
	"context"
	"fmt"
	"iter"

	"provery/api"
	"provery/internal/httpapi"
)

func fakeBatch(id string) api.Batch {
	return api.Batch{ID: id, State: api.StateQueued, Circuit: circuitID, Size: 2, Counts: map[api.State]int{}, Created: created, Links: api.BatchLinks{Self: "/v1/batches/" + id}}
}

func (f *fake) SubmitBatch(_ context.Context, s httpapi.BatchSubmission) (api.Batch, error) {
	f.batch = s
	return fakeBatch("b_1"), f.got()
}

func (f *fake) Batch(_ context.Context, _ httpapi.Caller, id string) (api.Batch, error) {
	return fakeBatch(id), f.got(id)
}

func (f *fake) CancelBatch(_ context.Context, _ httpapi.Caller, id string) (api.Batch, error) {
	return fakeBatch(id), f.got(id)
}
func (f *fake) DeleteBatch(_ context.Context, _ httpapi.Caller, id string) error { return f.got(id) }

// BatchItems yields three items, or what f.items says.
func (f *fake) BatchItems(ctx context.Context, _ httpapi.Caller, id string, q httpapi.ItemsQuery) iter.Seq2[api.Proof, error] {
	err := f.got(id, fmt.Sprint(q))
	if f.items != nil {
		return f.items(ctx)
	}
	return func(yield func(api.Proof, error) bool) {
		for i := q.From; i < 3 || err != nil; i++ {
			if !yield(fakeItem(i), err) || err != nil {
				return
			}
		}
	}
}

func fakeItem(i int) api.Proof {
	return api.Proof{ID: fmt.Sprint("p_", i), State: api.StateSucceeded, Circuit: circuitID, Priority: api.PriorityNormal, Item: &i, Created: created}
}

func (f *fake) BatchEvents(ctx context.Context, who httpapi.Caller, id, after string) iter.Seq2[api.Event, error] {
	return f.JobEvents(ctx, who, id, after)
}

func fakeWebhook(id string) api.WebhookDelivery {
	return api.WebhookDelivery{Subject: id, Host: "example.com", State: "delivered", Attempts: []api.WebhookAttempt{}}
}

func (f *fake) Webhooks(_ context.Context, _ httpapi.Caller, state, cursor string, limit int) (api.Page[api.WebhookDelivery], error) {
	return api.Page[api.WebhookDelivery]{Items: []api.WebhookDelivery{fakeWebhook("j_1")}}, f.got(state, cursor)
}

func (f *fake) Webhook(_ context.Context, _ httpapi.Caller, id string) (api.WebhookDelivery, error) {
	return fakeWebhook(id), f.got(id)
}

func (f *fake) Redeliver(_ context.Context, _ httpapi.Caller, id string) (api.WebhookDelivery, error) {
	return fakeWebhook(id), f.got(id)
}
