package daemon

import (
	"context"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"provery/internal/tracing"
)

// openTracing begins to record spans, if a collector is named. What is wrong
// with OpenTelemetry's variables, which a cluster may set for every process, is
// no reason not to prove.
func (d *Daemon) openTracing(ctx context.Context) (err error) {
	spans := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "provery_trace_spans_total", Help: "Spans for the collector, by what became of them.",
	}, []string{"outcome"})
	for _, outcome := range []string{"sent", "failed"} {
		spans.WithLabelValues(outcome) // so that it is there from the beginning
	}
	d.tracing, err = tracing.Open(ctx, tracing.Config{
		Endpoint: d.cfg.Tracing.Endpoint, Ratio: d.cfg.Tracing.Ratio, Version: d.build.Version, Role: d.cfg.Role, Getenv: os.Getenv,
		Observe: func(n int, sent bool) {
			outcome := "failed"
			if sent {
				outcome = "sent"
			}
			spans.WithLabelValues(outcome).Add(float64(n))
		},
		Log: d.log.With("part", "tracing"),
	})
	if err != nil {
		d.log.Warn("traces aren't recorded", "error", err)
	}
	if !d.tracing.On() {
		return nil
	}
	d.onClose(d.tracing.Close)
	return d.metrics.Register(spans)
}
