package daemon

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/config"
	"provery/internal/fault"
	"provery/internal/queue"
)

// TestHistory holds the marks of a job's events through every kind of life, and
// checks that no mark of an earlier state is lost or overtaken by a later one.
func TestHistory(t *testing.T) {
	t.Parallel()
	run := func(n int, o queue.Outcome) queue.Attempt { return queue.Attempt{Number: n, Outcome: o} }
	failed := &queue.Problem{Code: fault.Internal}
	for _, tc := range []struct {
		name string
		job  queue.Job
		want string
	}{
		{"queued", queue.Job{State: queue.Queued}, "1 queued"},
		{"running", queue.Job{State: queue.Running, Attempt: 1, Attempts: []queue.Attempt{run(1, "")}}, "1 queued, 4 running"},
		{"succeeded", queue.Job{State: queue.Succeeded, Attempt: 1, Attempts: []queue.Attempt{run(1, "succeeded")}}, "1 queued, 4 running, 5 succeeded final"},
		{"cancelled while it waits", queue.Job{State: queue.Cancelled}, "1 queued, 3 cancelled final"},
		{"cancelled while it runs", queue.Job{State: queue.Cancelled, Attempt: 1, Attempts: []queue.Attempt{run(1, "cancelled")}}, "1 queued, 4 running, 5 cancelled final"},
		{"waits again", queue.Job{State: queue.Queued, Attempt: 1, Attempts: []queue.Attempt{run(1, "lost")}}, "1 queued, 4 running, 5 queued (lost)"},
		{"expired after a failure", queue.Job{State: queue.Expired, Attempt: 1, Attempts: []queue.Attempt{run(1, "failed")}}, "1 queued, 4 running, 5 queued (failed), 7 expired final"},
		{"second attempt", queue.Job{State: queue.Running, Attempt: 2, Attempts: []queue.Attempt{run(1, "released"), run(2, "")}}, "1 queued, 4 running, 5 queued (released), 8 running"},
		{"dead", queue.Job{State: queue.Failed, Dead: true, Attempt: 1, Problem: failed, Attempts: []queue.Attempt{run(1, "failed")}}, "1 queued, 4 running, 5 failed final"},
		{"requeued", queue.Job{State: queue.Queued, Requeues: 1, Attempt: 1, Attempts: []queue.Attempt{run(1, "failed")}}, "1 queued, 4 running, 6 queued (requeued)"},
		{"requeued and running", queue.Job{State: queue.Running, Requeues: 1, Attempt: 2, Attempts: []queue.Attempt{run(1, "failed"), run(2, "")}}, "1 queued, 4 running, 5 queued (failed), 8 running"},
		{"requeued and cancelled", queue.Job{State: queue.Cancelled, Requeues: 1, Attempt: 1, Attempts: []queue.Attempt{run(1, "failed")}}, "1 queued, 4 running, 6 queued (failed), 7 cancelled final"},
	} {
		var got []string
		mark := 0
		for _, e := range history(&tc.job) {
			text := e.ID + " " + string(e.State)
			if e.Reason != "" {
				text += " (" + e.Reason + ")"
			}
			if e.Final {
				text += " final"
			}
			got = append(got, text)
			if markOf(e.ID) <= mark {
				t.Errorf("%s: mark %s after %d", tc.name, e.ID, mark)
			}
			mark = markOf(e.ID)
		}
		if strings.Join(got, ", ") != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, strings.Join(got, ", "), tc.want)
		}
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	ledger := func(load, witness, prove, check time.Duration) queue.Job {
		return queue.Job{Ledger: queue.Ledger{Phases: []queue.Phase{
			{Name: "queue", Duration: time.Hour}, {Name: "load", Duration: load}, {Name: "witness", Duration: witness},
			{Name: "prove", Duration: prove}, {Name: "prove.msm_a", Duration: prove / 2}, {Name: "check", Duration: check},
		}}}
	}
	s := time.Second
	// One cold load among warm ones doesn't count.
	times := timesOf([]queue.Job{ledger(0, 2*s, 6*s, s), ledger(50*s, 2*s, 6*s, s), ledger(0, 2*s, 6*s, s)})
	for _, tc := range []struct {
		stage   string
		elapsed time.Duration
		done    float64
		left    float64
		ok      bool
	}{
		{"load", time.Minute, 0, 9, true},
		{"witness", s, 1. / 9, 8, true},
		{"witness", time.Hour, 2. / 9, 7, true}, // longer than it used to: the rest is left
		{"prove.msm_a", 0, 5. / 9, 4, true},
		{"check", time.Hour, almost, 0, true},
		{"polish", 0, 0, 0, false},
	} {
		done, left, ok := times.at(tc.stage, tc.elapsed)
		if ok != tc.ok || done != tc.done || left != tc.left {
			t.Errorf("%s after %v: got %v, %v, %v, want %v, %v, %v", tc.stage, tc.elapsed, done, left, ok, tc.done, tc.left, tc.ok)
		}
	}
	var none *stageTimes
	if _, _, ok := none.at("load", 0); ok {
		t.Error("got an estimate from nothing")
	}
}

// TestProofEvents follows a proof from its acceptance to its end.
func TestProofEvents(t *testing.T) {
	t.Parallel()
	s := newStuck()
	r := start(t, setup{before: s.before, config: func(c *config.Config) { c.Workers.Slots = 1 }})
	r.ready(mul)
	wantProduct(t, r.prove(times(2, 3)), 2, 3) // makes an estimate possible
	s.armed.Store(true)
	first, second := r.submit(times(4, 5)), r.submit(times(6, 7))
	get(t, "the first proof", s.entered)
	var got []string
	for e, err := range r.cl.ProofEvents(r.ctx(), second.ID) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Job != second.ID || e.Kind != "proof" || e.Time.IsZero() {
			t.Errorf("got %+v", e)
		}
		if e.Type == api.EventState {
			got = append(got, e.ID+" "+string(e.State))
		}
		switch {
		case e.State == api.StateQueued:
			if e.Position == nil || *e.Position != 0 {
				t.Errorf("got position %v, want 0", e.Position)
			}
			s.release()
		case e.Type == api.EventProgress && e.Stage != "":
			if e.Progress == nil || *e.Progress < 0 || *e.Progress > almost || e.Remaining == nil || *e.Remaining < 0 {
				t.Errorf("stage %s: got progress %v and remaining %v, want an estimate", e.Stage, e.Progress, e.Remaining)
			}
		}
	}
	if want := "[1 queued 4 running 5 succeeded]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	r.finished(first.ID)
	// Who comes back after the end has nothing to come back for; who comes late
	// is told all.
	for last, want := range map[string]int{"5": http.StatusNoContent, "4": http.StatusOK, "x": http.StatusOK} {
		a := r.do("GET", "/v1/jobs/"+first.ID+"/events", "", api.HeaderLastEventID, last)
		if a.status != want || (want == http.StatusOK) != strings.Contains(a.body, `"state":"succeeded","final":true`) {
			t.Errorf("after %q: got %d %s, want %d", last, a.status, a.body, want)
		}
	}
}

// TestEventsOutliveTheService follows a proof through a restart: the ids are
// the same, and no change is told twice.
func TestEventsOutliveTheService(t *testing.T) {
	t.Parallel()
	h := newHold()
	r := start(t, setup{before: h.before})
	r.ready(mul)
	p := r.submit(times(6, 7))
	first := r.http
	req, err := http.NewRequestWithContext(r.ctx(), "GET", r.base+p.Links.Events, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := first.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	r.stop() // ends the stream cleanly
	buf := new(strings.Builder)
	if _, err := fmt.Fprint(buf, readAll(t, res)); err != nil || !strings.Contains(buf.String(), "id: 1\n") || strings.Contains(buf.String(), "id: 3\n") {
		t.Errorf("got %q, %v, want the stream to end after the first event", buf, err)
	}
	again := start(t, setup{dir: r.dir})
	a := again.do("GET", p.Links.Events, "", api.HeaderLastEventID, "1")
	if a.status != 200 || strings.Contains(a.body, "id: 1\n") || !strings.Contains(a.body, "id: 4\n") || !strings.Contains(a.body, "id: 5\n") {
		t.Errorf("got %d %s, want what came after", a.status, a.body)
	}
}

// TestOwners keeps what belongs to one API key from another.
func TestOwners(t *testing.T) {
	t.Parallel()
	keys := map[string]string{}
	r := start(t, setup{config: func(c *config.Config) {
		for _, name := range []string{"alice", "bob", "root"} {
			key, hash := config.GenerateKey()
			keys[name] = key
			c.APIKeys = append(c.APIKeys, config.APIKey{Name: name, SHA256: hash, Admin: name == "root"})
		}
	}})
	as := func(name string) *client.Client {
		c, err := client.New(r.base, client.WithHTTPClient(r.http), client.WithAPIKey(keys[name]), client.WithRetries(0))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	r.cl = as("root")
	r.ready(mul)
	p, err := as("alice").Prove(r.ctx(), times(6, 7))
	if err != nil {
		t.Fatal(err)
	}
	for name, mine := range map[string]bool{"alice": true, "root": true, "bob": false} {
		c, ctx := as(name), r.ctx()
		for what, call := range map[string]func(context.Context) error{
			"proof":      func(ctx context.Context) error { _, err := c.Proof(ctx, p.ID, 0); return err },
			"wait":       func(ctx context.Context) error { _, err := c.Proof(ctx, p.ID, time.Second); return err },
			"cancel":     func(ctx context.Context) error { _, err := c.Cancel(ctx, p.ID); return err },
			"calldata":   func(ctx context.Context) error { _, err := c.Calldata(ctx, p.ID); return err },
			"job":        func(ctx context.Context) error { _, err := c.Job(ctx, p.ID, 0); return err },
			"cancel job": func(ctx context.Context) error { _, err := c.CancelJob(ctx, p.ID); return err },
			"events":     func(ctx context.Context) error { _, err := collect(c.ProofEvents(ctx, p.ID)); return err },
		} {
			if err := call(ctx); (err == nil) != mine || !mine && client.CodeOf(err) != api.CodeNotFound {
				t.Errorf("%s: %s: got %v", name, what, err)
			}
		}
		page, err := c.Jobs(ctx, api.JobFilter{}, "", 0)
		proofs, perr := c.Proofs(ctx, api.ProofFilter{}, "", 0)
		if err != nil || perr != nil || (len(page.Items) == 1) != mine || len(proofs.Items) != len(page.Items) {
			t.Errorf("%s: got %+v, %v, %v", name, page, err, perr)
		}
		if mine && page.Items[0].Owner != "alice" {
			t.Errorf("got owner %q, want alice", page.Items[0].Owner)
		}
		workers, err := c.Workers(ctx)
		if err != nil || len(workers) != 1 || workers[0].Slots != 2 || !workers[0].Self {
			t.Errorf("%s: got %+v, %v, want this process", name, workers, err)
		}
	}
	if err := as("bob").DeleteJob(r.ctx(), p.ID); client.CodeOf(err) != api.CodeNotFound {
		t.Errorf("bob deletes: got %v", err)
	}
	if err := as("alice").DeleteJob(r.ctx(), p.ID); err != nil {
		t.Errorf("alice deletes: got %v", err)
	}
}

// TestShares answers 429 to the key whose own share of the queue is full, while
// others are still served, and 503 when the queue is.
func TestShares(t *testing.T) {
	t.Parallel()
	keys := map[string]string{}
	h := newHold()
	r := start(t, setup{before: h.before, config: func(c *config.Config) {
		c.Limits.MaxQueueJobs, c.Limits.OwnerShare = 4, 0.5
		for _, name := range []string{"alice", "bob", "carol"} {
			key, hash := config.GenerateKey()
			keys[name] = key
			c.APIKeys = append(c.APIKeys, config.APIKey{Name: name, SHA256: hash, Weight: 2})
		}
	}})
	as := func(name string) *client.Client {
		c, err := client.New(r.base, client.WithHTTPClient(r.http), client.WithAPIKey(keys[name]), client.WithRetries(0))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	r.cl = as("alice")
	r.ready(mul)
	for i, tc := range []struct {
		name string
		want api.Code
	}{{"alice", ""}, {"alice", ""}, {"alice", api.CodeRateLimited}, {"bob", ""}, {"bob", ""}, {"carol", api.CodeOverloaded}} {
		_, err := as(tc.name).Submit(r.ctx(), times(2, 3), client.SubmitOptions{})
		if tc.want == "" {
			if err != nil {
				t.Errorf("request %d of %s: %v", i, tc.name, err)
			}
			continue
		}
		if e := wantProblem(t, tc.name, err, tc.want, "-"); e.RetryAfter < 1 || e.Status != map[api.Code]int{api.CodeRateLimited: 429, api.CodeOverloaded: 503}[tc.want] {
			t.Errorf("request %d: got %+v, want Retry-After", i, e)
		}
	}
	h.release()
}
