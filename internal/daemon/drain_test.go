package daemon

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"provery/api"
	"provery/internal/config"
	"provery/internal/httpapi"
	"provery/internal/queue"
)

// TestDrainNow takes a machine away: its worker hands back what it has, which
// counts as nothing, and another one proves it.
func TestDrainNow(t *testing.T) {
	t.Parallel()
	url, shared := natsServer(t), t.TempDir()
	process := func(role string) setup {
		o := as(role, url, shared)
		change := o.config
		o.config = func(c *config.Config) {
			change(c)
			c.DrainTimeout, c.Engine.Lease = time.Hour, time.Minute // neither ends by itself
		}
		return o
	}
	front := start(t, process(config.RoleAPI))
	front.ready(mul)
	s := newStuck()
	o := process(config.RoleWorker)
	o.before = s.before
	s.armed.Store(true)
	worker := start(t, o)
	p := front.submit(times(6, 7))
	get(t, "the running proof", s.entered)
	if a := worker.do("POST", "/drain", ""); a.status != http.StatusAccepted {
		t.Fatalf("got %d %s, want it to drain", a.status, a.body)
	}
	worker.eventually("/readyz to say so", func() bool { return worker.do("GET", "/readyz", "").status == http.StatusServiceUnavailable })
	if got, err := front.cl.Proof(front.ctx(), p.ID, 0); err != nil || got.State != api.StateRunning {
		t.Errorf("got %+v, %v, want it running: there is an hour to drain", got, err)
	}
	if a := worker.do("POST", "/drain?now=true", ""); a.status != http.StatusAccepted {
		t.Fatalf("got %d %s, want it to hand back", a.status, a.body)
	}
	get(t, "the end of the proof's context", s.ended)
	worker.stopped <- get(t, "the worker's end", worker.stopped) // which the test's end looks at
	start(t, process(config.RoleWorker))
	done := front.finished(p.ID)
	wantProduct(t, done, 6, 7)
	// Another place of the worker that was about to look for a job when it began to
	// drain may have got this one, and handed it back too.
	before := done.Attempts[:len(done.Attempts)-1]
	if len(before) == 0 || slices.ContainsFunc(before, func(a api.Attempt) bool { return a.Outcome != string(queue.OutcomeReleased) }) {
		t.Errorf("got %+v, want the attempts before the last one handed back", done.Attempts)
	}
}

// TestDrainIsForThisMachine refuses strangers, and web pages.
func TestDrainIsForThisMachine(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	a := httpapi.NewAdmin(&services{r.Daemon}, http.NotFoundHandler(), r.Daemon.log)
	a.OnDrain(func(bool) { t.Error("a stranger let it drain") })
	for name, change := range map[string]func(*http.Request){
		"another machine": func(r *http.Request) { r.RemoteAddr = "192.0.2.1:4711" },
		"no address":      func(r *http.Request) { r.RemoteAddr = "@" },
		"a web page":      func(r *http.Request) { r.RemoteAddr = "127.0.0.1:4711"; r.Header.Set("Origin", "https://example.com") },
	} {
		req := httptest.NewRequest("POST", "/drain?now=true", nil)
		change(req)
		w := httptest.NewRecorder()
		a.ServeHTTP(w, req)
		if w.Code != http.StatusForbidden {
			t.Errorf("%s: got %d, want 403", name, w.Code)
		}
	}
}
