package tracing

import (
	"context"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// w3c is the form in which contexts travel: https://www.w3.org/TR/trace-context/.
var w3c propagation.TraceContext

// traceparent is the header's name, and the one field that goes with a job: a
// vendor's tracestate ends at the queue.
const traceparent = "traceparent"

// Parent returns the context's span as a traceparent, "" if there is none.
func Parent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier[traceparent]
}

// WithParent returns a context in which spans begin under a traceparent. One
// that can't be read is passed over.
func WithParent(ctx context.Context, parent string) context.Context {
	return w3c.Extract(ctx, propagation.MapCarrier{traceparent: parent})
}

// FromHeader is WithParent for a request's headers.
func FromHeader(ctx context.Context, h http.Header) context.Context {
	return w3c.Extract(ctx, propagation.HeaderCarrier(h))
}

// ToHeader puts the context's span, if there is one, into a request's headers.
func ToHeader(ctx context.Context, h http.Header) { w3c.Inject(ctx, propagation.HeaderCarrier(h)) }

// ID is the context's trace for a line of the log. Without a trace it is the
// empty attribute, which loggers leave out.
func ID(ctx context.Context) slog.Attr {
	c := trace.SpanContextFromContext(ctx)
	if !c.HasTraceID() {
		return slog.Attr{}
	}
	return slog.String("trace_id", c.TraceID().String())
}
