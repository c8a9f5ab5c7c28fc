package daemon

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/config"
)

// TestFailure01ConcurrentProofs is failure 1: it asks for many proofs of one circuit at once, with
// distinct inputs, by every way of waiting.
func TestFailure01ConcurrentProofs(t *testing.T) {
	t.Parallel()
	n := 200
	if testing.Short() {
		t.Log("-short: 12 proofs instead of 200")
		n = 12
	}
	r := start(t, setup{})
	r.ready(mul)
	stop := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() { // failure 2: the service answers meanwhile
		for {
			select {
			case <-stop:
				return
			default:
				r.wantStatusCalls()
			}
		}
	})
	var wg sync.WaitGroup
	for i := range uint64(n) {
		wg.Go(func() {
			a, b := 1000003+i, 2000003+7*i
			var p *api.Proof
			var err error
			if i%2 == 0 {
				p, err = r.cl.Prove(t.Context(), times(a, b))
			} else if p, err = r.cl.Submit(t.Context(), times(a, b), client.SubmitOptions{}); err == nil {
				p, err = r.cl.Wait(t.Context(), p.ID)
			}
			if err != nil {
				t.Errorf("%d·%d: %v", a, b, err)
				return
			}
			wantProduct(t, p, a, b)
			v, err := r.cl.Verify(t.Context(), api.VerifyRequest{Circuit: "mul", Proof: p.Result.Proof, PublicInputs: p.Result.PublicInputs})
			if err != nil || !v.Valid {
				t.Errorf("%d·%d: got %+v, %v, want it valid", a, b, v, err)
			}
		})
	}
	wg.Wait()
	close(stop)
	others.Wait()
}

// wantStatusCalls calls what must answer whatever the workers do.
func (r *rig) wantStatusCalls() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.t.Context()), patience)
	defer cancel()
	if _, err := r.cl.About(ctx); err != nil {
		r.t.Errorf("about: %v", err)
	}
	if _, err := r.cl.Queue(ctx); err != nil {
		r.t.Errorf("queue: %v", err)
	}
	if ready, err := r.cl.Ready(ctx); err != nil || !ready.Ready {
		r.t.Errorf("readyz: got %+v, %v", ready, err)
	}
	if _, err := r.cl.Circuit(ctx, "mul"); err != nil {
		r.t.Errorf("circuit: %v", err)
	}
	if _, err := r.cl.Proofs(ctx, api.ProofFilter{}, "", 5); err != nil {
		r.t.Errorf("proofs: %v", err)
	}
}

// TestFailure02StatusWhileBusy is failure 2 with every slot taken for good.
func TestFailure02StatusWhileBusy(t *testing.T) {
	t.Parallel()
	s := newStuck()
	r := start(t, setup{before: s.before})
	r.ready(mul)
	s.armed.Store(true)
	for i := range uint64(3) {
		r.submit(times(i+2, 3))
	}
	get(t, "the first proof", s.entered)
	get(t, "the second proof", s.entered)
	r.wantStatusCalls()
	q, err := r.cl.Queue(r.ctx())
	if err != nil || q.Running != 2 || q.Queued != 1 {
		t.Errorf("got %+v, %v, want 2 running and 1 queued", q, err)
	}
	running, err := r.cl.Proofs(r.ctx(), api.ProofFilter{State: api.StateRunning}, "", 0)
	if err != nil || len(running.Items) != 2 || running.Items[0].Stage != "witness" {
		t.Errorf("got %+v, %v, want 2 proofs in the stage witness", running, err)
	}
	queued, err := r.cl.Proofs(r.ctx(), api.ProofFilter{State: api.StateQueued}, "", 0)
	if err != nil || len(queued.Items) != 1 || queued.Items[0].Position == nil || *queued.Items[0].Position != 0 {
		t.Errorf("got %+v, %v, want the next one", queued, err)
	}
	for _, p := range append(running.Items, queued.Items...) {
		got, err := r.cl.Proof(r.ctx(), p.ID, 0)
		if err != nil || (got.StartsIn != nil) != (p.State == api.StateQueued) || got.StartsIn != nil && (*got.StartsIn < 0 || *got.StartsIn > 3600) {
			t.Errorf("got %+v, %v, want an estimate of the start of the queued one", got, err)
		}
	}
	s.release()
	for _, p := range append(running.Items, queued.Items...) {
		r.finished(p.ID)
	}
}

func TestFailure06CancelAndAskAgain(t *testing.T) {
	t.Parallel()
	s := newStuck()
	r := start(t, setup{before: s.before, config: func(c *config.Config) { c.Workers.Slots = 1 }})
	r.ready(mul)
	s.armed.Store(true)
	running, queued := r.submit(times(2, 3)), r.submit(times(4, 5))
	get(t, "the running proof", s.entered)
	if err := r.cl.Delete(r.ctx(), running.ID); client.CodeOf(err) != api.CodeConflict {
		t.Errorf("delete a running proof: got %v, want conflict", err)
	}
	for _, p := range []*api.Proof{queued, running} {
		for range 2 { // the second time changes nothing
			got, err := r.cl.Cancel(r.ctx(), p.ID)
			if err != nil || got.State != api.StateCancelled || got.Result != nil {
				t.Errorf("cancel: got %+v, %v", got, err)
			}
		}
		_, err := r.cl.Wait(r.ctx(), p.ID)
		wantProblem(t, "wait for a cancelled proof", err, api.CodeCanceled, "-")
	}
	get(t, "the end of the cancelled work", s.ended)
	s.release()
	again := r.prove(times(2, 3)) // the same request runs
	wantProduct(t, again, 2, 3)
	if got, err := r.cl.Cancel(r.ctx(), again.ID); err != nil || got.State != api.StateSucceeded || got.Result == nil {
		t.Errorf("cancel a finished proof: got %+v, %v, want it unchanged", got, err)
	}
	for _, id := range []string{queued.ID, running.ID, again.ID} {
		if err := r.cl.Delete(r.ctx(), id); err != nil {
			t.Errorf("delete: %v", err)
		}
		_, err := r.cl.Proof(r.ctx(), id, 0)
		wantProblem(t, "after deletion", err, api.CodeNotFound, "-")
	}
	_, err := r.cl.Cancel(r.ctx(), again.ID)
	wantProblem(t, "cancel a deleted proof", err, api.CodeNotFound, "-")
}

// TestFailure08ClientGoesAway is failure 8: with a single place for waiting requests.
func TestFailure08ClientGoesAway(t *testing.T) {
	t.Parallel()
	h := newHold()
	r := start(t, setup{before: h.before, config: func(c *config.Config) { c.Limits.MaxWaiters = 1 }})
	r.ready(mul)
	p := r.submit(times(6, 7))
	waiting, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := r.cl.Proof(waiting, p.ID, time.Minute)
		left <- err
	}()
	waiters := func(n string) func() bool {
		return func() bool { return strings.Contains(r.metrics(), "\nprovery_http_waiters "+n+"\n") }
	}
	r.eventually("a waiting request", waiters("1"))
	_, err := r.cl.Proof(r.ctx(), p.ID, time.Second)
	if e := wantProblem(t, "a second waiting request", err, api.CodeOverloaded, "-"); e.RetryAfter < 1 || e.Status != 503 {
		t.Errorf("got %+v, want 503 and Retry-After", e)
	}
	// A preference may be ignored: the work is accepted all the same.
	quick, err := r.cl.Submit(r.ctx(), times(8, 9), client.SubmitOptions{Wait: time.Minute})
	if err != nil || quick.State != api.StateQueued {
		t.Errorf("got %+v, %v, want it accepted", quick, err)
	}
	leave()
	if err := get(t, "the client's leave", left); err == nil {
		t.Error("the request outlived its client")
	}
	r.eventually("a free place", waiters("0"))
	h.release()
	wantProduct(t, r.finished(p.ID), 6, 7)
	wantProduct(t, r.finished(quick.ID), 8, 9)
}
