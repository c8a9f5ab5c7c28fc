package telemetry

import (
	"math/bits"
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
	refusals *prometheus.CounterVec
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
			Name: "provery_proof_phase_duration_seconds", Help: "Time of each phase of attempts, by size class of the circuit.", Buckets: latencies,
		}, []string{"scheme", "class", "phase"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "provery_proof_attempts_total", Help: "Ended attempts, by outcome.",
		}, []string{"scheme", "outcome"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "provery_queue_refusals_total", Help: "Jobs that weren't accepted, by error code.",
		}, []string{"code"}),
	}
	m.registry.MustRegister(m.requests, m.waiters, m.phases, m.attempts, m.refusals,
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

// ObserveAttempt records one ended attempt, and its ledger if there is one.
// class is the circuit's SizeClass.
func (m *Metrics) ObserveAttempt(scheme, class, outcome string, l *api.Ledger) {
	m.attempts.WithLabelValues(scheme, outcome).Inc()
	if l == nil {
		return
	}
	for phase, ms := range map[string]float64{
		PhaseQueue: l.Queue, PhaseLoad: l.Load, PhaseWitness: l.Witness, PhaseProve: l.Prove, PhaseCheck: l.Check,
	} {
		m.phases.WithLabelValues(scheme, class, phase).Observe(ms / 1000)
	}
}

// SizeClass names the power of two that holds so many constraints: "2^17".
// Circuits have too many names for labels; their sizes are few, and most of
// what a proof takes follows from them.
func SizeClass(constraints int) string {
	return "2^" + strconv.Itoa(bits.Len(uint(max(constraints, 1)-1)))
}

// ObserveRefusal records a job that wasn't accepted.
func (m *Metrics) ObserveRefusal(code string) { m.refusals.WithLabelValues(code).Inc() }
