package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"provery/api"
	"provery/internal/httpapi"
)

const proofBody = `{"circuit":"a","arguments":["1"]}`

// finishAfter makes the fake's job end with p after d of the bubble's clock.
func (f *fake) finishAfter(d time.Duration, p api.Proof) {
	end := time.Now().Add(d)
	f.wait = func(ctx context.Context, _ string, timeout time.Duration) (api.Proof, error) {
		select {
		case <-time.After(time.Until(end)):
			return p, nil
		case <-time.After(timeout):
			return f.proof, nil
		case <-ctx.Done():
			return api.Proof{}, ctx.Err()
		}
	}
}

func TestPreferredWait(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		headers []string
		want    int
	}{
		{nil, 0}, {[]string{"wait=30"}, 30}, {[]string{`respond-async, Wait = "7"; x=y`}, 7},
		{[]string{"respond-async", "wait=3"}, 3}, {[]string{"wait=soon"}, 0}, {[]string{"wait"}, 0}, {[]string{"await=3"}, 0}, {[]string{"wait=-3"}, -3},
	} {
		if got := httpapi.PreferredWait(tc.headers); got != tc.want {
			t.Errorf("%q: got %d, want %d", tc.headers, got, tc.want)
		}
	}
}

func TestSubmitWaits(t *testing.T) {
	t.Parallel()
	done := api.Proof{ID: "p_1", Priority: api.PriorityNormal, State: api.StateSucceeded}
	tests := []struct {
		name, prefer, applied string
		end                   time.Duration
		status                int
		took                  time.Duration
	}{
		{"no preference", "", "", time.Second, 202, 0},
		{"finished in time", "wait=10", "wait=10", 3 * time.Second, 200, 3 * time.Second},
		{"not finished", "wait=10", "wait=10", time.Minute, 202, 10 * time.Second},
		{"longer than allowed", "wait=3600", "wait=20", time.Minute, 202, 20 * time.Second},
		{"zero", "wait=0", "", time.Minute, 202, 0},
		{"negative", "wait=-1", "", time.Minute, 202, 0},
		{"overflow", "wait=99999999999999999999", "", time.Minute, 202, 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(o *httpapi.Options) { o.Limits.Wait = 20 * time.Second })
				r.fake.finishAfter(tc.end, done)
				start := time.Now()
				w := r.do("POST", "/v1/proofs", jsonType, proofBody, api.HeaderPrefer, tc.prefer)
				if took := time.Since(start); w.Code != tc.status || took != tc.took {
					t.Errorf("got %d after %v, want %d after %v: %s", w.Code, took, tc.status, tc.took, w.Body)
				}
				if got := w.Header().Get(api.HeaderPreferenceApplied); got != tc.applied {
					t.Errorf("got Preference-Applied %q, want %q", got, tc.applied)
				}
				if got := w.Header().Get("Location"); got != "/v1/proofs/p_1" {
					t.Errorf("got Location %q", got)
				}
			})
		})
	}
}

func TestSubmitReportsFailure(t *testing.T) {
	t.Parallel()
	unsatisfied := api.NewProblem(api.CodeUnsatisfiedWitness, "a must not be 0")
	unsatisfied.Position = &api.Position{File: "a.zok", Line: 2, Column: 3}
	for _, tc := range []struct {
		state   api.State
		problem *api.Problem
		want    api.Code
	}{
		{api.StateFailed, unsatisfied, api.CodeUnsatisfiedWitness},
		{api.StateFailed, nil, api.CodeInternal},
		{api.StateCancelled, nil, api.CodeCanceled},
		{api.StateExpired, nil, api.CodeDeadlineExceeded},
	} {
		r := newRig(t, nil)
		r.fake.proof.State, r.fake.proof.Problem = tc.state, tc.problem
		w := r.do("POST", "/v1/proofs", jsonType, proofBody, api.HeaderPrefer, "wait=10")
		p := wantProblem(t, w, tc.want)
		if p.Instance != "/v1/proofs/p_1" || w.Header().Get("Location") != p.Instance {
			t.Errorf("got instance %q, want the proof", p.Instance)
		}
		if tc.problem != nil && (p.Position == nil || *p.Position != *tc.problem.Position) {
			t.Errorf("got position %v, want the assertion's", p.Position)
		}
		if w := r.do("GET", "/v1/proofs/p_1?wait=10", "", ""); w.Code != http.StatusOK {
			t.Errorf("show: got %d, want 200", w.Code)
		}
		if w := r.do("POST", "/v1/proofs", jsonType, proofBody); w.Code != http.StatusOK {
			t.Errorf("without a wait: got %d, want 200", w.Code)
		}
	}
}

// TestWaitersAreLimited fills the only slot, and checks that nothing but
// further waits is refused.
func TestWaitersAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *httpapi.Options) { o.Limits.Waiters = 1 })
		r.fake.finishAfter(time.Minute, api.Proof{ID: "p_1", State: api.StateSucceeded})
		first := make(chan *httptest.ResponseRecorder)
		go func() { first <- r.do("GET", "/v1/proofs/p_1?wait=30", "", "") }()
		synctest.Wait()

		start := time.Now()
		w := r.do("GET", "/v1/proofs/p_1?wait=30", "", "")
		if wantProblem(t, w, api.CodeOverloaded); w.Header().Get("Retry-After") != "2" {
			t.Errorf("got Retry-After %q, want 2", w.Header().Get("Retry-After"))
		}
		w = r.do("POST", "/v1/proofs", jsonType, proofBody, api.HeaderPrefer, "wait=30")
		if w.Code != http.StatusAccepted || w.Header().Get(api.HeaderPreferenceApplied) != "" {
			t.Errorf("submit: got %d, want 202 without the preference", w.Code)
		}
		for _, target := range []string{"/v1/proofs/p_1", "/v1/queue", "/readyz", "/healthz"} {
			if w := r.do("GET", target, "", ""); w.Code != http.StatusOK {
				t.Errorf("%s: got %d, want 200", target, w.Code)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("the calls took %v, want no wait", took)
		}
		<-first
		r.fake.proof.State = api.StateSucceeded
		if w := r.do("GET", "/v1/proofs/p_1?wait=1", "", ""); w.Code != http.StatusOK {
			t.Errorf("after the first: got %d, want 200", w.Code)
		}
	})
}

func TestClientThatGoesAwayFreesItsSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *httpapi.Options) { o.Limits.Waiters = 1 })
		r.fake.finishAfter(time.Minute, api.Proof{ID: "p_1", State: api.StateSucceeded})
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			r.send(newRequest("GET", "/v1/proofs/p_1?wait=30").WithContext(ctx))
		}()
		synctest.Wait()
		cancel()
		<-gone
		start := time.Now()
		w := r.do("GET", "/v1/proofs/p_1?wait=5", "", "")
		if took := time.Since(start); w.Code != http.StatusOK || took != 5*time.Second {
			t.Errorf("got %d after %v, want 200 after 5s", w.Code, took)
		}
		if !strings.Contains(r.log.String(), `"status":499`) {
			t.Errorf("got log %s, want the status 499", r.log)
		}
	})
}

func TestDrainEndsWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.fake.finishAfter(time.Minute, api.Proof{ID: "p_1", State: api.StateSucceeded})
		answer := make(chan *httptest.ResponseRecorder)
		go func() {
			answer <- r.do("POST", "/v1/proofs", jsonType, proofBody, api.HeaderPrefer, "wait=30")
		}()
		synctest.Wait()
		start := time.Now()
		r.Drain()
		w := <-answer
		var p api.Proof
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusAccepted || p.State != api.StateQueued {
			t.Errorf("got %d %s, want 202 with the job as it is", w.Code, w.Body)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("got the answer after %v, want it at once", took)
		}
	})
}
