package daemon

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/config"
	"provery/internal/frontend/hosting/hostingtest"
	"provery/internal/httpapi/contracttest"
	"provery/internal/queue"
	"provery/internal/worker"
)

// TestMain is also the main function of the compiler's process.
func TestMain(m *testing.M) { hostingtest.Main(m, Languages()...) }

// patience bounds every wait of a test for something that will happen.
const patience = time.Minute

// setup says how a test's service differs from the default.
type setup struct {
	dir    string // "": a new one
	config func(*config.Config)
	before func(*Daemon) // called between New and Run
}

// rig is a running service with a client.
type rig struct {
	*Daemon
	t       *testing.T
	dir     string
	base    string
	cl      *client.Client
	http    *http.Client
	log     *logBuffer
	cancel  context.CancelFunc
	stopped chan error
	once    sync.Once
	mu      sync.Mutex
	broken  []error // exchanges that aren't as the OpenAPI document says
}

// configure returns the configuration of a test's service.
func configure(t *testing.T, o *setup) *config.Config {
	t.Helper()
	if o.dir == "" {
		o.dir = t.TempDir()
	}
	cfg := config.Default()
	cfg.Listen, cfg.DataDir = "127.0.0.1:0", o.dir
	cfg.Workers = config.Workers{Slots: 2, Threads: 1}
	if o.config != nil {
		o.config(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return &cfg
}

// start runs a service until the test ends or stop is called.
func start(t *testing.T, o setup) *rig {
	t.Helper()
	cfg := configure(t, &o)
	r := &rig{t: t, dir: o.dir, log: &logBuffer{}, stopped: make(chan error, 1)}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if r.Daemon, err = New(t.Context(), cfg, Build{Version: "test"}, log); err != nil {
		t.Fatal(err)
	}
	if o.before != nil {
		o.before(r.Daemon)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r.cancel = cancel
	go func() { r.stopped <- r.Run(ctx) }()
	r.base = "http://" + cmp.Or(r.Addr(), r.AdminAddr())
	r.http = &http.Client{Transport: r.contract()}
	if r.cl, err = client.New(r.base, client.WithHTTPClient(r.http), client.WithRetries(0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	return r
}

// stop stops the service and waits for its end.
func (r *rig) stop() {
	r.t.Helper()
	r.once.Do(func() {
		r.cancel()
		select {
		case err := <-r.stopped:
			if err != nil {
				r.t.Errorf("stop: got %v, want no error", err)
			}
		case <-time.After(patience):
			r.t.Error("the service didn't stop")
		}
		r.http.CloseIdleConnections()
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, err := range r.broken {
			r.t.Error(err)
		}
	})
}

// contract returns what holds all exchanges of a test against the OpenAPI
// document.
func (r *rig) contract() http.RoundTripper {
	r.t.Helper()
	c, err := contracttest.Service()
	if err != nil {
		r.t.Fatal(err)
	}
	return &contracttest.Transport{Base: &http.Transport{}, Contract: c, Host: r.Addr(), Report: func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.broken = append(r.broken, err)
	}}
}

// ctx returns a context that ends the test when something hangs.
func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	r.t.Cleanup(cancel)
	return ctx
}

// logBuffer collects a log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends to the log.
func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns the log so far.
func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// hold keeps the workers of a service from taking jobs until release is
// called. It is for setup.before.
type hold struct{ gate chan struct{} }

func newHold() *hold { return &hold{make(chan struct{})} }

func (h *hold) before(d *Daemon) {
	d.pool = worker.NewPool(d.poolConfig(), heldQueue{d.queue, h.gate}, d.proving())
}

func (h *hold) release() { close(h.gate) }

type heldQueue struct {
	*queue.Queue
	gate chan struct{}
}

// LeaseWith waits for the gate first.
func (q heldQueue) LeaseWith(ctx context.Context, o queue.LeaseOptions) (*queue.Lease, error) {
	select {
	case <-q.gate:
		return q.Queue.LeaseWith(ctx, o)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answer is a response as it came.
type answer struct {
	status int
	header http.Header
	body   string
}

// do makes a raw request.
func (r *rig) do(method, path, body string, header ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.ctx(), method, r.base+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

// metrics returns the text of /metrics.
func (r *rig) metrics() string { return r.do("GET", "/metrics", "").body }

// eventually asks again until the condition holds. Each call of it is a
// request, so that nothing spins.
func (r *rig) eventually(what string, condition func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !condition(); {
		if time.Now().After(end) {
			r.t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// wantProblem checks an error's code and, where path isn't "-", its path.
func wantProblem(t *testing.T, what string, err error, code api.Code, path string) *client.Error {
	t.Helper()
	var e *client.Error
	if !errors.As(err, &e) || e.Code != code || path != "-" && e.Path != path {
		t.Errorf("%s: got %v, want %s at %q", what, err, code, path)
		return &client.Error{}
	}
	return e
}

// compact returns JSON without white space.
func compact(t *testing.T, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// readAll returns the rest of a response and closes it.
func readAll(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// collect returns what an iterator yields, until its error.
func collect[T any](source iter.Seq2[T, error]) ([]T, error) {
	var out []T
	for v, err := range source {
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}
