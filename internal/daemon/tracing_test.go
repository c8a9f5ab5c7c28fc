package daemon

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"provery/api"
	"provery/client"
	"provery/internal/config"
	"provery/internal/tracing/tracingtest"
)

// traced changes a setup so that spans go to a collector.
func traced(o setup, c *tracingtest.Collector, more ...func(*config.Config)) setup {
	change := o.config
	o.config = func(cfg *config.Config) {
		if change != nil {
			change(cfg)
		}
		cfg.Tracing.Endpoint = c.URL
		for _, f := range more {
			f(cfg)
		}
	}
	return o
}

// tree is the spans of one trace.
type tree struct {
	t     *testing.T
	spans []tracingtest.Span
}

// traceOf returns the spans of a trace.
func traceOf(t *testing.T, c *tracingtest.Collector, id string) *tree {
	t.Helper()
	all := &tree{t: t}
	for _, s := range c.Spans() {
		if s.Trace == id {
			all.spans = append(all.spans, s)
		}
	}
	return all
}

// only returns the one span of a name below a parent.
func (tr *tree) only(parent tracingtest.Span, name string) tracingtest.Span {
	tr.t.Helper()
	var found []tracingtest.Span
	for _, s := range tr.spans {
		if s.Parent == parent.ID && s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		tr.t.Fatalf("got %d spans %q under %q, want one; there are:\n%s", len(found), name, parent.Name, tr)
	}
	return found[0]
}

// String lists the spans for a failure.
func (tr *tree) String() string {
	var out []string
	for _, s := range tr.spans {
		out = append(out, fmt.Sprintf("%s %s under %s %v", s.Name, s.ID, s.Parent, s.Attributes))
	}
	return strings.Join(out, "\n")
}

// TestTrace follows a request of a client that has a trace of its own through
// an API process and a worker to its webhook, and reads everything that was
// exported.
func TestTrace(t *testing.T) {
	t.Parallel()
	c, hook := tracingtest.New(t), newHooked(t)
	url, shared := natsServer(t), t.TempDir()
	front := start(t, traced(as(config.RoleAPI, url, shared), c, withHooks))
	front.ready(mul)
	back := start(t, traced(as(config.RoleWorker, url, shared), c))
	const trace, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	body := fmt.Sprintf(`{"circuit":"mul","arguments":["%s","5"],"labels":{"mark":"control-4713"},"webhook":"%s/secret-4713"}`, planted[0], hook.URL)
	a := front.do("POST", "/v1/proofs", body, "traceparent", "00-"+trace+"-"+caller+"-01", api.HeaderRequestID, "req-4713", api.HeaderPrefer, "wait=60")
	if a.status != http.StatusOK {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	id := strings.TrimPrefix(a.header.Get("Location"), "/v1/proofs/")
	_, delivered := hook.next(t)
	for _, r := range []*rig{front, back} {
		r.stop()
		if !strings.Contains(r.log.String(), "trace_id="+trace) {
			t.Errorf("%s: no line of the log has the trace's id", r.cfg.Role)
		}
	}

	tr := traceOf(t, c, trace)
	request := tr.only(tracingtest.Span{Name: "the client", ID: caller}, "POST /v1/proofs")
	enqueue := tr.only(request, "enqueue")
	wait, attempt := tr.only(enqueue, "queue"), tr.only(enqueue, "attempt")
	for _, name := range []string{"load", "witness", "check", "complete"} {
		tr.only(attempt, name)
	}
	tr.only(tr.only(attempt, "prove"), "prove.quotient")
	sent := tr.only(request, "webhook")
	if got := delivered.header.Get("Traceparent"); got != "00-"+trace+"-"+sent.ID+"-01" {
		t.Errorf("got the webhook's traceparent %q, want that of span %s", got, sent.ID)
	}
	for _, s := range []tracingtest.Span{wait, attempt, enqueue} {
		if s.Attributes["provery.job.id"] != id || s.Failed {
			t.Errorf("%s: got %v", s.Name, s.Attributes)
		}
	}
	if request.Resource["provery.role"] != "api" || attempt.Resource["provery.role"] != "worker" || request.Attributes["provery.request.id"] != "req-4713" {
		t.Errorf("got %v of %v, and %v", request.Attributes, request.Resource, attempt.Resource)
	}
	want := map[string]string{"provery.attempt": "1", "provery.scheme": "groth16", "provery.curve": "bn128", "provery.job.priority": "normal", "provery.outcome": "succeeded"}
	for key, value := range want {
		if attempt.Attributes[key] != value {
			t.Errorf("%s: got %q, want %q", key, attempt.Attributes[key], value)
		}
	}
	wantNothingPrivateExported(t, c, id)
}

// wantNothingPrivateExported searches every exported byte.
func wantNothingPrivateExported(t *testing.T, c *tracingtest.Collector, control string) {
	t.Helper()
	raw := c.Raw()
	if !bytes.Contains(raw, []byte(control)) {
		t.Error("didn't find the job's id, so that the search proves nothing")
	}
	wantNoTraces(t, "spans", raw)
	for _, own := range []string{"control-4713", "secret-4713"} {
		if bytes.Contains(raw, []byte(own)) {
			t.Errorf("the client's own %s was exported", own)
		}
	}
	for _, s := range c.Spans() {
		if s.Events != 0 {
			t.Errorf("%s has events, which may hold texts of errors", s.Name)
		}
		for key := range s.Attributes {
			if !strings.HasPrefix(key, "provery.") && !slices.Contains([]string{"http.request.method", "http.route", "http.response.status_code"}, key) {
				t.Errorf("%s: unknown attribute %s", s.Name, key)
			}
		}
	}
}

// TestTracesOfBadRequests lets nothing of arguments that are refused, or that
// fail, reach the collector.
func TestTracesOfBadRequests(t *testing.T) {
	t.Parallel()
	c := tracingtest.New(t)
	r := start(t, traced(setup{}, c))
	r.ready(mul)
	r.ready(fixture{"assertmsg", "bn128"})
	for circuit, arguments := range map[string]string{"mul": `[{"` + planted[0] + `":"` + planted[1] + `"},"` + planted[4] + `"]`, "assertmsg": `["` + planted[0] + `","` + planted[1] + `"]`} {
		body := fmt.Sprintf(`{"circuit":%q,"arguments":%s}`, circuit, arguments)
		if a := r.do("POST", "/v1/proofs", body, api.HeaderPrefer, "wait=60"); a.status < 400 {
			t.Errorf("%s: got %d %s, want a refusal", circuit, a.status, a.body)
		}
		r.do("POST", "/v1/circuits/"+circuit+"/witness", body)
	}
	r.stop()
	failed := 0
	for _, s := range c.Spans() {
		if s.Name == "attempt" && s.Failed && s.Status == "unsatisfied_witness" {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("got %d failed attempts, want that at assertmsg", failed)
	}
	wantNothingPrivateExported(t, c, "unsatisfied_witness")
}

// TestTracesOfBatches gives each item a trace, linked to the batch's.
func TestTracesOfBatches(t *testing.T) {
	t.Parallel()
	c := tracingtest.New(t)
	r := start(t, traced(setup{}, c))
	r.ready(mul)
	b := r.submitBatch(products(3))
	for _, err := range r.cl.BatchResults(r.ctx(), b.ID, client.ItemsOptions{Wait: true}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	r.stop()
	var batch tracingtest.Span
	attempts := map[string]int{}
	for _, s := range c.Spans() {
		switch s.Name {
		case "enqueue batch":
			batch = s
		case "attempt":
			attempts[s.Trace]++
		}
	}
	for _, s := range c.Spans() {
		if s.Name != "enqueue" {
			continue
		}
		if s.Parent != "" || !slices.Equal(s.Links, []string{batch.ID}) || s.Attributes["provery.batch.id"] != b.ID || attempts[s.Trace] != 1 {
			t.Errorf("got %+v, want a trace with one attempt, linked to %s", s, batch.ID)
		}
	}
	if len(attempts) != 3 || attempts[batch.Trace] != 0 {
		t.Errorf("got attempts in %v, want three traces", attempts)
	}
}

// TestCollectorAway proves although the collector never answers, and stops.
func TestCollectorAway(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	hang := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(hang.Close)
	t.Cleanup(func() { close(release) })
	r := start(t, setup{config: func(c *config.Config) { c.Tracing.Endpoint = hang.URL }})
	r.ready(mul)
	wantProduct(t, r.prove(times(6, 7)), 6, 7)
	r.stop()
	if !strings.Contains(r.log.String(), "traces can't be sent") {
		t.Error("the log doesn't say that spans were dropped")
	}
}
