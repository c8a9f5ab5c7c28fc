package tracing_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"provery/internal/fault"
	"provery/internal/tracing"
	"provery/internal/tracing/tracingtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// variables returns an environment.
func variables(pairs ...string) func(string) string {
	env := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return env[name] }
}

// counts are what an observer was told.
type counts struct{ sent, failed atomic.Int64 }

func (c *counts) observe(n int, sent bool) {
	if sent {
		c.sent.Add(int64(n))
	} else {
		c.failed.Add(int64(n))
	}
}

// open begins to record for a test.
func open(t *testing.T, cfg tracing.Config) *tracing.Tracing {
	t.Helper()
	if cfg.Getenv == nil {
		cfg.Getenv = variables()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	tr, err := tracing.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestOffByDefault(t *testing.T) {
	t.Parallel()
	tr := open(t, tracing.Config{})
	if tr.On() {
		t.Error("spans are recorded although nobody asked for it")
	}
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx, span := tr.Tracer().Start(tracing.WithParent(t.Context(), parent), "a")
	span.End()
	if got := tracing.Parent(ctx); got != parent {
		t.Errorf("got %q, want the client's context passed on", got)
	}
	if err := tr.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSpansReachTheCollector(t *testing.T) {
	t.Parallel()
	for name, env := range map[string][]string{
		"plain": {"OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc"},
		"gzip":  {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "authorization = Bearer abc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, told := tracingtest.New(t, http.StatusServiceUnavailable), &counts{} // the first try is refused
			tr := open(t, tracing.Config{Endpoint: c.URL, Version: "v1", Role: "api", Getenv: variables(env...), Observe: told.observe})
			ctx, outer := tr.Tracer().Start(t.Context(), "outer")
			_, inner := tracing.Start(ctx, "inner")
			tracing.End(inner, fault.New(fault.InvalidRequest, "argument 4711 is wrong"))
			tracing.End(outer, nil)
			if err := tr.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			spans := c.Spans()
			if len(spans) != 2 || told.sent.Load() != 2 || told.failed.Load() != 0 {
				t.Fatalf("got %+v, %d told, want two spans", spans, told.sent.Load())
			}
			in, out := spans[0], spans[1]
			if in.Parent != out.ID || in.Trace != out.Trace || out.Parent != "" {
				t.Errorf("got %+v under %+v", in, out)
			}
			if !in.Failed || in.Status != "invalid_request" || out.Failed || out.Attributes["provery.outcome"] != tracing.Succeeded {
				t.Errorf("got %+v and %+v, want the codes of what came of them", in, out)
			}
			if r := out.Resource; r["service.name"] != "provery" || r["service.version"] != "v1" || r["provery.role"] != "api" {
				t.Errorf("got the resource %v", r)
			}
			if bytes.Contains(c.Raw(), []byte("4711")) {
				t.Error("an error's text was sent")
			}
			if got := c.Headers()[0].Get("Authorization"); got != "Bearer abc" {
				t.Errorf("got %q, want the header", got)
			}
		})
	}
}

// TestCollectorAway has collectors that refuse everything, that break off, and
// that never answer. Spans are dropped, and closing ends.
func TestCollectorAway(t *testing.T) {
	t.Parallel()
	refuse := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(refuse.Close)
	breaks := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(breaks.Close)
	release := make(chan struct{})
	hang := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(hang.Close)
	t.Cleanup(func() { close(release) })
	for name, url := range map[string]string{"refuses": refuse.URL, "breaks off": breaks.URL, "never answers": hang.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			told := &counts{}
			tr := open(t, tracing.Config{
				Endpoint: url, Observe: told.observe, Log: slog.New(slog.NewTextHandler(&log, nil)),
				Getenv: variables("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
			})
			_, span := tr.Tracer().Start(t.Context(), "a")
			span.End()
			if err := tr.Close(t.Context()); err != nil {
				t.Errorf("close: %v", err)
			}
			if told.failed.Load() != 1 || strings.Count(log.String(), "traces can't be sent") != 1 {
				t.Errorf("got %d failed spans and the log %s", told.failed.Load(), &log)
			}
		})
	}
}

// TestCloseWaitsForNobody closes with a context that has ended.
func TestCloseWaitsForNobody(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	hang := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(hang.Close)
	t.Cleanup(func() { close(release) })
	tr := open(t, tracing.Config{Endpoint: hang.URL, Getenv: variables("OTEL_EXPORTER_OTLP_TIMEOUT", "600000")})
	_, span := tr.Tracer().Start(t.Context(), "a")
	span.End()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tr.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestParents(t *testing.T) {
	t.Parallel()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx := tracing.WithParent(t.Context(), parent)
	h := http.Header{}
	tracing.ToHeader(ctx, h)
	if got := tracing.Parent(tracing.FromHeader(t.Context(), h)); got != parent {
		t.Errorf("got %q, want %q", got, parent)
	}
	if got := tracing.ID(ctx); got.String() != "trace_id=0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("got %s", got)
	}
	for _, bad := range []string{"", "x", parent[:54], "00-00000000000000000000000000000000-b7ad6b7169203331-01", strings.Repeat("0", 1<<16), "00-zzz7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"} {
		ctx := tracing.WithParent(t.Context(), bad)
		if got := tracing.Parent(ctx); got != "" || !tracing.ID(ctx).Equal(slog.Attr{}) {
			t.Errorf("%.60q: got %q, want it passed over", bad, got)
		}
	}
}

// TestStages puts parts under their steps, and marks where an error came from.
func TestStages(t *testing.T) {
	t.Parallel()
	c := tracingtest.New(t)
	tr := open(t, tracing.Config{Endpoint: c.URL})
	ctx, root := tr.Tracer().Start(t.Context(), "attempt")
	enter, end := tracing.Stages(ctx)
	for _, name := range []string{"load", "prove", "prove.a", "prove.b", "check", "check", "again.x"} {
		enter(name)
	}
	end(errors.New("secret text"))
	end(nil)
	root.End()
	if err := tr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	byID, tree := map[string]tracingtest.Span{}, map[string]int{}
	for _, s := range c.Spans() {
		byID[s.ID] = s
	}
	for _, s := range byID {
		line := byID[s.Parent].Name + "/" + s.Name
		if s.Failed {
			line += " failed"
		}
		tree[line]++
	}
	for _, want := range []string{"/attempt", "attempt/load", "attempt/prove", "prove/prove.a", "prove/prove.b", "attempt/check", "attempt/again failed", "again/again.x failed"} {
		if tree[want] != 1 {
			t.Errorf("got %v, want one %s", tree, want)
		}
	}
	if len(tree) != 8 || bytes.Contains(c.Raw(), []byte("secret")) {
		t.Errorf("got %v", tree)
	}
}
