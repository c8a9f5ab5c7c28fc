package tracing

import (
	"context"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"provery/internal/fault"
)

// What spans may say. No key is for a client's own text.
const (
	KeyJob      = attribute.Key("provery.job.id")
	KeyKind     = attribute.Key("provery.job.kind")
	KeyPriority = attribute.Key("provery.job.priority")
	KeyBatch    = attribute.Key("provery.batch.id")
	KeyItems    = attribute.Key("provery.batch.items")
	KeyCircuit  = attribute.Key("provery.circuit.id")
	KeyScheme   = attribute.Key("provery.scheme")
	KeyCurve    = attribute.Key("provery.curve")
	KeySize     = attribute.Key("provery.circuit.size_class")
	KeyAttempt  = attribute.Key("provery.attempt")
	KeyWorker   = attribute.Key("provery.worker")
	KeyThreads  = attribute.Key("provery.threads")
	KeyOutcome  = attribute.Key("provery.outcome") // succeeded, an error code, or what became of a job
	KeyExisted  = attribute.Key("provery.existed") // an earlier request was the same
	KeyRequest  = attribute.Key("provery.request.id")
	KeySubject  = attribute.Key("provery.webhook.subject") // job or batch
	KeyTry      = attribute.Key("provery.webhook.try")
	KeyEvent    = attribute.Key("provery.webhook.event")
	KeyMethod   = attribute.Key("http.request.method")
	KeyRoute    = attribute.Key("http.route")
	KeyStatus   = attribute.Key("http.response.status_code")
)

// Succeeded is the outcome of what went well.
const Succeeded = "succeeded"

// Start begins a span under the context's, recorded where that one is.
func Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	return trace.SpanFromContext(ctx).TracerProvider().Tracer(scope).Start(ctx, name, options...)
}

// End ends a span with what came of it: of an error its code only, since its
// text may quote anything.
func End(s trace.Span, err error) {
	if err == nil {
		EndWith(s, Succeeded, false)
		return
	}
	EndWith(s, string(fault.CodeOf(err)), true)
}

// EndWith ends a span with an outcome, which is an error or not.
func EndWith(s trace.Span, outcome string, failed bool, options ...trace.SpanEndOption) {
	s.SetAttributes(KeyOutcome.String(outcome))
	if failed {
		s.SetStatus(codes.Error, outcome)
	}
	s.End(options...)
}

// Stages returns functions that make spans of steps which follow one another:
// enter ends the step before and begins one; end ends the last, which is where
// an error came from, if there is one. A step "a.b" is a part of the step "a".
func Stages(ctx context.Context) (enter func(name string), end func(error)) {
	s := &stages{}
	return func(name string) { s.enter(ctx, name) }, func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.end(err)
	}
}

// stages are the spans of the step under way.
type stages struct {
	mu     sync.Mutex
	step   string
	whole  trace.Span      // of the step; nil: none is under way
	inside context.Context // in which parts begin
	part   trace.Span      // of its part, nil if it has none
}

func (s *stages) enter(ctx context.Context, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	step, _, divided := strings.Cut(name, ".")
	if s.whole == nil || step != s.step {
		s.end(nil)
		s.step = step
		s.inside, s.whole = Start(ctx, step)
	}
	s.endPart(nil)
	if divided {
		_, s.part = Start(s.inside, name)
	}
}

func (s *stages) end(err error) {
	s.endPart(err)
	if s.whole != nil {
		End(s.whole, err)
		s.whole = nil
	}
}

func (s *stages) endPart(err error) {
	if s.part != nil {
		End(s.part, err)
		s.part = nil
	}
}
