package telemetry

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"provery/api"
)

// Metrics is a registry of its own with the metrics that every part of
// Provery shares. No label ever holds a value from a request.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	waiters  prometheus.Gauge
	phases   *prometheus.HistogramVec
	attempts *prometheus.CounterVec
}

// latencies are the bucket borders of durations, in seconds: proofs take
// from milliseconds to many minutes.
var latencies = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800}

// NewMetrics returns a new registry with the process's and Go's own metrics.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "provery_http_request_duration_seconds", Help: "Time to answer HTTP requests, by route and status.", Buckets: latencies,
		}, []string{"route", "status"}),
		waiters: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "provery_http_waiters", Help: "HTTP requests that wait for a proof.",
		}),
		phases: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "provery_proof_phase_duration_seconds", Help: "Time of each phase of successful attempts.", Buckets: latencies,
		}, []string{"scheme", "phase"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "provery_proof_attempts_total", Help: "Ended attempts, by outcome.",
		}, []string{"scheme", "outcome"}),
	}
	m.registry.MustRegister(m.requests, m.waiters, m.phases, m.attempts,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Register adds collectors of other packages. Two of the same name are an
// error.
func (m *Metrics) Register(cs ...prometheus.Collector) error {
	for _, c := range cs {
		if err := m.registry.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Gauge adds a gauge whose value is read when the metrics are.
func (m *Metrics) Gauge(name, help string, value func() float64) error {
	return m.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Handler serves the metrics in Prometheus's formats.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// ObserveRequest records one HTTP exchange. route is the pattern of the
// route, never the path.
func (m *Metrics) ObserveRequest(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}

// AddWaiters changes the number of waiting requests.
func (m *Metrics) AddWaiters(n int) { m.waiters.Add(float64(n)) }

// ObserveAttempt records one ended attempt, and its ledger if it succeeded.
func (m *Metrics) ObserveAttempt(scheme, outcome string, l *api.Ledger) {
	m.attempts.WithLabelValues(scheme, outcome).Inc()
	if l == nil {
		return
	}
	for phase, ms := range map[string]float64{
		PhaseQueue: l.Queue, PhaseLoad: l.Load, PhaseWitness: l.Witness, PhaseProve: l.Prove, PhaseCheck: l.Check,
	} {
		m.phases.WithLabelValues(scheme, phase).Observe(ms / 1000)
	}
}
