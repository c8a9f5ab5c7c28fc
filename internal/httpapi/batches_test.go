package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
)

func TestSubmitBatch(t *testing.T) {
	t.Parallel()
	r := newRig(t, withKeys)
	auth := []string{"Authorization", "Bearer " + testKey}
	body := `{"circuit":"a","items":[{"arguments":["1"]},{"witness":"AQI="}],"labels":{"x":"y"}}`
	w := r.do("POST", "/v1/batches", jsonType, body, append(auth, api.HeaderIdempotencyKey, "k")...)
	if w.Code != 202 || w.Header().Get("Location") != "/v1/batches/b_1" {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	got := r.fake.batch
	if got.Caller.Name != "second" || got.IdempotencyKey != "k" || got.Request.Priority != "normal" || len(got.Request.Items) != 2 ||
		string(got.Request.Items[0].Arguments) != `["1"]` || string(got.Request.Items[1].Witness) != "\x01\x02" {
		t.Errorf("got %+v", got)
	}
	for _, tc := range []struct{ name, body, path string }{
		{"no items", `{"circuit":"a","items":[]}`, "/items"},
		{"no array", `{"circuit":"a","items":{"arguments":"314159"}}`, "/items"},
		{"unknown field", `{"circuit":"a","items":[{"arguments":["1"]},{"arguments":[],"x":"314159"}]}`, "/items/1/x"},
		{"field twice", `{"circuit":"a","items":[{"arguments":["1"],"arguments":["314159"]}]}`, "/items/0/arguments"},
		{"an item that is none", `{"circuit":"a","items":["314159"]}`, "/items/0"},
		{"null", `{"circuit":"a","items":null}`, "/items"},
		{"without input", `{"circuit":"a","items":[{"arguments":["1"]},{}]}`, "/items/1/arguments"},
		{"both inputs", `{"circuit":"a","items":[{"arguments":["314159"],"witness":"AQ=="}]}`, "/items/0/witness"},
		{"too many", `{"circuit":"a","items":[` + strings.Repeat(`{"arguments":[]},`, api.MaxBatch) + `{"arguments":[]}]}`, "/items"},
		{"no circuit", `{"items":[{"arguments":["1"]}]}`, "/circuit"},
	} {
		w := r.do("POST", "/v1/batches", jsonType, tc.body, auth...)
		if p := wantProblem(t, w, api.CodeInvalidRequest); p.Path != tc.path || strings.Contains(w.Body.String(), "314159") {
			t.Errorf("%s: got %s at %q, want it at %q", tc.name, w.Body, p.Path, tc.path)
		}
	}
	wantProblem(t, r.do("POST", "/v1/batches", "text/plain", body, auth...), api.CodeUnsupportedMediaType)
	if n := strings.Count(r.log.String(), "314159"); n > 0 {
		t.Errorf("the log holds a value %d times", n)
	}
	small := newRig(t, func(o *httpapi.Options) { o.Limits.BatchBytes = 20 })
	wantProblem(t, small.do("POST", "/v1/batches", jsonType, body), api.CodeTooLarge)
	r = newRig(t, nil)
	r.Drain()
	for _, path := range []string{"/v1/batches", "/v1/proofs"} {
		if p := wantProblem(t, r.do("POST", path, jsonType, proofBody), api.CodeOverloaded); p.RetryAfter != 5 {
			t.Errorf("%s while draining: got %+v", path, p)
		}
	}
}

func TestItemStream(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	w := r.do("GET", "/v1/batches/b_1/results?from=1&wait=true", "", "")
	dec := json.NewDecoder(w.Body)
	for i := 1; i < 3; i++ {
		var p api.Proof
		if err := dec.Decode(&p); err != nil || *p.Item != i {
			t.Errorf("got %+v, %v, want item %d", p, err, i)
		}
	}
	if w.Code != 200 || w.Header().Get("Content-Type") != api.MediaTypeLines || dec.More() || r.fake.args[1] != "{1 true true}" {
		t.Errorf("got %d %s %v", w.Code, w.Header(), r.fake.args)
	}
	if w := r.do("GET", "/v1/batches/b_1/items?from=3", "", ""); w.Code != 200 || w.Body.Len() != 0 || r.fake.args[1] != "{3 false false}" {
		t.Errorf("got %d %s %v, want nothing", w.Code, w.Body, r.fake.args)
	}
	for target, path := range map[string]string{
		"/v1/batches/b_1/items?from=-1": "query.from", "/v1/batches/b_1/items?wait=x": "query.wait", "/v1/batches/b_1/items?y=1": "query.y",
	} {
		if p := wantProblem(t, r.do("GET", target, "", ""), api.CodeInvalidRequest); p.Path != path {
			t.Errorf("%s: got %q", target, p.Path)
		}
	}
	r.fake.err = fault.New(fault.NotFound, "no such batch")
	wantProblem(t, r.do("GET", "/v1/batches/b_1/items", "", ""), api.CodeNotFound)
}

// TestItemStreamBreaks checks that a part of the items is never taken for all
// of them: the connection breaks.
func TestItemStreamBreaks(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.fake.items = func(context.Context) iter.Seq2[api.Proof, error] {
		return func(yield func(api.Proof, error) bool) {
			_ = yield(api.Proof{ID: "p_0"}, nil) && yield(api.Proof{}, errors.New("the engine is away"))
		}
	}
	server := httptest.NewServer(r)
	defer server.Close()
	res, err := server.Client().Get(server.URL + "/v1/batches/b_1/results")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(string(b), `{"id":"p_0"`) {
		t.Errorf("got %q, %v, want it to break off", b, err)
	}
}

// TestItemStreamIsAlive writes empty lines while an item takes long.
func TestItemStreamIsAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.fake.items = func(context.Context) iter.Seq2[api.Proof, error] {
			return func(yield func(api.Proof, error) bool) {
				time.Sleep(40 * time.Second)
				yield(fakeItem(0), nil)
			}
		}
		w := r.do("GET", "/v1/batches/b_1/results?wait=true", "", "")
		if !strings.HasPrefix(w.Body.String(), "\n\n{\"id\":\"p_0\"") {
			t.Errorf("got %q, want two empty lines first", w.Body)
		}
	})
}
