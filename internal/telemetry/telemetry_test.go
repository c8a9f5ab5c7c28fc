package telemetry_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/telemetry"
)

func TestNewLogger(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"text": `level=INFO msg=hello a=1`, "json": `"level":"INFO","msg":"hello","a":1`} {
		var b bytes.Buffer
		log, err := telemetry.NewLogger(&b, slog.LevelInfo, format)
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("hidden")
		log.Info("hello", "a", 1)
		if got := b.String(); !strings.Contains(got, want) || strings.Contains(got, "hidden") {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
	}
	if _, err := telemetry.NewLogger(io.Discard, slog.LevelInfo, "xml"); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("got %v, want invalid_request", err)
	}
}

// clock is a clock that is set by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func (c *clock) add(ms float64) { c.at = c.at.Add(time.Duration(ms * float64(time.Millisecond))) }

func TestLedger(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := &clock{start}
	timer := telemetry.NewTimer(c.now, start)
	for _, step := range []struct {
		took float64
		next string
	}{
		{100, telemetry.PhaseLoad}, {5, telemetry.PhaseWitness}, {20.5, telemetry.PhaseProve}, {1, "prove.quotient"}, {2, "prove.msm_a"},
		{4, telemetry.PhaseCheck}, {0.25, "other"},
	} {
		c.add(step.took)
		timer.Enter(step.next)
	}
	timer.Observe(7)
	timer.Observe(3)
	c.add(10)
	timer.Stop()
	c.add(1000)
	timer.Enter(telemetry.PhaseProve)
	timer.Stop()
	want := api.Ledger{
		Queue: 100, Load: 5, Witness: 20.5, Prove: 7, Check: 0.25, Total: 142.75, PeakMemoryBytes: 7,
		Stages: []api.Stage{{Name: "prove.quotient", Milliseconds: 2}, {Name: "prove.msm_a", Milliseconds: 4}},
	}
	if got := timer.Ledger(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestLedgerOfSkewedClocks has a job that was accepted on a machine whose
// clock is ahead.
func TestLedgerOfSkewedClocks(t *testing.T) {
	t.Parallel()
	c := &clock{time.Unix(1000, 0)}
	timer := telemetry.NewTimer(c.now, time.Unix(4600, 0))
	timer.Enter(telemetry.PhaseLoad)
	c.add(-50)
	timer.Stop()
	if got := timer.Ledger(); got.Queue != 0 || got.Load != 0 || got.Total != 0 {
		t.Errorf("got %+v, want no negative times", got)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics()
	m.ObserveRequest("POST /v1/proofs", 202, 20*time.Millisecond)
	m.AddWaiters(2)
	m.AddWaiters(-1)
	m.ObserveAttempt("groth16", "2^17", "succeeded", &api.Ledger{Prove: 1500})
	m.ObserveRefusal("overloaded")
	m.ObserveAttempt("groth16", "2^17", "failed", nil)
	if err := m.Gauge("provery_queue_jobs", "Waiting jobs.", func() float64 { return 3 }); err != nil {
		t.Fatal(err)
	}
	if err := m.Gauge("provery_queue_jobs", "Waiting jobs.", func() float64 { return 4 }); err == nil {
		t.Error("a second gauge of the same name was taken")
	}
	if err := m.Register(prometheus.NewCounter(prometheus.CounterOpts{Name: "other_total", Help: "Other."})); err != nil {
		t.Error(err)
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`provery_http_request_duration_seconds_count{route="POST /v1/proofs",status="202"} 1`,
		`provery_http_waiters 1`, `provery_queue_jobs 3`, `other_total 0`, `go_goroutines`,
		`provery_proof_attempts_total{outcome="failed",scheme="groth16"} 1`,
		`provery_proof_phase_duration_seconds_sum{class="2^17",phase="prove",scheme="groth16"} 1.5`,
		`provery_queue_refusals_total{code="overloaded"} 1`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %q in\n%s", want, w.Body)
		}
	}
}

func TestSizeClass(t *testing.T) {
	t.Parallel()
	for constraints, want := range map[int]string{0: "2^0", 1: "2^0", 2: "2^1", 3: "2^2", 4: "2^2", 131072: "2^17", 131073: "2^18"} {
		if got := telemetry.SizeClass(constraints); got != want {
			t.Errorf("%d constraints: got %s, want %s", constraints, got, want)
		}
	}
}
