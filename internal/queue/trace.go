package queue

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"provery/internal/tracing"
)

// The spans of a job stand under that of its acceptance, whose context is in the
// record: one "queue" for each time that it waited, and one "attempt" for each
// lease, which is the worker's. Of an attempt whose worker died this package
// tells, as "lost attempt".

// traceEnqueue begins the span of the acceptance of n.
func (q *Queue) traceEnqueue(ctx context.Context, n *NewJob, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	ctx, span := q.cfg.Tracer.Start(ctx, "enqueue", append(options, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		tracing.KeyJob.String(n.ID), tracing.KeyKind.String(n.Kind), tracing.KeyPriority.String(string(n.Priority)),
		tracing.KeyCircuit.String(n.CircuitID.String()),
	))...)
	n.trace = tracing.Parent(ctx)
	return ctx, span
}

// endEnqueue ends it. The job is another one if the request was a repetition.
func endEnqueue(span trace.Span, id string, existed bool, err error) {
	if existed {
		span.SetAttributes(tracing.KeyExisted.Bool(true), tracing.KeyJob.String(id))
	}
	tracing.End(span, err)
}

// traceItems gives each item of a batch a trace of its own, which is linked to
// the batch's: ten thousand proofs in one trace would help nobody. Whether it is
// recorded is decided anew for each.
func (q *Queue) traceItems(ctx context.Context, batch string, items []NewJob) {
	link := trace.LinkFromContext(ctx)
	for i := range items {
		_, span := q.traceEnqueue(ctx, &items[i], trace.WithNewRoot(), trace.WithLinks(link), trace.WithAttributes(tracing.KeyBatch.String(batch)))
		span.End()
	}
}

// traceStep tells of the step of a job from one state to another.
func (q *Queue) traceStep(from, to *record, e event) {
	if to.Trace == "" || from.State == to.State {
		return
	}
	ctx := tracing.WithParent(context.Background(), to.Trace)
	began := trace.WithTimestamp(from.Updated)
	ended := trace.WithTimestamp(to.Updated)
	attempt := []attribute.KeyValue{tracing.KeyJob.String(to.ID), tracing.KeyAttempt.Int(to.Attempt)}
	switch _, silent := e.(lost); {
	case from.State == Queued:
		_, span := q.cfg.Tracer.Start(ctx, "queue", began, trace.WithAttributes(attempt...))
		span.SetAttributes(tracing.KeyOutcome.String(string(to.State)))
		span.End(ended)
	case silent:
		worker := tracing.KeyWorker.String(to.Attempts[len(to.Attempts)-1].Worker)
		_, span := q.cfg.Tracer.Start(ctx, "lost attempt", began, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(append(attempt, worker)...))
		tracing.EndWith(span, string(OutcomeLost), true, ended)
	}
}
