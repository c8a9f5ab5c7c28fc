package daemon

import (
	"testing"
)

// gauge returns the value of a metric, all its labels together.
func (r *rig) gauge(name string) float64 {
	r.t.Helper()
	v, ok := r.exposed()[name]
	if !ok {
		r.t.Fatalf("no metric %s", name)
	}
	return v
}

// TestPredictedSeconds grows with what waits, and falls to nothing.
func TestPredictedSeconds(t *testing.T) {
	t.Parallel()
	h := newHold()
	r := start(t, setup{before: h.before})
	r.ready(mul)
	if got := r.gauge("provery_queue_predicted_seconds"); got != 0 {
		t.Errorf("got %v seconds of an empty queue", got)
	}
	first := r.submit(times(2, 3))
	one := r.gauge("provery_queue_predicted_seconds")
	second := r.submit(times(4, 5))
	if two := r.gauge("provery_queue_predicted_seconds"); one <= 0 || two != 2*one {
		t.Errorf("got %v seconds for one proof and %v for two", one, two)
	}
	h.release()
	r.finished(first.ID)
	r.finished(second.ID)
	if got := r.gauge("provery_queue_predicted_seconds"); got != 0 {
		t.Errorf("got %v seconds at the end", got)
	}
	if capacity, threads := r.gauge("provery_workers_memory_bytes"), r.gauge("provery_workers_threads"); capacity <= 0 || threads < 1 {
		t.Errorf("got %v bytes and %v threads for jobs", capacity, threads)
	}
	r.eventually("everything given back", func() bool {
		return r.gauge("provery_workers_memory_reserved_bytes") == 0 && r.gauge("provery_workers_threads_busy") == 0
	})
}
