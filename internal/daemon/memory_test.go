package daemon

import (
	"strings"
	"testing"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/config"
	"provery/internal/worker"
)

// limitFor returns a setting of workers.memory that has room for n proofs of
// the size of those of mul.
func limitFor(r *rig, circuit *api.Circuit, n float64) config.Bytes {
	r.t.Helper()
	c, err := r.registry.Resolve(r.t.Context(), circuit.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	keys, err := r.registry.DefaultKeySet(c.ID, "")
	if err != nil {
		r.t.Fatal(err)
	}
	const arguments = 512 // bytes, sealed
	want := n * float64(r.costs.Need(c.ID, keys.ID, arguments).Bytes)
	limit := int64(want)
	for worker.ForJobs(limit) < int64(want) {
		limit += 1 << 10
	}
	return config.Bytes(limit)
}

// TestFailure07MemoryForOneProof is failure 7: memory for one proof at a time, and ten
// requests at once. All succeed, one after another.
func TestFailure07MemoryForOneProof(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	limit := limitFor(r, r.ready(mul), 1.5)
	r.stop()
	h := newHold()
	r = start(t, setup{dir: r.dir, before: h.before, config: func(c *config.Config) {
		c.Workers = config.Workers{Slots: 4, Threads: 1, Memory: limit}
	}})
	var ids []string
	for i := range uint64(10) {
		ids = append(ids, r.submit(times(i+2, 3)).ID)
	}
	h.release()
	type span struct{ from, to time.Time }
	var runs []span
	for i, id := range ids {
		p := r.finished(id)
		wantProduct(t, p, uint64(i)+2, 3)
		if len(p.Attempts) != 1 || p.Started == nil || p.Finished == nil {
			t.Fatalf("got %+v, want one attempt", p)
		}
		runs = append(runs, span{*p.Started, *p.Finished})
	}
	for i, a := range runs {
		for _, b := range runs[:i] {
			if a.from.Before(b.to) && b.from.Before(a.to) {
				t.Errorf("two proofs ran at the same time: %v to %v and %v to %v", a.from, a.to, b.from, b.to)
			}
		}
	}
	r.eventually("everything given back", func() bool {
		r.do("GET", "/healthz", "")
		bytes, threads := r.budget.Used()
		return bytes == 0 && threads == 0
	})
}

// TestNeverFits refuses a proof that no worker could make: at the request, and
// if it was accepted when there was more memory, by the worker.
func TestNeverFits(t *testing.T) {
	t.Parallel()
	h := newHold()
	r := start(t, setup{before: h.before})
	circuit := r.ready(mul)
	limit := limitFor(r, circuit, 0.5)
	accepted := r.submit(times(6, 7))
	r.stop()
	r = start(t, setup{dir: r.dir, config: func(c *config.Config) { c.Workers.Memory = limit }})
	for what, ask := range map[string]func() error{
		"a proof":               func() error { _, err := r.cl.Submit(r.ctx(), times(2, 3), client.SubmitOptions{}); return err },
		"one that was accepted": func() error { _, err := r.cl.Wait(r.ctx(), accepted.ID); return err },
	} {
		err := ask()
		if e := wantProblem(t, what, err, api.CodeUnsupported, "-"); !strings.Contains(e.Detail, "of memory, more than the") {
			t.Errorf("%s: got %v, want it to say why", what, err)
		}
	}
}

// TestLargerWorker leaves what doesn't fit into a worker to one into which it
// does.
func TestLargerWorker(t *testing.T) {
	t.Parallel()
	url, shared := natsServer(t), t.TempDir()
	front := start(t, as(config.RoleAPI, url, shared))
	limit := limitFor(front, front.ready(mul), 0.5)
	small := as(config.RoleWorker, url, shared)
	roles := small.config
	small.config = func(c *config.Config) { roles(c); c.Workers.Memory = limit }
	start(t, small)
	front.eventually("the small worker", func() bool { front.do("GET", "/healthz", ""); return worker.Largest(front.queue.Workers()) > 0 })
	_, err := front.cl.Submit(front.ctx(), times(2, 3), client.SubmitOptions{})
	wantProblem(t, "with the small worker only", err, api.CodeUnsupported, "-")
	large := start(t, as(config.RoleWorker, url, shared))
	front.eventually("the large worker", func() bool {
		front.do("GET", "/healthz", "")
		return worker.Largest(front.queue.Workers()) == large.budget.Capacity() && len(large.queue.Workers()) == 2
	})
	for i := range uint64(4) {
		wantProduct(t, front.prove(times(i+2, 5)), i+2, 5)
	}
}

// TestCostsAreLearned knows after a restart what proofs took.
func TestCostsAreLearned(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	c := r.ready(mul)
	r.prove(times(6, 7))
	digest, err := r.registry.Resolve(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := r.registry.DefaultKeySet(digest.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	e, ok := r.costs.Predict(digest.ID, keys.ID)
	if !ok || e.Proofs == 0 || e.Work <= 0 || e.Bytes <= 0 {
		t.Errorf("got %+v, %v, want what the proof took", e, ok)
	}
	if api, err := r.cl.Circuit(r.ctx(), "mul"); err != nil || len(api.KeySets) != 1 || api.KeySets[0].Estimate.MemoryBytes != e.Bytes || !api.KeySets[0].Estimate.Learned {
		t.Errorf("got %+v, %v, want the estimate in it", api, err)
	}
	r.stop()
	again := start(t, setup{dir: r.dir})
	if after, _ := again.costs.Predict(digest.ID, keys.ID); after != e {
		t.Errorf("after a restart: got %+v, want %+v", after, e)
	}
}
