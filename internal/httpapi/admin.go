package httpapi

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
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

// OnDrain serves POST /drain, which makes the process stop as a signal does, and
// with ?now=true hand back its jobs at once. Only this machine, or the pod that
// the process is in, may ask for that: it needs no API key.
func (a *Admin) OnDrain(drain func(now bool)) {
	a.mux.HandleFunc("POST /drain", func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		at, err := netip.ParseAddr(host)
		if err != nil || !at.Unmap().IsLoopback() || r.Header.Get("Origin") != "" {
			http.Error(w, "only this machine may ask for that", http.StatusForbidden)
			return
		}
		now := r.URL.Query().Get("now") == "true"
		a.log.Info("asked to drain", "now", now)
		drain(now)
		w.WriteHeader(http.StatusAccepted)
	})
}

// ServeHTTP answers one request.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// Drain makes /readyz say that the process is stopping.
func (a *Admin) Drain() { a.drain.Do(func() { close(a.draining) }) }

// Serve answers requests on l until ctx ends, and then for up to timeout those
// in progress. It closes l.
func (a *Admin) Serve(ctx context.Context, l net.Listener, timeout time.Duration) error {
	return serve(ctx, l, served{handler: a, log: a.log, timeout: timeout, drain: a.Drain})
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
