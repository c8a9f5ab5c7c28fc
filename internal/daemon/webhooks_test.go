package daemon

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/config"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// hooked is a receiver of webhooks. It hands on what came, and answers with
// the statuses in turn, the last for ever.
type hooked struct {
	*httptest.Server
	got  chan hookedRequest
	done chan struct{}
}

type hookedRequest struct {
	header http.Header
	body   []byte
}

func newHooked(t *testing.T, statuses ...int) *hooked {
	t.Helper()
	h := &hooked{got: make(chan hookedRequest, 64), done: make(chan struct{})}
	turns := make(chan int, len(statuses))
	for _, s := range statuses {
		turns <- s
	}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		select {
		case s := <-turns:
			w.WriteHeader(s)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
		h.got <- hookedRequest{r.Header, body}
	}))
	t.Cleanup(h.Close)
	return h
}

// withHooks allows webhooks to this machine.
func withHooks(c *config.Config) {
	c.Webhooks.Secrets, c.Webhooks.AllowPrivate, c.Webhooks.AllowHTTP = []string{hookSecret}, true, true
}

// next returns the next event, verified.
func (h *hooked) next(t *testing.T) (*api.WebhookEvent, hookedRequest) {
	t.Helper()
	r := get(t, "a webhook", h.got)
	e, err := client.VerifyWebhook(r.header, r.body, hookSecret)
	if err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	return e, r
}

// TestWebhooks tells of a proof and of a batch, and shows the log.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	hook := newHooked(t)
	r := start(t, setup{config: withHooks})
	r.ready(mul)
	req := times(6, 7)
	req.Webhook, req.Labels = hook.URL+"/hook?token=secret-4711", map[string]string{"order": "17"}
	p := r.prove(req)
	e, _ := hook.next(t)
	if e.Type != "proof.succeeded" || e.Data.ID != p.ID || e.Data.Link != p.Links.Self || e.Data.Labels["order"] != "17" || e.Timestamp.IsZero() {
		t.Errorf("got %+v", e)
	}
	batch := products(3)
	batch.Webhook = hook.URL
	b := r.submitBatch(batch)
	if e, _ := hook.next(t); e.Type != "batch.succeeded" || e.Data.ID != b.ID || e.Data.Counts[api.StateSucceeded] != 3 {
		t.Errorf("got %+v", e)
	}
	var page *api.Page[api.WebhookDelivery]
	r.eventually("two delivered webhooks", func() bool {
		var err error
		page, err = r.cl.Webhooks(r.ctx(), "delivered", "", 0)
		return err == nil && len(page.Items) == 2
	})
	v, err := r.cl.Webhook(r.ctx(), p.ID)
	if err != nil || v.Tries != 1 || v.Attempts[0].Status != 204 || v.Host != strings.TrimPrefix(hook.URL, "http://") {
		t.Errorf("got %+v, %v", v, err)
	}
	for path, content := range files(t, r.dir) {
		if strings.Contains(string(content), "secret-4711") {
			t.Errorf("%s holds the address", path)
		}
	}
	if strings.Contains(r.log.String(), "secret-4711") {
		t.Error("the log holds the address")
	}
	first, err := r.cl.Redeliver(r.ctx(), p.ID)
	if err != nil || first.EventID != v.EventID {
		t.Errorf("got %+v, %v", first, err)
	}
	if e, _ := hook.next(t); e.Data.ID != p.ID {
		t.Errorf("got %+v", e)
	}
	bad := times(6, 7)
	bad.Webhook = "ftp://example.com/"
	_, err = r.cl.Submit(r.ctx(), bad, client.SubmitOptions{})
	wantProblem(t, "a bad address", err, api.CodeInvalidRequest, "/webhook")
}

// TestWebhookOutlivesTheService loses the process while a delivery is to be
// repeated: the next one makes it, as the same event.
func TestWebhookOutlivesTheService(t *testing.T) {
	t.Parallel()
	hook := newHooked(t, http.StatusServiceUnavailable)
	r := start(t, setup{config: withHooks})
	r.ready(mul)
	req := times(6, 7)
	req.Webhook = hook.URL
	p := r.prove(req)
	first := get(t, "the delivery that fails", hook.got)
	r.stop()
	again := start(t, setup{dir: r.dir, config: withHooks})
	e, second := hook.next(t)
	if e.Data.ID != p.ID || second.header.Get(api.HeaderWebhookID) != first.header.Get(api.HeaderWebhookID) {
		t.Errorf("got %+v, want the same event", e)
	}
	again.eventually("the delivery in the log", func() bool {
		v, err := again.cl.Webhook(again.ctx(), p.ID)
		return err == nil && v.State == "delivered"
	})
}

// TestWebhookIsRefused checks what needs the configuration's consent.
func TestWebhookIsRefused(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	r.ready(mul)
	req := times(6, 7)
	req.Webhook = "https://example.com/hook"
	_, err := r.cl.Submit(r.ctx(), req, client.SubmitOptions{})
	wantProblem(t, "without a secret", err, api.CodeUnsupported, "/webhook")
	if page, err := r.cl.Proofs(r.ctx(), api.ProofFilter{}, "", 0); err != nil || len(page.Items) != 0 {
		t.Errorf("got %+v, %v, want nothing accepted", page, err)
	}
	hook := newHooked(t)
	private := start(t, setup{config: func(c *config.Config) { withHooks(c); c.Webhooks.AllowPrivate = false }})
	private.ready(mul)
	req.Webhook = hook.URL
	p, err := private.cl.Submit(private.ctx(), req, client.SubmitOptions{IdempotencyKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := private.cl.Submit(private.ctx(), req, client.SubmitOptions{IdempotencyKey: "k"}); err != nil || again.ID != p.ID {
		t.Errorf("the same again: got %+v, %v", again, err)
	}
	private.eventually("a refused delivery", func() bool {
		page, err := private.cl.Webhooks(private.ctx(), "pending", "", 0)
		return err == nil && len(page.Items) == 1 && len(page.Items[0].Attempts) > 0 && strings.Contains(page.Items[0].Attempts[0].Problem, "isn't a public one")
	})
}

// TestFailure08CancelOnDisconnect is failure 8 for who wants it otherwise: the job is
// cancelled when its client goes away.
func TestFailure08CancelOnDisconnect(t *testing.T) {
	t.Parallel()
	h := newHold()
	r := start(t, setup{before: h.before})
	r.ready(mul)
	body, err := json.Marshal(api.ProofRequest{Circuit: "mul", Arguments: json.RawMessage(`["6","7"]`), CancelOnDisconnect: true})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(r.ctx(), "POST", r.base+"/v1/proofs", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(api.HeaderPrefer, "wait=60")
	transport := &http.Transport{}
	left := make(chan struct{})
	go func() {
		defer close(left)
		res, err := (&http.Client{Transport: transport, Timeout: 5 * time.Second}).Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
	}()
	get(t, "the client's leave", left)
	r.eventually("a cancelled job", func() bool {
		page, err := r.cl.Proofs(r.ctx(), api.ProofFilter{State: api.StateCancelled}, "", 0)
		return err == nil && len(page.Items) == 1
	})
	h.release()
}
