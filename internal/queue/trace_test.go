package queue_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"provery/internal/fault"
	"provery/internal/queue"
)

// recorded opens a queue whose spans are kept.
func recorded(t *testing.T, cfg queue.Config) (*fixture, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	cfg.Tracer = provider.Tracer("test")
	return open(t, "", cfg), spans
}

// of lists the spans of a job in the order of their ends, each as
// "name outcome", and checks that they stand under the job's "enqueue".
func of(t *testing.T, spans *tracetest.SpanRecorder, id string) []string {
	t.Helper()
	var out []string
	var parent sdk.ReadOnlySpan
	for _, s := range spans.Ended() {
		attributes := map[string]string{}
		for _, a := range s.Attributes() {
			attributes[string(a.Key)] = a.Value.String()
		}
		if attributes["provery.job.id"] != id {
			continue
		}
		if s.Name() == "enqueue" {
			parent = s
		} else if parent == nil || s.Parent().SpanID() != parent.SpanContext().SpanID() {
			t.Errorf("%s stands under %s, want the job's", s.Name(), s.Parent().SpanID())
		}
		if s.EndTime().Before(s.StartTime()) {
			t.Errorf("%s ends before it begins", s.Name())
		}
		failed := ""
		if s.Status().Code == codes.Error {
			failed = " failed"
		}
		out = append(out, fmt.Sprintf("%s %s%s", s.Name(), attributes["provery.outcome"], failed))
	}
	return out
}

// TestSpans drives jobs along every way through the states.
func TestSpans(t *testing.T) {
	t.Parallel()
	past := func(t *testing.T, l *queue.Lease, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		_ = done(t, l)
	}
	for name, c := range map[string]struct {
		run  func(t *testing.T, f *fixture, id string)
		want []string
	}{
		"succeeds": {func(t *testing.T, f *fixture, id string) {
			l := lease(t, f.Queue)
			past(t, l, l.Complete(t.Context(), queue.Result{}))
		}, []string{"enqueue succeeded", "queue running"}},
		"is handed back": {func(t *testing.T, f *fixture, id string) {
			l := lease(t, f.Queue)
			past(t, l, l.Release(t.Context()))
			l = lease(t, f.Queue)
			past(t, l, l.Complete(t.Context(), queue.Result{}))
		}, []string{"enqueue succeeded", "queue running", "queue running"}},
		"fails and is tried again": {func(t *testing.T, f *fixture, id string) {
			l := lease(t, f.Queue)
			past(t, l, l.Fail(t.Context(), fault.New(fault.Internal, "secret")))
			l = lease(t, f.Queue)
			past(t, l, l.Fail(t.Context(), fault.New(fault.InvalidRequest, "secret")))
		}, []string{"enqueue succeeded", "queue running", "queue running"}},
		"is cancelled while it waits": {func(t *testing.T, f *fixture, id string) {
			if _, err := f.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}, []string{"enqueue succeeded", "queue cancelled"}},
		"is cancelled while it runs": {func(t *testing.T, f *fixture, id string) {
			l := lease(t, f.Queue)
			_, err := f.Cancel(t.Context(), id)
			past(t, l, err)
		}, []string{"enqueue succeeded", "queue running"}}, // the attempt is the worker's
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, spans := recorded(t, queue.Config{Backoff: time.Millisecond})
			j := enqueue(t, f.Queue, newJob())
			c.run(t, f, j.ID)
			if got := of(t, spans, j.ID); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestSpanOfALostAttempt is about a worker that dies. On a slow machine the
// next one may lose its lease, too.
func TestSpanOfALostAttempt(t *testing.T) {
	t.Parallel()
	f, spans := recorded(t, queue.Config{LeaseTTL: time.Second, MaxFailures: 1000})
	j := enqueue(t, f.Queue, newJob())
	lease(t, f.Queue).Abandon()
	lease(t, f.Queue).Abandon()
	// The span is there a moment after the job may be leased again.
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		got := of(t, spans, j.ID)
		if slices.Contains(got, "lost attempt lost failed") && slices.Contains(got, "queue running") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("got %q, want a lost attempt", got)
		}
	}
}

// TestSpanOfARepetition has an "enqueue" that names the job which is there.
func TestSpanOfARepetition(t *testing.T) {
	t.Parallel()
	f, spans := recorded(t, queue.Config{})
	n := newJob()
	n.IdempotencyKey = "key"
	j := enqueue(t, f.Queue, n)
	if again := enqueue(t, f.Queue, n); again.ID != j.ID || again.Trace != j.Trace {
		t.Errorf("got %+v, want %+v", again, j)
	}
	if got := of(t, spans, j.ID); len(got) != 2 || strings.Join(got, ",") != "enqueue succeeded,enqueue succeeded" {
		t.Errorf("got %q", got)
	}
}
