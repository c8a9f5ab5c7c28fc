package httpapi_test

import (
	"context"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
)

// later yields the two events, the second after d, unless the stream ends.
func later(d time.Duration) func(context.Context) iter.Seq2[api.Event, error] {
	return func(ctx context.Context) iter.Seq2[api.Event, error] {
		return func(yield func(api.Event, error) bool) {
			two := twoEvents("p_1")
			if !yield(two[0], nil) {
				return
			}
			select {
			case <-time.After(d):
				yield(two[1], nil)
			case <-ctx.Done():
				yield(api.Event{}, ctx.Err())
			}
		}
	}
}

const (
	firstEvent = "id: 1\nevent: state\ndata: {\"id\":\"1\",\"type\":\"state\",\"job\":\"p_1\",\"kind\":\"proof\",\"state\":\"queued\",\"time\":\"2026-01-02T15:04:05Z\"}\n\n"
	lastEvent  = "id: 4\nevent: state\ndata: {\"id\":\"4\",\"type\":\"state\",\"job\":\"p_1\",\"kind\":\"proof\",\"state\":\"succeeded\",\"final\":true,\"time\":\"2026-01-02T15:04:05Z\"}\n\n"
)

// TestEventStream has a heartbeat every 15 s of silence, and ends with the
// final event.
func TestEventStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.fake.events = later(40 * time.Second)
		start := time.Now()
		w := r.do("GET", "/v1/proofs/p_1/events", "", "")
		if want := "retry: 2000\n\n" + firstEvent + ":\n\n:\n\n" + lastEvent; w.Body.String() != want {
			t.Errorf("got\n%swant\n%s", w.Body, want)
		}
		if took := time.Since(start); w.Code != 200 || took != 40*time.Second || !w.Flushed {
			t.Errorf("got %d after %v, flushed %v", w.Code, took, w.Flushed)
		}
		if got := w.Header().Get("Content-Type"); got != api.MediaTypeEvents {
			t.Errorf("got Content-Type %q", got)
		}
	})
}

func TestEventStreamGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	w := r.do("GET", "/v1/jobs/p_1/events", "", "", api.HeaderLastEventID, "1")
	if want := "retry: 2000\n\n" + lastEvent; w.Body.String() != want {
		t.Errorf("got %q, want %q", w.Body, want)
	}
	w = r.do("GET", "/v1/jobs/p_1/events", "", "", api.HeaderLastEventID, "4")
	if w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Errorf("after the end: got %d %q, want 204", w.Code, w.Body)
	}
}

func TestEventStreamEndsEarly(t *testing.T) {
	t.Parallel()
	t.Run("drain", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil)
			r.fake.events = later(time.Hour)
			answer := make(chan *httptest.ResponseRecorder)
			go func() { answer <- r.do("GET", "/v1/proofs/p_1/events", "", "") }()
			synctest.Wait()
			r.Drain()
			if w := <-answer; w.Code != 200 || !strings.HasSuffix(w.Body.String(), firstEvent) {
				t.Errorf("got %d %q, want it to end after the first event", w.Code, w.Body)
			}
			r.fake.events = func(ctx context.Context) iter.Seq2[api.Event, error] {
				return func(func(api.Event, error) bool) { <-ctx.Done() }
			}
			p := wantProblem(t, r.do("GET", "/v1/proofs/p_1/events", "", ""), api.CodeOverloaded)
			if p.RetryAfter != 5 {
				t.Errorf("got Retry-After %d, want 5", p.RetryAfter)
			}
		})
	})
	t.Run("client", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, func(o *httpapi.Options) { o.Limits.Waiters = 1 })
			r.fake.events = later(time.Hour)
			ctx, leave := context.WithCancel(t.Context())
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				r.send(newRequest("GET", "/v1/proofs/p_1/events").WithContext(ctx))
			}()
			synctest.Wait()
			wantProblem(t, r.do("GET", "/v1/proofs/p_1/events", "", ""), api.CodeOverloaded)
			leave()
			<-gone
			r.fake.events = nil
			if w := r.do("GET", "/v1/proofs/p_1/events", "", ""); w.Code != 200 {
				t.Errorf("got %d, want the slot to be free", w.Code)
			}
		})
	})
	t.Run("error", func(t *testing.T) {
		r := newRig(t, nil)
		r.fake.err = fault.New(fault.NotFound, "no such job")
		wantProblem(t, r.do("GET", "/v1/proofs/p_9/events", "", ""), api.CodeNotFound)
	})
}

// TestAdmins keeps operators' routes from ordinary keys.
func TestAdmins(t *testing.T) {
	t.Parallel()
	r := newRig(t, withKeys)
	ordinary := []string{"Authorization", "Bearer pvk_other"}
	wantProblem(t, r.do("POST", "/v1/jobs/j_1/retry", "", "", ordinary...), api.CodeForbidden)
	wantProblem(t, r.do("GET", "/v1/jobs?owner=second", "", "", ordinary...), api.CodeForbidden)
	if w := r.do("GET", "/v1/jobs?owner=first", "", "", ordinary...); w.Code != 200 {
		t.Errorf("own jobs: got %d %s", w.Code, w.Body)
	}
	if w := r.do("GET", "/v1/jobs?owner=first", "", "", "Authorization", "Bearer "+testKey); w.Code != 200 {
		t.Errorf("an admin: got %d %s", w.Code, w.Body)
	}
}
