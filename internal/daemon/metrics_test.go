package daemon

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"provery/api"
	"provery/client"
	"provery/internal/config"
	"provery/internal/tracing/tracingtest"
)

// exposed returns the sums of a service's own metrics over their labels. Of a
// histogram it is the number of observations.
func (r *rig) exposed() map[string]float64 {
	r.t.Helper()
	out := map[string]float64{}
	line := regexp.MustCompile(`(?m)^(provery_\w+)(?:\{.*\})? (\S+)$`)
	for _, m := range line.FindAllStringSubmatch(r.metrics(), -1) {
		name := m[1]
		if strings.HasSuffix(name, "_bucket") || strings.HasSuffix(name, "_seconds_sum") {
			continue
		}
		v, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			r.t.Fatal(err)
		}
		out[strings.TrimSuffix(name, "_count")] += v
	}
	return out
}

// documented returns the names in docs/metrics.md.
func documented(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(provery_[a-z_]+)` \\|").FindAllStringSubmatch(string(b), -1) {
		out = append(out, m[1])
	}
	return out
}

// TestMetrics lets every documented metric have something to tell: a name that
// is never set is worse than none.
func TestMetrics(t *testing.T) {
	t.Parallel()
	b, h := newBucket(t), newHold()
	r := start(t, setup{before: h.before, config: func(c *config.Config) {
		b.use(c)
		c.Tracing.Endpoint = tracingtest.New(t).URL
		c.Limits.MaxQueueJobs = 2
	}})
	r.ready(mul)
	first, second := r.submit(times(6, 7)), r.submit(times(2, 3))
	if _, err := r.cl.Submit(r.ctx(), times(4, 5), client.SubmitOptions{}); err == nil {
		t.Error("a third job was accepted")
	}
	waiting := r.exposed()
	for _, name := range []string{
		"provery_queue_queued_jobs", "provery_queue_waiting_jobs", "provery_queue_predicted_seconds", "provery_queue_queued_bytes",
		"provery_queue_oldest_wait_seconds", "provery_queue_refusals_total", "provery_build_info", "provery_workers_slots",
		"provery_workers_memory_bytes", "provery_blob_cache_bytes", "provery_blob_cache_capacity_bytes",
	} {
		if waiting[name] <= 0 {
			t.Errorf("%s is %v while jobs wait", name, waiting[name])
		}
	}
	h.release()
	r.finished(first.ID)
	r.finished(second.ID)
	bad := api.ProofRequest{Circuit: "mul", Arguments: []byte(`["1"]`)}
	_, _ = r.cl.Submit(r.ctx(), bad, client.SubmitOptions{})
	done := r.exposed()
	for _, name := range []string{
		"provery_http_request_duration_seconds", "provery_proof_attempts_total", "provery_proof_phase_duration_seconds",
		"provery_cache_bytes", "provery_cache_hits_total", "provery_cache_misses_total", "provery_queue_workers", "provery_blob_cache_hits_total",
	} {
		if done[name] <= 0 {
			t.Errorf("%s is %v after proofs", name, done[name])
		}
	}
	if done["provery_proof_phase_duration_seconds"] != 10 { // five phases of two proofs
		t.Errorf("got %v phases, want 10", done["provery_proof_phase_duration_seconds"])
	}
	want := documented(t)
	for _, name := range want {
		if _, ok := done[name]; !ok {
			t.Errorf("%s is documented and isn't there", name)
		}
	}
	for name := range done {
		if !slices.Contains(want, name) {
			t.Errorf("%s is there and isn't documented", name)
		}
	}
}

// TestProfiles are served where they are asked for, and only there.
func TestProfiles(t *testing.T) {
	t.Parallel()
	url, shared := natsServer(t), t.TempDir()
	start(t, as(config.RoleAPI, url, shared))
	plain := as(config.RoleWorker, url, shared)
	with := as(config.RoleWorker, url, shared)
	configure := with.config
	with.config = func(c *config.Config) { configure(c); c.AdminPprof = true }
	if a := start(t, plain).do("GET", "/debug/pprof/", ""); a.status != 404 {
		t.Errorf("got %d, want no profiles", a.status)
	}
	if a := start(t, with).do("GET", "/debug/pprof/goroutine?debug=1", ""); a.status != 200 || !strings.Contains(a.body, "goroutine profile") {
		t.Errorf("got %d, want a profile", a.status)
	}
}
