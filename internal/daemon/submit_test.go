package daemon

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/config"
	"provery/internal/fault"
	"provery/internal/httpapi"
)

func TestQueueFull(t *testing.T) {
	t.Parallel()
	h := newHold()
	r := start(t, setup{before: h.before, config: func(c *config.Config) { c.Limits.MaxQueueJobs = 2 }})
	r.ready(mul)
	first, second := r.submit(times(2, 3)), r.submit(times(4, 5))
	a := r.do("POST", "/v1/proofs", `{"circuit":"mul","arguments":["6","7"]}`)
	if a.status != 503 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, `"code":"overloaded"`) {
		t.Errorf("got %d %v %s, want 503 and Retry-After", a.status, a.header, a.body)
	}
	h.release()
	wantProduct(t, r.finished(first.ID), 2, 3)
	wantProduct(t, r.finished(second.ID), 4, 5)
	wantProduct(t, r.prove(times(6, 7)), 6, 7)
}

// TestFailure05Deadline lets a job expire, and shows that one that ended stays readable
// after its deadline (failure 5).
func TestFailure05Deadline(t *testing.T) {
	t.Parallel()
	h := newHold()
	r := start(t, setup{before: h.before})
	r.ready(mul)
	soon := time.Now().Add(3 * time.Second) // late enough to be accepted by a slow machine
	req := times(2, 3)
	req.Deadline = &soon
	p, err := r.cl.Submit(r.ctx(), req, client.SubmitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.cl.Wait(r.ctx(), p.ID)
	wantProblem(t, "expired", err, api.CodeDeadlineExceeded, "-")
	_, err = r.cl.Submit(r.ctx(), req, client.SubmitOptions{})
	wantProblem(t, "a deadline in the past", err, api.CodeInvalidRequest, "-")
	h.release()
	later := time.Now().Add(time.Hour)
	req.Deadline = &later
	done := r.prove(req)
	wantProduct(t, done, 2, 3)
	if done.Deadline == nil || done.Expires == nil {
		t.Errorf("got %+v, want deadline and expiry", done)
	}
}

// TestClientLeavesAtAcceptance has a client go away just before its job is
// accepted: who serves it gets to know the job, and so can cancel it.
func TestClientLeavesAtAcceptance(t *testing.T) {
	t.Parallel()
	s := newStuck()
	r := start(t, setup{before: s.before})
	r.ready(mul)
	ctx, leave := context.WithCancel(r.ctx())
	f := func() { leave() }
	s.onCheck.Store(&f)
	p, err := (&services{r.Daemon}).Submit(ctx, httpapi.Submission{Request: times(6, 7)})
	if err != nil || ctx.Err() == nil {
		t.Fatalf("got %v, want a job that was accepted", err)
	}
	wantProduct(t, r.finished(p.ID), 6, 7)
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	h := newHold()
	r := start(t, setup{before: h.before})
	r.ready(mul)
	o := client.SubmitOptions{IdempotencyKey: "order-17"}
	first, err := r.cl.Submit(r.ctx(), times(6, 7), o)
	if err != nil {
		t.Fatal(err)
	}
	spaced := times(6, 7)
	spaced.Arguments = json.RawMessage(` [ "6" , "7" ]`)
	for name, req := range map[string]api.ProofRequest{"same": times(6, 7), "with spaces": spaced} {
		if p, err := r.cl.Submit(r.ctx(), req, o); err != nil || p.ID != first.ID {
			t.Errorf("%s: got %+v, %v, want the first proof", name, p, err)
		}
	}
	labelled := times(6, 7)
	labelled.Labels = map[string]string{"a": "b"}
	for name, req := range map[string]api.ProofRequest{"other arguments": times(6, 8), "labels": labelled} {
		_, err := r.cl.Submit(r.ctx(), req, o)
		wantProblem(t, name, err, api.CodeConflict, "-")
	}
	h.release()
	wantProduct(t, r.finished(first.ID), 6, 7)
	if p, err := r.cl.Submit(r.ctx(), times(6, 7), o); err != nil || p.ID != first.ID || p.State != api.StateSucceeded {
		t.Errorf("after the end: got %+v, %v, want the finished proof", p, err)
	}
	if other, err := r.cl.Submit(r.ctx(), times(6, 7), client.SubmitOptions{IdempotencyKey: "order-18"}); err != nil || other.ID == first.ID {
		t.Errorf("another key: got %+v, %v, want another proof", other, err)
	}
}

// TestRequestHashNeedsTheKey shows that a request's hash can't be made without
// the service's key, and outlives a restart.
func TestRequestHashNeedsTheKey(t *testing.T) {
	t.Parallel()
	one, two := start(t, setup{}), start(t, setup{})
	hash := func(r *rig) string {
		d, err := (&services{r.Daemon}).requestHash(times(6, 7))
		if err != nil {
			t.Fatal(err)
		}
		return d.Hex()
	}
	first := hash(one)
	if first == hash(two) {
		t.Error("two services with keys of their own have the same hash")
	}
	one.stop()
	if again := start(t, setup{dir: one.dir}); hash(again) != first {
		t.Error("the hash changed with a restart")
	}
}

// TestUnsatisfied shows a failed assertion with its place, by both ways of
// asking.
func TestUnsatisfied(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	r.ready(fixture{"assertmsg", "bn128"})
	a := r.do("POST", "/v1/proofs", `{"circuit":"assertmsg","arguments":["4","5"]}`, "Prefer", "wait=60")
	if a.status != 422 || a.header.Get("Content-Type") != api.MediaTypeProblem || a.header.Get("Location") == "" {
		t.Errorf("got %d %v %s", a.status, a.header, a.body)
	}
	var problem api.Problem
	if err := json.Unmarshal([]byte(a.body), &problem); err != nil {
		t.Fatal(err)
	}
	if problem.Code != api.Code(fault.UnsatisfiedWitness) || !strings.Contains(problem.Detail, "values differ") ||
		problem.Position == nil || problem.Position.Line != 1 || problem.Retryable {
		t.Errorf("got %+v, want the assertion's message and position", problem)
	}
	p := r.submit(api.ProofRequest{Circuit: "assertmsg", Arguments: []byte(`["4","5"]`)})
	_, err := r.cl.Wait(r.ctx(), p.ID)
	wantProblem(t, "async", err, api.CodeUnsatisfiedWitness, "")
	if p, err := r.cl.Proof(r.ctx(), p.ID, 0); err != nil || p.State != api.StateFailed || len(p.Attempts) != 1 || p.Attempts[0].Outcome != "failed" {
		t.Errorf("got %+v, %v, want one failed attempt", p, err)
	}
}
