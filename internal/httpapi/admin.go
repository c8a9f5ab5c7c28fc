package httpapi

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"provery/api"
)

// Admin serves what those who run the service want to know of a process:
// whether it lives, whether it can take work, and its metrics. It is apart
// from the API, needs no API key, and tells nothing about clients.
type Admin struct {
	system   System
	log      *slog.Logger
	mux      *http.ServeMux
	drain    sync.Once
	draining chan struct{}
}

// NewAdmin returns the handler of /healthz, /readyz and /metrics.
func NewAdmin(system System, metrics http.Handler, log *slog.Logger) *Admin {
	a := &Admin{system: system, log: log, mux: http.NewServeMux(), draining: make(chan struct{})}
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, "application/json", api.Health{Status: "ok"})
	})
	a.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ready := readiness(r.Context(), a.system, a.draining)
		writeJSON(w, readyStatus(ready), "application/json", ready)
	})
	a.mux.Handle("GET /metrics", metrics)
	return a
}

// Profile serves Go's profiles of the process below /debug/pprof/. They show
// code and sizes, never content, but cost time: it is for whom may ask for that.
func (a *Admin) Profile() {
	a.mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	a.mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	a.mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	a.mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}

// Drain makes /readyz say that the process is stopping.
func (a *Admin) Drain() { a.drain.Do(func() { close(a.draining) }) }

// Serve answers requests on l until ctx ends, and then for up to timeout those
// in progress. It closes l.
func (a *Admin) Serve(ctx context.Context, l net.Listener, timeout time.Duration) error {
	return serve(ctx, l, served{handler: a.mux, log: a.log, timeout: timeout, drain: a.Drain})
}

// readiness asks whether the process can take work; while it drains it can't.
func readiness(ctx context.Context, system System, draining <-chan struct{}) api.Readiness {
	ready := system.Ready(ctx)
	select {
	case <-draining:
		ready.Ready = false
		ready.Checks = append(ready.Checks, api.Check{Name: "draining", Detail: "the service is stopping"})
	default:
	}
	ready.Checks = orEmpty(ready.Checks)
	return ready
}

func readyStatus(r api.Readiness) int {
	if r.Ready {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}
