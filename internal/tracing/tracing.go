// Package tracing follows requests and jobs across processes with
// OpenTelemetry's spans.
//
// A span's context goes with a job's record and over HTTP as a W3C traceparent.
// Without a collector nothing is recorded, but contexts are passed on all the
// same: a client's trace reaches its webhook. What a span may say is listed in
// attributes.go; nothing of a request's arguments, outputs or labels is among it.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// scope names the instrumentation in spans.
const scope = "provery"

// flushTimeout bounds the sending of what is left when the process stops.
const flushTimeout = 5 * time.Second

// Config says where spans go. The standard variables of OpenTelemetry fill in
// what is absent; see settings.
type Config struct {
	// Endpoint is the collector's address. Empty: that of the environment; if
	// there is none either, nothing is recorded.
	Endpoint string
	// Ratio is the part of the traces begun here that are recorded, above 0.
	// 0: what the environment says, or all.
	Ratio float64

	Version, Role string // of this process
	Getenv        func(string) string
	// Observe is told how many spans were sent, or couldn't be. It may be nil.
	Observe func(spans int, sent bool)
	Log     *slog.Logger
}

// Tracing records spans and sends them to a collector, in the background: what
// can't be sent in time is dropped, and nobody waits for it.
type Tracing struct {
	provider *sdk.TracerProvider // nil: nothing is recorded
	kill     context.CancelFunc  // ends sending at once
}

// Open starts to record, if cfg or the environment names a collector. It isn't
// connected to before there is a span. Errors: InvalidRequest for what can't be
// understood.
func Open(ctx context.Context, cfg Config) (*Tracing, error) {
	s, err := read(&cfg)
	if err != nil || s.endpoint == "" {
		return &Tracing{}, err
	}
	out := newUploader(s, cfg.Log, cfg.Observe)
	exporter, err := otlptrace.New(ctx, out)
	if err != nil {
		return &Tracing{}, err
	}
	provider := sdk.NewTracerProvider(
		sdk.WithSampler(s.sampler), sdk.WithResource(describe(ctx, &cfg)), sdk.WithBatcher(exporter),
	)
	cfg.Log.Info("traces are recorded", "collector", s.shown, "sampler", s.sampler.Description())
	return &Tracing{provider, out.kill}, nil
}

// describe says what process the spans come from. OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES have the last word.
func describe(ctx context.Context, cfg *Config) *resource.Resource {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	r, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "provery"), attribute.String("service.version", cfg.Version),
		attribute.String("host.name", host), attribute.String("provery.role", cfg.Role),
	), resource.WithFromEnv())
	if err != nil { // what could be read is there
		cfg.Log.Warn("OTEL_RESOURCE_ATTRIBUTES can't be read", "error", fmt.Sprintf("%.200v", err))
	}
	return r
}

// On reports whether spans are recorded.
func (t *Tracing) On() bool { return t.provider != nil }

// Tracer begins spans. It is safe for concurrent use.
func (t *Tracing) Tracer() trace.Tracer {
	if t.provider == nil {
		return None()
	}
	return t.provider.Tracer(scope)
}

// None is a tracer that records nothing and passes contexts on.
func None() trace.Tracer { return noop.NewTracerProvider().Tracer(scope) }

// Close sends what is left, for some seconds at most.
func (t *Tracing) Close(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	flush, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	defer context.AfterFunc(flush, t.kill)() // then sending fails at once, and the rest is dropped
	err := t.provider.Shutdown(context.WithoutCancel(ctx))
	t.kill()
	return err
}
