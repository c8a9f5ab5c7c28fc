package daemon

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"provery/api"
	"provery/client"
	"provery/internal/config"
	"provery/internal/fault"
)

// natsServer runs a NATS server with JetStream and returns its address.
func natsServer(t *testing.T, users ...*server.User) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(), Users: users,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		t.Fatal("the NATS server isn't ready")
	}
	return s.ClientURL()
}

// as returns the setup of a process of a role, with the files that processes
// share in the directory shared.
func as(role, url, shared string) setup {
	return setup{config: func(c *config.Config) {
		c.Role, c.Engine.URL, c.AdminListen = role, url, "127.0.0.1:0"
		c.Engine.Lease = 2 * time.Second // so that they soon hear of each other
		c.BlobDir, c.SealKey = filepath.Join(shared, "blobs"), filepath.Join(shared, "seal.key")
		if role == config.RoleWorker {
			c.Listen = "" // has none
		}
	}}
}

// TestRoles runs requests and jobs in processes of their own, each with a data
// directory of its own.
func TestRoles(t *testing.T) {
	t.Parallel()
	url, shared := natsServer(t), t.TempDir()
	front := start(t, as(config.RoleAPI, url, shared))
	front.ready(mul)
	waiting := front.submit(times(6, 7))
	if about, err := front.cl.About(front.ctx()); err != nil || about.Workers != (api.Workers{}) || about.Engine != "external" {
		t.Errorf("got %+v, %v, want no workers in the process", about, err)
	}
	back := start(t, as(config.RoleWorker, url, shared))
	wantProduct(t, front.finished(waiting.ID), 6, 7)
	second := start(t, as(config.RoleAPI, url, shared))
	if c, err := second.cl.Circuit(second.ctx(), "mul"); err != nil || len(c.KeySets) != 1 {
		t.Errorf("got %+v, %v, want the circuit that the other process registered", c, err)
	}
	wantProduct(t, second.prove(times(8, 9)), 8, 9)
	back.stop()
	left := second.submit(times(2, 3))
	if p, err := second.cl.Proof(second.ctx(), left.ID, time.Second); err != nil || p.State != api.StateQueued {
		t.Errorf("got %+v, %v, want it queued: the worker has gone", p, err)
	}
	start(t, as(config.RoleWorker, url, shared))
	wantProduct(t, front.finished(left.ID), 2, 3)
}

// boundServer runs a NATS server whose user may use the subjects that
// docs/operations.md names, and more.
func boundServer(t *testing.T, more ...string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "The account needs the subjects")
	list, _, _ = strings.Cut(list, "\n\n")
	for i, word := range strings.Split(list, "`") {
		if i%2 == 1 {
			more = append(more, word)
		}
	}
	allow := &server.SubjectPermission{Allow: more}
	url := natsServer(t, &server.User{Username: "provery", Password: "x", Permissions: &server.Permissions{Publish: allow, Subscribe: allow}})
	return strings.Replace(url, "nats://", "nats://provery:x@", 1)
}

// TestSubjects runs the service with an account that may use the subjects which
// docs/operations.md names, and no others.
func TestSubjects(t *testing.T) {
	t.Parallel()
	o := as(config.RoleAll, boundServer(t), t.TempDir())
	change := o.config
	o.config = func(c *config.Config) {
		change(c)
		c.Webhooks.Secrets = []string{config.GenerateWebhookSecret()}
	}
	r := start(t, o)
	r.ready(mul)
	req := times(6, 7)
	req.Webhook = "https://127.0.0.1/" // refused when it is connected to
	wantProduct(t, r.finished(r.submit(req).ID), 6, 7)
	b, err := r.cl.SubmitBatch(r.ctx(), api.BatchRequest{Circuit: "mul", Items: []api.BatchItem{{Arguments: times(2, 3).Arguments}}}, "key")
	if err != nil {
		t.Fatal(err)
	}
	for p, err := range r.cl.BatchResults(r.ctx(), b.ID, client.ItemsOptions{Wait: true}) {
		if err != nil {
			t.Fatal(err)
		}
		wantProduct(t, p, 2, 3)
	}
}

// TestWorkerListens asks a worker for what it serves, and what it doesn't.
func TestWorkerListens(t *testing.T) {
	t.Parallel()
	url, shared := natsServer(t), t.TempDir()
	start(t, as(config.RoleAPI, url, shared))
	w := start(t, as(config.RoleWorker, url, shared))
	if w.Addr() != "" {
		t.Errorf("got an API at %s", w.Addr())
	}
	for path, want := range map[string]string{"/healthz": `"ok"`, "/readyz": `"ready":true`, "/metrics": "provery_queue_queued_jobs"} {
		if a := w.do("GET", path, ""); a.status != 200 || !strings.Contains(a.body, want) {
			t.Errorf("%s: got %d %s, want %s in it", path, a.status, a.body, want)
		}
	}
	if a := w.do("GET", "/v1/about", ""); a.status != 404 {
		t.Errorf("got %d, want no API", a.status)
	}
}

// TestSealKeyOfTheService refuses processes that would seal what others can't
// open, or can't open what others seal.
func TestSealKeyOfTheService(t *testing.T) {
	t.Parallel()
	url, shared := natsServer(t), t.TempDir()
	refused := func(what, role, dir, want string) {
		t.Helper()
		o := as(role, url, dir)
		cfg := configure(t, &o)
		d, err := New(t.Context(), cfg, Build{}, slog.New(slog.DiscardHandler))
		if err == nil {
			_ = d.close(t.Context())
		}
		if !fault.Is(err, fault.InvalidRequest) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", what, err, want)
		}
	}
	refused("a worker before any API", config.RoleWorker, t.TempDir(), "there is no sealing key at")
	front := start(t, as(config.RoleAPI, url, shared))
	used := front.ring.Primary().String()
	strange := t.TempDir()
	refused("a worker without the key", config.RoleWorker, strange, used)
	refused("an API without the key", config.RoleAPI, strange, used)
	if _, err := os.Stat(filepath.Join(strange, "seal.key")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want no key made", err)
	}
	other := start(t, setup{}) // a service of its own makes a key
	other.stop()
	refused("an API with another key", config.RoleAPI, other.dir, used)
}

// TestSpoolsApart lets processes share a data directory without taking away
// each other's uploads.
func TestSpoolsApart(t *testing.T) {
	t.Parallel()
	url, dir := natsServer(t), t.TempDir()
	o := as(config.RoleAPI, url, dir)
	o.dir = dir
	gone := filepath.Join(dir, "spool", "process-1")
	if err := os.MkdirAll(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * spoolAge)
	if err := os.Chtimes(gone, old, old); err != nil {
		t.Fatal(err)
	}
	first := start(t, o)
	if err := os.Chtimes(first.spool, old, old); err != nil {
		t.Fatal(err)
	}
	second := start(t, o)
	if first.spool == second.spool {
		t.Error("two processes have one spool directory")
	}
	for _, dir := range []string{first.spool, second.spool} {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("a process in work lost its directory: %v", err)
		}
	}
	if _, err := os.Stat(gone); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want the directory of a process that is gone removed", err)
	}
	first.stop()
	if left, _ := os.ReadDir(filepath.Join(dir, "spool")); len(left) != 1 {
		t.Errorf("got %v, want the other process's directory only", left)
	}
}
