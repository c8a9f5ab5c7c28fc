package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
)

// Webhooks shows webhooks and the log of their deliveries. subject is the id of
// a job or batch.
type Webhooks interface {
	// Webhooks returns a page of at most limit webhooks, newest first.
	Webhooks(ctx context.Context, who Caller, state, cursor string, limit int) (api.Page[api.WebhookDelivery], error)
	Webhook(ctx context.Context, who Caller, subject string) (api.WebhookDelivery, error)
	// Redeliver delivers a webhook that is done once more.
	Redeliver(ctx context.Context, who Caller, subject string) (api.WebhookDelivery, error)
}

func (s *Server) webhookRoutes() {
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/webhooks", OperationID: "list-webhooks", Tags: []string{tagJobs},
		Summary: "List webhooks", Description: "With the log of their deliveries, newest first; of the caller or, for an admin, of everybody.",
	}, func(ctx context.Context, in *struct {
		PageQuery
		State string `query:"state" doc:"Only webhooks in this state." enum:"waiting,pending,delivered,failed"`
	}) (*bodyOf[api.Page[api.WebhookDelivery]], error) {
		page, err := s.services.Webhooks.Webhooks(ctx, exchangeOf(ctx).caller, in.State, in.Cursor, in.Limit)
		return &bodyOf[api.Page[api.WebhookDelivery]]{wholePage(page)}, err
	})
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/webhooks/{id}", OperationID: "get-webhook", Tags: []string{tagJobs},
		Summary: "Show the webhook of a job or batch", Errors: []int{404},
	}, func(ctx context.Context, in *struct{ JobPath }) (*bodyOf[api.WebhookDelivery], error) {
		v, err := s.services.Webhooks.Webhook(ctx, exchangeOf(ctx).caller, in.ID)
		return &bodyOf[api.WebhookDelivery]{v}, err
	})
	register(s, huma.Operation{
		Method: http.MethodPost, Path: "/v1/webhooks/{id}/redeliver", OperationID: "redeliver-webhook", Tags: []string{tagJobs},
		Summary: "Deliver a webhook again", Description: "For one that was delivered or given up. The event's id stays the same.", Errors: []int{404, 409, 503},
	}, func(ctx context.Context, in *struct{ JobPath }) (*bodyOf[api.WebhookDelivery], error) {
		v, err := s.services.Webhooks.Redeliver(ctx, exchangeOf(ctx).caller, in.ID)
		return &bodyOf[api.WebhookDelivery]{v}, err
	})
}
