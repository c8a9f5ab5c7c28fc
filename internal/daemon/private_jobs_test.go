package daemon

import (
	"encoding/json"
	"fmt"
	"testing"

	"provery/api"
	"provery/client"
	"provery/internal/config"
	"provery/internal/fault"
)

// bury makes a dead letter of the job that waits alone: attempt after attempt
// ends with an error of the service's own, whose cause quotes the arguments, as
// a careless library might.
func (r *rig) bury(id, quoted string) {
	r.t.Helper()
	for {
		l, err := r.queue.Lease(r.ctx(), "careless")
		if err != nil || l.Job().ID != id {
			r.t.Fatalf("lease: %v", err)
		}
		failure := &fault.Error{Code: fault.Internal, Detail: "the prover failed", Err: fmt.Errorf("bad value %s", quoted)}
		if err := l.Fail(r.ctx(), failure); err != nil {
			r.t.Fatal(err)
		}
		j, err := r.queue.Job(r.ctx(), id)
		if err != nil {
			r.t.Fatal(err)
		}
		if j.Dead {
			return
		}
		if _, err := r.queue.Retry(r.ctx(), id); err != nil { // without the delay
			r.t.Fatal(err)
		}
	}
}

// TestFailure09NothingPrivateOfJobs is failure 9 for what lies around a proof:
// batches, dead letters and their new lives, cancelled jobs, events and
// webhooks, the pages of operators. The arguments of whatever has ended are
// erased, sealed as they were; a dead letter's are kept.
func TestFailure09NothingPrivateOfJobs(t *testing.T) {
	t.Parallel()
	h, hook := newHold(), newHooked(t)
	r := start(t, setup{before: h.before, config: func(c *config.Config) { withHooks(c); c.Workers.Slots = 1 }})
	r.ready(mul)
	r.ready(fixture{"assertmsg", "bn128"})
	ask := func(a, b string) api.ProofRequest {
		return api.ProofRequest{
			Circuit: "mul", Arguments: json.RawMessage(fmt.Sprintf(`[%q,%q]`, a, b)),
			Webhook: hook.URL, Labels: map[string]string{"mark": "control-4713"},
		}
	}
	dead := r.submit(ask(planted[0], "5"))
	r.bury(dead.ID, planted[0])
	if j, err := r.queue.Job(r.ctx(), dead.ID); err != nil || !j.Dead || j.Arguments == nil {
		t.Fatalf("got %+v, %v, want a dead letter with its arguments", j, err)
	}
	again := r.submit(ask(planted[1], "5"))
	r.bury(again.ID, planted[1])
	if _, err := r.cl.RetryJob(r.ctx(), again.ID); err != nil {
		t.Fatal(err)
	}
	cancelled := r.submit(ask(planted[2], "5"))
	if _, err := r.cl.Cancel(r.ctx(), cancelled.ID); err != nil {
		t.Fatal(err)
	}
	good := r.submitBatch(api.BatchRequest{Circuit: "mul", Webhook: hook.URL, Items: []api.BatchItem{
		{Arguments: ask(planted[0], "7").Arguments}, {Arguments: ask("0x"+number(planted[1]).Text(16), "7").Arguments},
	}})
	bad := r.submitBatch(api.BatchRequest{Circuit: "assertmsg", Webhook: hook.URL, Items: []api.BatchItem{
		{Arguments: ask(planted[0], planted[1]).Arguments}, {Arguments: ask(planted[2], planted[3]).Arguments},
	}})
	off := r.submitBatch(api.BatchRequest{Circuit: "mul", Items: []api.BatchItem{{Arguments: ask(planted[3], "9").Arguments}}})
	if _, err := r.cl.CancelBatch(r.ctx(), off.ID); err != nil {
		t.Fatal(err)
	}
	refused := fmt.Sprintf(`{"circuit":"mul","items":[{"arguments":["1","2"]},{"arguments":[%q]}]}`, planted[4])
	if a := r.do("POST", "/v1/batches", refused); a.status != 400 {
		t.Errorf("got %d, want 400", a.status)
	} else {
		wantNoTraces(t, "a refused batch", []byte(a.body))
	}
	r.wantNothingPrivate("while the jobs wait", "control-4713")
	h.release()

	for _, id := range []string{good.ID, bad.ID} {
		for p, err := range r.cl.BatchResults(r.ctx(), id, client.ItemsOptions{Wait: true}) {
			if err != nil {
				t.Fatal(err)
			}
			r.wantErased(p.ID)
		}
	}
	r.finished(again.ID)
	for _, id := range []string{again.ID, cancelled.ID} {
		r.wantErased(id)
	}
	// The dead letters (one twice over), the cancelled one, and two batches.
	for range 6 {
		_, got := hook.next(t)
		wantNoTraces(t, "webhook", got.body)
	}
	for _, path := range []string{
		"/v1/jobs", "/v1/jobs?dead=true", "/v1/jobs/" + dead.ID, "/v1/proofs/" + dead.ID + "/events", "/v1/jobs/" + again.ID + "/events", "/v1/webhooks",
		"/v1/batches/" + good.ID, "/v1/batches/" + bad.ID + "/items", "/v1/batches/" + bad.ID + "/results", "/v1/batches/" + bad.ID + "/events", "/v1/workers", "/metrics",
	} {
		a := r.do("GET", path, "")
		if a.status != 200 {
			t.Errorf("%s: got %d %s", path, a.status, a.body)
		}
		wantNoTraces(t, path, []byte(a.body))
	}
	r.wantNothingPrivate("after their end", "control-4713")
	r.stop()
	r.wantNothingPrivate("after the service's end", "control-4713")
}

// wantErased checks that a job has ended without its arguments.
func (r *rig) wantErased(id string) {
	r.t.Helper()
	j, err := r.queue.Job(r.ctx(), id)
	if err != nil || !j.State.Terminal() || j.Arguments != nil {
		r.t.Errorf("%s: got state %s, arguments %v, %v, want them erased", id, j.State, j.Arguments != nil, err)
	}
}
