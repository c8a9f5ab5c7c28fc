package httpapi_test

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"

	"provery/api"
	"provery/internal/httpapi"
)

const testKey = "pvk_0123456789"

func withKeys(o *httpapi.Options) {
	o.Keys = []httpapi.APIKey{
		{Name: "first", Hash: sha256.Sum256([]byte("pvk_other"))},
		{Name: "second", Hash: sha256.Sum256([]byte(testKey)), Admin: true},
	}
}

func TestEveryCallNeedsAKeyUnlessPublic(t *testing.T) {
	t.Parallel()
	public := map[string]bool{"/healthz": true, "/readyz": true, "/openapi.json": true, "/openapi-3.0.json": true, "/docs": true}
	for _, tc := range calls {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, withKeys)
			w := r.do(tc.method, tc.target, tc.contentType, tc.body)
			if public[tc.target] {
				if w.Code != tc.status {
					t.Errorf("got %d %s, want %d", w.Code, w.Body, tc.status)
				}
				return
			}
			wantProblem(t, w, api.CodeUnauthenticated)
			if got := w.Header().Get("WWW-Authenticate"); got != `Bearer realm="provery"` {
				t.Errorf("got WWW-Authenticate %q", got)
			}
			if w := r.do(tc.method, tc.target, tc.contentType, tc.body, "Authorization", "Bearer "+testKey); w.Code != tc.status {
				t.Errorf("with the key: got %d %s, want %d", w.Code, w.Body, tc.status)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, header, caller string
	}{
		{"second key", "Bearer " + testKey, "second"},
		{"first key", "bearer pvk_other", "first"},
		{"unknown", "Bearer pvk_unknown", ""},
		{"prefix", "Bearer " + testKey[:5], ""},
		{"longer", "Bearer " + testKey + "0", ""},
		{"basic", "Basic " + testKey, ""},
		{"no scheme", testKey, ""},
		{"empty", "Bearer ", ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, withKeys)
			w := r.do("POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":[]}`, "Authorization", tc.header)
			if tc.caller == "" {
				wantProblem(t, w, api.CodeUnauthenticated)
			} else if w.Code != http.StatusAccepted || r.fake.submission.Caller.Name != tc.caller {
				t.Errorf("got %d and caller %q, want 202 and %q", w.Code, r.fake.submission.Caller.Name, tc.caller)
			}
			if strings.Contains(r.log.String()+w.Body.String(), "pvk_0") || strings.Contains(r.log.String(), "pvk_u") {
				t.Error("the key came out")
			}
		})
	}
	r := newRig(t, withKeys)
	wantProblem(t, r.do("GET", "/no/such/path", "", ""), api.CodeUnauthenticated)
}

func TestBrowsersCantReachAnOpenService(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	w := r.do("POST", "/v1/proofs/p_1/cancel", "", "", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	wantProblem(t, w, api.CodeForbidden)
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:8080": 200, "127.0.0.1:8080": 200, "127.9.9.9": 200, "[::1]:80": 200, "[::1]": 200,
		"rebound.example": 403, "rebound.example:8080": 403, "192.168.1.2:8080": 403, "localhost.evil.example": 403, "": 403,
	} {
		req := newRequest("GET", "/v1/queue")
		req.Host = host
		if w := r.send(req); w.Code != want {
			t.Errorf("host %q: got %d, want %d", host, w.Code, want)
		}
	}
	keyed := newRig(t, withKeys)
	req := newRequest("GET", "/v1/queue")
	req.Host = "prover.example"
	req.Header.Set("Authorization", "Bearer "+testKey)
	if w := keyed.send(req); w.Code != http.StatusOK {
		t.Errorf("with a key: got %d, want 200", w.Code)
	}
}
