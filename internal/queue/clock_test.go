package queue_test

import (
	"testing"
	"time"

	"provery/internal/queue"
)

// skewed opens the queue in a process whose clock is off by d.
func skewed(t *testing.T, f *fixture, d time.Duration) *queue.Queue {
	t.Helper()
	var c clock
	c.advance(d)
	cfg := f.cfg
	cfg.Now = c.now
	q, err := queue.Open(t.Context(), f.eng, f.blobs, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	return q
}

// TestWorkerWithABadClock lets workers whose clocks are an hour off, either
// way, meet deadlines, back-off, retention and each other.
func TestWorkerWithABadClock(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{SweepInterval: -1, Retention: 30 * time.Minute, PollInterval: 10 * time.Millisecond, LeaseTTL: 200 * time.Millisecond})
	for name, d := range map[string]time.Duration{"fast": time.Hour, "slow": -time.Hour} {
		bad := skewed(t, f, d)
		n := newJob()
		n.Deadline = time.Now().Add(30 * time.Minute)
		here, there := enqueue(t, f.Queue, n), enqueue(t, bad, n)
		if s, err := bad.Sweep(t.Context()); err != nil || s != (queue.Sweep{}) {
			t.Errorf("%s: swept %+v, %v, want nothing", name, s, err)
		}
		lease(t, bad).Abandon() // lost, and taken by the other
		for range 2 {
			if err := lease(t, f.Queue).Complete(t.Context(), queue.Result{}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, id := range []string{here.ID, there.ID} {
			if j := finished(t, bad, id); j.State != queue.Succeeded || time.Since(j.Created).Abs() > time.Minute || time.Since(j.Finished).Abs() > time.Minute {
				t.Errorf("%s: got %s, created %v, finished %v", name, j.State, j.Created, j.Finished)
			}
		}
		if s, err := bad.Sweep(t.Context()); err != nil || s != (queue.Sweep{}) {
			t.Errorf("%s: swept %+v, %v, want nothing: half an hour isn't over", name, s, err)
		}
		late := enqueue(t, bad, queue.NewJob{CircuitID: circuit, Deadline: time.Now().Add(2 * time.Second)})
		eventually(t, "the deadline has passed for all", func() bool {
			_, err := bad.Sweep(t.Context())
			return err == nil && job(t, f.Queue, late.ID).State == queue.Expired
		})
	}
}
