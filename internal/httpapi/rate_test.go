package httpapi_test

import (
	"testing"
	"testing/synctest"
	"time"

	"provery/api"
	"provery/internal/httpapi"
)

// TestRates limits one key and no other, and tells both when to come back.
func TestRates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *httpapi.Options) {
			withKeys(o)
			o.Keys[0].Rate = httpapi.Rate{PerSecond: 0.5, Burst: 2}
		})
		limited := []string{"Authorization", "Bearer pvk_other"}
		for i, want := range []string{"1", "0"} {
			w := r.do("GET", "/v1/queue", "", "", limited...)
			h := w.Header()
			if w.Code != 200 || h.Get(api.HeaderRateLimit) != "2" || h.Get(api.HeaderRateRemaining) != want || h.Get(api.HeaderRateReset) != []string{"2", "4"}[i] {
				t.Errorf("request %d: got %d %v", i, w.Code, h)
			}
		}
		time.Sleep(500 * time.Millisecond)
		for range 3 { // a refused request takes nothing
			w := r.do("GET", "/v1/queue", "", "", limited...)
			p := wantProblem(t, w, api.CodeRateLimited)
			if p.RetryAfter != 2 || w.Header().Get("Retry-After") != "2" || w.Header().Get(api.HeaderRateRemaining) != "0" {
				t.Errorf("got %+v %v, want to come back in 2 s", p, w.Header())
			}
		}
		if w := r.do("GET", "/v1/queue", "", "", "Authorization", "Bearer "+testKey); w.Code != 200 || w.Header().Get(api.HeaderRateLimit) != "" {
			t.Errorf("another key: got %d %v", w.Code, w.Header())
		}
		if w := r.do("GET", "/healthz", "", "", limited...); w.Code != 200 {
			t.Errorf("a public path: got %d", w.Code)
		}
		time.Sleep(1500 * time.Millisecond)
		if w := r.do("GET", "/v1/queue", "", "", limited...); w.Code != 200 {
			t.Errorf("in time: got %d %s", w.Code, w.Body)
		}
		open := newRig(t, func(o *httpapi.Options) { o.Rate = httpapi.Rate{PerSecond: 1, Burst: 1} })
		open.do("GET", "/v1/queue", "", "")
		wantProblem(t, open.do("GET", "/v1/queue", "", ""), api.CodeRateLimited)
	})
}
