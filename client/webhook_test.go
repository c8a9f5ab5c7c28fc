package client

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"provery/api"
)

// The values of the Standard Webhooks specification's example.
const (
	hookSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	hookID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	hookTime      = "1614265330"
	hookBody      = `{"test": 2432232314}`
	hookSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func hookHeader() http.Header {
	h := http.Header{}
	h.Set(api.HeaderWebhookID, hookID)
	h.Set(api.HeaderWebhookTimestamp, hookTime)
	h.Set(api.HeaderWebhookSignature, hookSignature)
	return h
}

func TestVerifyWebhook(t *testing.T) {
	t.Parallel()
	sent := time.Unix(1614265330, 0)
	other := "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, tc := range []struct {
		name    string
		change  func(http.Header)
		body    string
		now     time.Time
		secrets []string
		want    string // in the error; "" for none
	}{
		{"good", func(http.Header) {}, hookBody, sent.Add(time.Minute), []string{hookSecret}, ""},
		{"changing over", func(h http.Header) { h.Set(api.HeaderWebhookSignature, "v1,AAAA v2,x "+hookSignature) }, hookBody, sent, []string{other, hookSecret}, ""},
		{"another body", func(http.Header) {}, hookBody + " ", sent, []string{hookSecret}, "signature"},
		{"another id", func(h http.Header) { h.Set(api.HeaderWebhookID, "msg_x") }, hookBody, sent, []string{hookSecret}, "signature"},
		{"another time", func(h http.Header) { h.Set(api.HeaderWebhookTimestamp, "1614265331") }, hookBody, sent, []string{hookSecret}, "signature"},
		{"another secret", func(http.Header) {}, hookBody, sent, []string{other}, "signature"},
		{"no secret", func(http.Header) {}, hookBody, sent, nil, "signature"},
		{"a malformed secret", func(http.Header) {}, hookBody, sent, []string{"whsec_%"}, "malformed"},
		{"no signature", func(h http.Header) { h.Del(api.HeaderWebhookSignature) }, hookBody, sent, []string{hookSecret}, "signature"},
		{"too old", func(http.Header) {}, hookBody, sent.Add(6 * time.Minute), []string{hookSecret}, "timestamp"},
		{"from the future", func(http.Header) {}, hookBody, sent.Add(-6 * time.Minute), []string{hookSecret}, "timestamp"},
		{"no time", func(h http.Header) { h.Set(api.HeaderWebhookTimestamp, "now") }, hookBody, sent, []string{hookSecret}, "timestamp"},
	} {
		h := hookHeader()
		tc.change(h)
		_, err := verifyWebhook(tc.now, h, []byte(tc.body), tc.secrets)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}

// A receiver of webhooks: it checks the signature over the body as it came, and
// answers with a status of 2xx as soon as the event is safe. Anything else is
// tried again.
func ExampleVerifyWebhook() {
	secret := "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" // of the API key, from a safe place
	seen := map[string]bool{}                          // in a database, in earnest
	http.HandleFunc("POST /provery", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		event, err := VerifyWebhook(r.Header, body, secret)
		if err != nil {
			http.Error(w, "not signed", http.StatusForbidden)
			return
		}
		if id := r.Header.Get(api.HeaderWebhookID); !seen[id] {
			seen[id] = true
			fmt.Println(event.Type, event.Data.ID)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
