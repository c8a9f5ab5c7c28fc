package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"provery/api"
	"provery/internal/httpapi/contracttest"
)

// checkContract holds an exchange against the OpenAPI document.
func (r *rig) checkContract(req *http.Request, sent []byte, w *httptest.ResponseRecorder) {
	r.t.Helper()
	if r.loose {
		return
	}
	c, err := contracttest.Service()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := c.Check(&contracttest.Exchange{Request: req, Sent: sent, Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}); err != nil {
		r.t.Error(err)
	}
}

// TestContractFindsFaults feeds the checker exchanges that break the document.
func TestContractFindsFaults(t *testing.T) {
	t.Parallel()
	c, err := contracttest.Service()
	if err != nil {
		t.Fatal(err)
	}
	const queue = `"queued_bytes":1,"running":1,"oldest_seconds":1.5,"max_jobs":1,"max_bytes":1}`
	const problem = `{"type":"/docs","title":"t","status":500,"retryable":true,"scope":"internal","code":`
	for _, tc := range []struct {
		name, target, media, body string
		status                    int
		good                      bool
	}{
		{"good", "/v1/queue", jsonType, `{"queued":1,` + queue, 200, true},
		{"a field is missing", "/v1/queue", jsonType, `{` + queue, 200, false},
		{"a field of another type", "/v1/queue", jsonType, `{"queued":"1",` + queue, 200, false},
		{"another status", "/v1/queue", jsonType, `{}`, 206, false},
		{"another media type", "/v1/queue", "text/html", `{}`, 200, false},
		{"no JSON", "/v1/queue", jsonType, `{`, 200, false},
		{"the service failed", "/v1/queue", api.MediaTypeProblem, problem + `"internal"}`, 500, true},
		{"it failed in a facade", "/health", jsonType, `{"error_message":"m"}`, 500, true},
		{"it failed in another form", "/health", jsonType, `{"error":"m"}`, 500, false},
		{"a problem that isn't named", "/v1/queue", api.MediaTypeProblem, problem + `"conflict"}`, 409, false},
		{"a state that isn't one", "/v1/batches/b/items", api.MediaTypeLines, "{\"id\":\"p\",\"state\":\"done\"}\n", 200, false},
		{"a bad event", "/v1/proofs/p/events", api.MediaTypeEvents, "id: 1\ndata: {}\n\n", 200, false},
		{"a body where there is none", "/healthz/x", "text/html", "x", 404, false},
	} {
		x := &contracttest.Exchange{
			Request: newRequest("GET", tc.target), Status: tc.status, Header: http.Header{"Content-Type": {tc.media}}, Body: []byte(tc.body),
		}
		if err := c.Check(x); (err == nil) != tc.good {
			t.Errorf("%s: got %v, want good %v", tc.name, err, tc.good)
		}
	}
	valid := contracttest.Exchange{
		Request: newRequest("POST", "/v1/verify"), Status: 200, Header: http.Header{"Content-Type": {jsonType}}, Body: []byte(`{"valid":true}`),
	}
	valid.Request.Header.Set("Content-Type", jsonType)
	for sent, good := range map[string]bool{`{"circuit":"a","proof":{}}`: true, `{"circuit":1,"proof":{}}`: false, `{"circuit":"a"}`: false} {
		valid.Sent = []byte(sent)
		if err := c.Check(&valid); (err == nil) != good {
			t.Errorf("sent %s: got %v, want good %v", sent, err, good)
		}
	}
}
