package api

import "time"

// WebhookEvent is the body of a webhook: the end of a job or batch. It holds no
// arguments and no result; fetch that by its link.
type WebhookEvent struct {
	Type      string      `json:"type" doc:"What ended, and how: proof.succeeded, proof.failed, batch.cancelled, …"`
	Timestamp time.Time   `json:"timestamp" doc:"When it ended."`
	Data      WebhookData `json:"data"`
}

// WebhookData describes what ended.
type WebhookData struct {
	ID      string            `json:"id" doc:"Id of the job or batch."`
	Kind    string            `json:"kind" doc:"Kind of the job, or batch."`
	State   State             `json:"state"`
	Circuit string            `json:"circuit,omitempty" doc:"Id of the circuit."`
	Labels  map[string]string `json:"labels,omitempty" doc:"The labels of the request."`
	Attempt int               `json:"attempt,omitempty" doc:"Number of the last attempt."`
	Created time.Time         `json:"created"`
	Problem *Problem          `json:"problem,omitempty" doc:"Why there is no result."`
	Counts  map[State]int     `json:"counts,omitempty" doc:"A batch's items by state."`
	Link    string            `json:"link" doc:"Path of the job or batch."`
}

// WebhookDelivery is a webhook with the log of its deliveries.
type WebhookDelivery struct {
	Subject  string           `json:"subject" doc:"Id of the job or batch."`
	Owner    string           `json:"owner,omitempty" doc:"Name of the API key."`
	EventID  string           `json:"event_id" doc:"The webhook-id header: the same for all deliveries of an event."`
	Type     string           `json:"type,omitempty" doc:"Type of the event, once there is one."`
	Host     string           `json:"host" doc:"Host of the address. The rest isn't shown: it may hold secrets."`
	State    string           `json:"state" doc:"waiting for the end, pending, delivered, or failed: given up." enum:"waiting,pending,delivered,failed"`
	Created  time.Time        `json:"created"`
	Done     *time.Time       `json:"done,omitempty" doc:"When it was delivered or given up."`
	Tries    int              `json:"tries" doc:"Deliveries so far."`
	Attempts []WebhookAttempt `json:"attempts" doc:"The last 16, oldest first."`
}

// WebhookAttempt is one try to deliver.
type WebhookAttempt struct {
	Time    time.Time `json:"time"`
	Took    float64   `json:"took_ms"`
	Status  int       `json:"status,omitempty" doc:"Status of the receiver's answer. Absent where none came."`
	Problem string    `json:"problem,omitempty" doc:"Why it wasn't delivered."`
}

// The headers of a webhook, as Standard Webhooks names them.
const (
	HeaderWebhookID        = "Webhook-Id"        // the event's id
	HeaderWebhookTimestamp = "Webhook-Timestamp" // of the delivery, in Unix seconds
	HeaderWebhookSignature = "Webhook-Signature" // "v1," and base64 of HMAC-SHA256, several separated by spaces
)
