package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"provery/api"
)

// calls are one good request for every operation.
var calls = []struct {
	name, method, target, contentType, body string
	status                                  int
	want                                    string   // in the body
	args                                    []string // that reach the service
}{
	{"list circuits", "GET", "/v1/circuits?cursor=abc&limit=2", "", "", 200, `"next":"more"`, []string{"abc"}},
	{"show circuit", "GET", "/v1/circuits/a:latest", "", "", 200, circuitID, []string{"a:latest"}},
	{"show circuit by name and id", "GET", "/v1/circuits/a@" + circuitID, "", "", 200, circuitID, []string{"a@" + circuitID}},
	{"remove circuit", "DELETE", "/v1/circuits/a", "", "", 204, "", []string{"a"}},
	{"tag circuit", "PUT", "/v1/circuits/a/tags/b:v1", "", "", 200, circuitID, []string{"a", "b:v1"}},
	{"list keys", "GET", "/v1/circuits/a/keys", "", "", 200, `"items":[]`, []string{"a"}},
	{"verifying key", "GET", "/v1/circuits/a/keys/groth16/verifying-key", "", "", 200, `{"alpha":["0x1","0x2"]}`, []string{"a", "groth16", "zokrates"}},
	{"set up keys", "POST", "/v1/circuits/a/keys", jsonType, `{"setup":"insecure-dev","scheme":"groth16"}`, 201, `"sha256:k"`, []string{"a"}},
	{"witness", "POST", "/v1/circuits/a/witness", jsonType, `{"arguments":["1"]}`, 200, `"satisfied":true,"outputs":"3"`, []string{"a"}},
	{"submit", "POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":["1"]}`, 202, `"id":"p_1"`, nil},
	{"list proofs", "GET", "/v1/proofs?state=queued&circuit=a", "", "", 200, `"id":"p_1"`, []string{""}},
	{"show proof", "GET", "/v1/proofs/p_1", "", "", 200, `"state":"queued"`, []string{"p_1"}},
	{"wait for proof", "GET", "/v1/proofs/p_1?wait=5", "", "", 200, `"state":"queued"`, []string{"p_1", "5s"}},
	{"cancel", "POST", "/v1/proofs/p_1/cancel", "", "", 200, `"id":"p_1"`, []string{"p_1"}},
	{"delete", "DELETE", "/v1/proofs/p_1", "", "", 204, "", []string{"p_1"}},
	{"submit batch", "POST", "/v1/batches", jsonType, `{"circuit":"a","items":[{"arguments":["1"]}]}`, 202, `"id":"b_1"`, nil},
	{"show batch", "GET", "/v1/batches/b_1", "", "", 200, `"size":2`, []string{"b_1"}},
	{"batch items", "GET", "/v1/batches/b_1/items", "", "", 200, `"id":"p_2"`, []string{"b_1", "{0 false false}"}},
	{"batch results", "GET", "/v1/batches/b_1/results?from=2", "", "", 200, `"id":"p_2"`, []string{"b_1", "{2 false true}"}},
	{"batch events", "GET", "/v1/batches/b_1/events", "", "", 200, "id: 1\nevent: state\ndata: {", []string{"b_1", ""}},
	{"cancel batch", "POST", "/v1/batches/b_1/cancel", "", "", 200, `"id":"b_1"`, []string{"b_1"}},
	{"delete batch", "DELETE", "/v1/batches/b_1", "", "", 204, "", []string{"b_1"}},
	{"list webhooks", "GET", "/v1/webhooks?state=failed&cursor=c", "", "", 200, `"host":"example.com"`, []string{"failed", "c"}},
	{"show webhook", "GET", "/v1/webhooks/j_1", "", "", 200, `"subject":"j_1"`, []string{"j_1"}},
	{"redeliver webhook", "POST", "/v1/webhooks/j_1/redeliver", "", "", 200, `"subject":"j_1"`, []string{"j_1"}},
	{"show upload", "GET", "/v1/uploads/" + digestOfABC, "", "", 200, `"received":4`, []string{"", digestOfABC}},
	{"delete upload", "DELETE", "/v1/uploads/" + digestOfABC, "", "", 204, "", []string{"", digestOfABC}},
	{"list jobs", "GET", "/v1/jobs?state=failed&kind=compile&circuit=a&batch=b_1&dead=true&cursor=c", "", "", 200, `"id":"j_1"`, []string{"", "failed", "compile", "a", "", "b_1", "c"}},
	{"show job", "GET", "/v1/jobs/j_1", "", "", 200, `"kind":"proof"`, []string{"j_1"}},
	{"wait for job", "GET", "/v1/jobs/j_1?wait=5", "", "", 200, `"kind":"proof"`, []string{"j_1", "5s"}},
	{"cancel job", "POST", "/v1/jobs/j_1/cancel", "", "", 200, `"id":"j_1"`, []string{"j_1"}},
	{"retry job", "POST", "/v1/jobs/j_1/retry", "", "", 200, `"id":"j_1"`, []string{"j_1"}},
	{"delete job", "DELETE", "/v1/jobs/j_1", "", "", 204, "", []string{"j_1"}},
	{"workers", "GET", "/v1/workers", "", "", 200, `"items":[{"name":"host","slots":2`, nil},
	{"job events", "GET", "/v1/jobs/j_1/events", "", "", 200, "id: 4\nevent: state\ndata: {", []string{"j_1", ""}},
	{"proof events", "GET", "/v1/proofs/p_1/events", "", "", 200, "id: 1\nevent: state\ndata: {", []string{"p_1", ""}},
	{"verify", "POST", "/v1/verify", jsonType, `{"circuit":"a","proof":{}}`, 200, `"valid":true`, nil},
	{"about", "GET", "/v1/about", "", "", 200, `"service":"provery"`, nil},
	{"queue", "GET", "/v1/queue", "", "", 200, `"queued":3`, nil},
	{"healthz", "GET", "/healthz", "", "", 200, `{"status":"ok"}`, nil},
	{"readyz", "GET", "/readyz", "", "", 200, `"ready":true`, nil},
	{"metrics", "GET", "/metrics", "", "", 200, "metric 1", nil},
	{"openapi", "GET", "/openapi.json", "", "", 200, `"openapi":"3.1.0"`, nil},
	{"openapi 3.0", "GET", "/openapi-3.0.json", "", "", 200, `"openapi":"3.0.`, nil},
	{"docs", "GET", "/docs", "", "", 200, "<!doctype html>", nil},
}

func TestCalls(t *testing.T) {
	t.Parallel()
	for _, tc := range calls {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			w := r.do(tc.method, tc.target, tc.contentType, tc.body)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
				t.Fatalf("got %d %s, want %d with %q", w.Code, w.Body, tc.status, tc.want)
			}
			if tc.args != nil && !slices.Equal(r.fake.args, tc.args) {
				t.Errorf("got arguments %q, want %q", r.fake.args, tc.args)
			}
			for header, want := range map[string]string{
				"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
				"Access-Control-Allow-Origin": "",
			} {
				if got := w.Header().Get(header); got != want {
					t.Errorf("got %s %q, want %q", header, got, want)
				}
			}
			if w.Header().Get(api.HeaderRequestID) == "" {
				t.Error("no request id")
			}
		})
	}
}

func TestRequestIDIsTakenOver(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, tc := range []struct {
		id   string
		kept bool
	}{{"trace-1.a_B", true}, {"two words", false}, {strings.Repeat("x", 65), false}} {
		w := r.do("GET", "/healthz", "", "", api.HeaderRequestID, tc.id)
		if got := w.Header().Get(api.HeaderRequestID); got == "" || (got == tc.id) != tc.kept {
			t.Errorf("%q: got %q, kept %v", tc.id, got, tc.kept)
		}
	}
}

func TestReadinessTellsWhy(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.fake.ready = api.Readiness{Checks: []api.Check{{Name: "key sha256:1", Detail: "digest differs"}}}
	if w := r.do("GET", "/readyz", "", ""); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "digest differs") {
		t.Errorf("got %d %s, want 503 with the check", w.Code, w.Body)
	}
	r = newRig(t, nil)
	r.Drain()
	if w := r.do("GET", "/readyz", "", ""); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"draining"`) {
		t.Errorf("draining: got %d %s, want 503", w.Code, w.Body)
	}
}

func TestPageDefaults(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	if r.do("GET", "/v1/circuits", "", ""); r.fake.limit != 50 {
		t.Errorf("got limit %d, want 50", r.fake.limit)
	}
	r.do("GET", "/v1/proofs?limit=7&state=failed&circuit=x", "", "")
	if want := (api.ProofFilter{State: api.StateFailed, Circuit: "x"}); r.fake.limit != 7 || r.fake.filter != want {
		t.Errorf("got %d %+v, want 7 %+v", r.fake.limit, r.fake.filter, want)
	}
}
