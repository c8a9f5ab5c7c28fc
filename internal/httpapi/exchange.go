package httpapi

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/tracing"
)

const (
	// bodyTimeout bounds the reading of a JSON body.
	bodyTimeout = 30 * time.Second
	// writeTimeout bounds each write of a response. It counts from the
	// write, so that waits and long uploads don't use it up.
	writeTimeout = 30 * time.Second
	// discardTimeout bounds the reading of a body that no handler wanted.
	discardTimeout = 5 * time.Second
)

// exchange is what the layers of one request share.
type exchange struct {
	server  *Server
	id      string
	caller  Caller
	route   string
	request *http.Request
	writer  *writer
	start   time.Time
	span    trace.Span // nil before the request was let in, and of public paths
}

type exchangeKey struct{}

// exchangeOf returns the exchange of a request's context.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{server: s, id: r.Header.Get(api.HeaderRequestID), route: "none", start: time.Now()}
	if !requestID.MatchString(x.id) {
		x.id = "req_" + rand.Text()
	}
	x.writer = &writer{ResponseWriter: w, control: http.NewResponseController(w)}
	x.request = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	secure(w.Header())
	w.Header().Set(api.HeaderRequestID, x.id)
	defer x.end()
	x.serve()
}

// secure sets the headers that keep browsers from using an answer for
// anything but showing it.
func secure(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

func (x *exchange) serve() {
	s, r := x.server, x.request
	handler, pattern := s.mux.Handler(r)
	if pattern != "" {
		x.route = pattern
	}
	if s.preflight(x.writer, r) {
		return
	}
	caller, err := s.admit(r)
	if err != nil {
		if fault.Is(err, fault.Unauthenticated) {
			x.writer.Header().Set("WWW-Authenticate", `Bearer realm="provery"`)
		}
		x.fail(err)
		return
	}
	x.caller = caller
	if !s.public[r.URL.Path] {
		if err := s.limitRate(x); err != nil {
			x.fail(err)
			return
		}
	}
	if pattern == "" {
		x.noRoute(handler)
		return
	}
	s.mux.ServeHTTP(x.writer, x.traced(r))
}

// traced begins the span of a request that was let in, under the client's own
// if it names one. Probes and documents have none.
func (x *exchange) traced(r *http.Request) *http.Request {
	if x.server.public[r.URL.Path] {
		return r
	}
	ctx, span := x.server.tracer.Start(tracing.FromHeader(r.Context(), r.Header), x.route,
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(x.start),
		trace.WithAttributes(tracing.KeyRequest.String(x.id), tracing.KeyMethod.String(r.Method), tracing.KeyRoute.String(x.route)))
	x.request, x.span = r.WithContext(ctx), span
	return x.request
}

// endSpan ends it.
func (x *exchange) endSpan(status int) {
	if x.span == nil {
		return
	}
	x.span.SetAttributes(tracing.KeyStatus.Int(status))
	if status >= 500 {
		x.span.SetStatus(codes.Error, "")
	}
	x.span.End()
}

// noRoute answers a request that no pattern matches. The mux's handler knows
// whether it is the path or the method, but answers in plain text.
func (x *exchange) noRoute(handler http.Handler) {
	probe := &probe{header: http.Header{}}
	handler.ServeHTTP(probe, x.request)
	if probe.status == http.StatusMethodNotAllowed {
		x.writer.Header().Set("Allow", probe.header.Get("Allow"))
		x.fail(refuse(api.CodeMethodNotAllowed, "the path doesn't take this method"))
		return
	}
	x.fail(fault.New(fault.NotFound, "no such path; see /docs"))
}

// end logs the exchange, and turns a panic into a problem.
func (x *exchange) end() {
	if p := recover(); p != nil {
		x.recovered(p)
	}
	w, now := x.writer, time.Now()
	_ = w.control.SetReadDeadline(now.Add(discardTimeout))
	took := now.Sub(x.start)
	status := w.status
	switch {
	case x.request.Context().Err() != nil:
		status = statusClientGone
	case status == 0:
		status = http.StatusOK
	}
	x.server.observer.ObserveRequest(x.route, status, took)
	x.endSpan(status)
	level := slog.LevelInfo
	switch {
	case status >= 500:
		level = slog.LevelWarn
	case x.server.public[x.request.URL.Path]:
		level = slog.LevelDebug
	}
	host, _, _ := net.SplitHostPort(x.request.RemoteAddr)
	attrs := []slog.Attr{
		slog.String("request_id", x.id), slog.String("route", x.route), slog.Int("status", status),
		slog.Int64("bytes", w.bytes), slog.Duration("took", took),
		slog.String("caller", x.caller.Name), slog.String("remote", host), tracing.ID(x.request.Context()),
	}
	if made := w.Header().Get("Location"); made != "" { // leads from the request's id to the job's
		attrs = append(attrs, slog.String("made", made))
	}
	x.server.log.LogAttrs(context.WithoutCancel(x.request.Context()), level, "request", attrs...)
}

// statusClientGone is logged for a client that went away before the answer.
const statusClientGone = 499

// recovered answers a request whose handler panicked. The panic's text may
// hold anything, so only that of the runtime's own errors is logged, and the
// stack without arguments.
func (x *exchange) recovered(p any) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	text := "not shown"
	if err, ok := p.(runtime.Error); ok {
		text = err.Error()
	}
	incident := newIncident()
	x.server.log.Error("panic", "request_id", x.id, "incident", incident, "route", x.route, "panic", text, "stack", stack())
	if x.writer.status != 0 {
		panic(http.ErrAbortHandler) // too late for an answer: the client must not take half of one for whole
	}
	problem := refuse(api.CodeInternal, "something failed inside the service")
	problem.Incident = incident
	x.fail(problem)
}

// stack returns the callers of the function that panicked, without their
// arguments.
func stack() []string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	var lines []string
	for {
		f, more := frames.Next()
		lines = append(lines, f.Function+":"+strconv.Itoa(f.Line))
		if !more {
			return lines
		}
	}
}

// writer counts what is written, and gives each write its deadline.
type writer struct {
	http.ResponseWriter
	control *http.ResponseController
	status  int
	bytes   int64
}

// Unwrap lets http.ResponseController reach the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader records the status.
func (w *writer) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.extend()
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (w *writer) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.extend()
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// extend is best effort: test recorders have no deadlines.
func (w *writer) extend() { _ = w.control.SetWriteDeadline(time.Now().Add(writeTimeout)) }

// probe is a response that keeps header and status only.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(status int)      { p.status = status }
