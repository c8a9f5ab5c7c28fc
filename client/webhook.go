package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"provery/api"
)

// WebhookTolerance is how far the time of a webhook may be from the receiver's
// clock: older requests could be somebody's who recorded them.
const WebhookTolerance = 5 * time.Minute

// VerifyWebhook checks the signature and the age of a webhook and returns its
// event. body is the request's body as it came, header its header, and secrets
// are those of the API key, "whsec_…": while one is being changed, both.
//
// The same event may be delivered more than once: its id, the header
// Webhook-Id, tells repetitions.
func VerifyWebhook(header http.Header, body []byte, secrets ...string) (*api.WebhookEvent, error) {
	return verifyWebhook(time.Now(), header, body, secrets)
}

func verifyWebhook(now time.Time, header http.Header, body []byte, secrets []string) (*api.WebhookEvent, error) {
	id, timestamp := header.Get(api.HeaderWebhookID), header.Get(api.HeaderWebhookTimestamp)
	sent, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return nil, errors.New("client: the webhook has no id or timestamp")
	}
	if age := now.Sub(time.Unix(sent, 0)); age.Abs() > WebhookTolerance {
		return nil, errors.New("client: the webhook's timestamp is too far from this clock")
	}
	signed := false
	for _, text := range secrets {
		secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
		if err != nil || len(secret) == 0 {
			return nil, errors.New("client: a webhook secret is malformed")
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		want := mac.Sum(nil)
		for signature := range strings.FieldsSeq(header.Get(api.HeaderWebhookSignature)) {
			digits, ok := strings.CutPrefix(signature, "v1,")
			got, err := base64.StdEncoding.DecodeString(digits)
			signed = signed || ok && err == nil && hmac.Equal(got, want)
		}
	}
	if !signed {
		return nil, errors.New("client: the webhook's signature doesn't match")
	}
	var e api.WebhookEvent
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, errors.New("client: the webhook's body isn't an event")
	}
	return &e, nil
}
