package httpapi_test

import (
	"crypto/sha256"
	"testing"

	"provery/api"
	"provery/internal/httpapi"
)

const (
	page    = "https://app.example"
	allowed = "Access-Control-Allow-Origin"
)

func originsRig(t *testing.T, origins ...string) *rig {
	t.Helper()
	return newRig(t, func(o *httpapi.Options) {
		o.Keys, o.Origins = []httpapi.APIKey{{Name: "page", Hash: sha256.Sum256([]byte("pvk_k"))}}, origins
	})
}

func TestOtherSitesPages(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		origins  []string
		from     string
		want     string // the origin that is allowed
		status   int    // of a request for a proof from there
		prefight int
	}{
		{"none allowed", nil, page, "", 403, 401},
		{"allowed", []string{"https://other.example", page}, page, page, 202, 204},
		{"another one", []string{"https://other.example"}, page, "", 403, 204},
		{"another port", []string{page + ":8443"}, page, "", 403, 204},
		{"any", []string{httpapi.AnyOrigin}, page, "*", 202, 204},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := originsRig(t, tc.origins...)
			asked := r.do("OPTIONS", "/v1/proofs", "", "", "Origin", tc.from, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,idempotency-key,prefer")
			if got := asked.Header().Get(allowed); got != tc.want || asked.Code != tc.prefight {
				t.Errorf("preflight: got %d for %q, want %d for %q", asked.Code, got, tc.prefight, tc.want)
			}
			w := r.do("POST", "/v1/proofs", jsonType, proofBody, "Origin", tc.from, "Sec-Fetch-Site", "cross-site", "Authorization", "Bearer pvk_k")
			if got := w.Header().Get(allowed); got != tc.want || w.Code != tc.status {
				t.Errorf("got %d for %q, want %d for %q: %s", w.Code, got, tc.status, tc.want, w.Body)
			}
			if got := w.Header().Get("Access-Control-Allow-Credentials"); got != "" {
				t.Errorf("cookies are allowed: %q", got)
			}
		})
	}
}

// TestPagesNeedAKey checks that an allowed page gets no further without one, and
// can read why.
func TestPagesNeedAKey(t *testing.T) {
	t.Parallel()
	r := originsRig(t, page)
	w := r.do("GET", "/v1/proofs", "", "", "Origin", page, "Sec-Fetch-Site", "cross-site")
	wantProblem(t, w, api.CodeUnauthenticated)
	if w.Header().Get(allowed) != page {
		t.Error("the page can't read the refusal")
	}
}

func TestOriginsAreRefused(t *testing.T) {
	t.Parallel()
	keys := []httpapi.APIKey{{Name: "a"}}
	for name, o := range map[string]httpapi.Options{
		"an open API": {Origins: []string{page}},
		"a path":      {Keys: keys, Origins: []string{page + "/app"}},
		"no scheme":   {Keys: keys, Origins: []string{"app.example"}},
	} {
		o.SpoolDir = t.TempDir()
		if _, err := httpapi.New(o); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
