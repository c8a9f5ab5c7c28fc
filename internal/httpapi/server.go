package httpapi

import (
	"cmp"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/rs/cors"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/source"
	"provery/internal/tracing"
)

// Options make a Server.
type Options struct {
	Services Services
	// ZoKratesAPI, if not nil, adds the routes of ZoKrates-API.
	ZoKratesAPI *ZoKratesAPI
	// ProverServer adds the routes of iden3's prover-server.
	ProverServer bool
	// Rapidsnark adds the routes of rapidsnark's proverServer. It needs Slots.
	Rapidsnark bool
	// Frontends are the circuit languages whose files can be uploaded.
	Frontends []api.Frontend
	// Version is the service's, for the OpenAPI document.
	Version string
	// Keys are the API keys. With none the API is open, and serves requests
	// to loopback hosts only.
	Keys []APIKey
	// Origins are those whose pages may use the API from a browser, such as
	// https://app.example, or AnyOrigin. They need Keys.
	Origins []string
	// Rate is for the callers of an open API together.
	Rate Rate
	// SpoolDir holds uploads while their request lasts. New makes it, with
	// mode 0700, and removes what an earlier process left there.
	SpoolDir string
	Limits   Limits
	// Metrics, if not nil, is served at /metrics.
	Metrics http.Handler
	// Observer, if not nil, is told of every exchange.
	Observer Observer
	// Tracer begins the spans of requests. Nil: none are recorded.
	Tracer trace.Tracer
	Log    *slog.Logger
}

// Limits bound what requests can make the server hold. Zero fields take the
// default.
type Limits struct {
	BodyBytes      int64         // of a JSON body; 16 MiB
	BatchBytes     int64         // of the body of a batch; 32 MiB. Uploads bounds their number
	ArgumentsBytes int64         // of a proof's arguments; 8 MiB
	UploadBytes    int64         // of one uploaded file; 4 GiB. A request holds at most twice that
	Uploads        int           // in progress; 4
	Waiters        int           // requests that wait for a proof; 1000
	Wait           time.Duration // of one of them; 2 minutes
	Sources        source.Limits // of a circuit to compile; 4 MiB, 1,000 files
}

func (l Limits) withDefaults() Limits {
	l.BodyBytes = cmp.Or(l.BodyBytes, 16<<20)
	l.BatchBytes = cmp.Or(l.BatchBytes, 32<<20)
	l.ArgumentsBytes = cmp.Or(l.ArgumentsBytes, 8<<20)
	l.UploadBytes = cmp.Or(l.UploadBytes, 4<<30)
	l.Uploads = cmp.Or(l.Uploads, 4)
	l.Waiters = cmp.Or(l.Waiters, 1000)
	l.Wait = cmp.Or(l.Wait, 2*time.Minute)
	l.Sources.Bytes = cmp.Or(l.Sources.Bytes, 4<<20)
	l.Sources.Files = cmp.Or(l.Sources.Files, 1000)
	l.Sources.Expanded = cmp.Or(l.Sources.Expanded, 16*l.Sources.Bytes)
	l.Sources.Entries = cmp.Or(l.Sources.Entries, 10*l.Sources.Files)
	return l
}

// Observer takes measurements of exchanges.
type Observer interface {
	// ObserveRequest is called at the end of each exchange. route is the
	// pattern of the route, never the path.
	ObserveRequest(route string, status int, took time.Duration)
	// AddWaiters changes the number of requests that wait for a proof.
	AddWaiters(n int)
}

// Server is the HTTP API as a handler. It is safe for concurrent use.
type Server struct {
	services  Services
	frontends []api.Frontend
	limits    Limits
	keys      []APIKey
	limiters  map[string]*rate.Limiter // by caller; those who have none are free
	log       *slog.Logger
	observer  Observer
	tracer    trace.Tracer
	spool     *spool
	mux       *routeMux
	api       huma.API
	public    map[string]bool          // paths that need no API key
	failures  map[string]failureWriter // of facades, by route
	origins   *http.CrossOriginProtection
	cors      *cors.Cors // nil where no other site's pages are let in
	waiters   chan struct{}
	uploads   chan struct{}
	drain     sync.Once
	draining  chan struct{} // closed when waiting requests should end
}

// New makes a server and its spool directory.
func New(o Options) (*Server, error) {
	spool, err := openSpool(o.SpoolDir)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "open spool directory")
	}
	limits := o.Limits.withDefaults()
	s := &Server{
		services: o.Services, frontends: o.Frontends, limits: limits, keys: o.Keys, limiters: newLimiters(&o),
		log: o.Log, observer: o.Observer, tracer: o.Tracer, spool: spool,
		mux:      newRouteMux(),
		public:   map[string]bool{},
		failures: map[string]failureWriter{},
		origins:  http.NewCrossOriginProtection(),
		waiters:  make(chan struct{}, limits.Waiters),
		uploads:  make(chan struct{}, limits.Uploads),
		draining: make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.tracer == nil {
		s.tracer = tracing.None()
	}
	if s.observer == nil {
		s.observer = noObserver{}
	}
	if err := s.allowOrigins(o.Origins); err != nil {
		return nil, err
	}
	installErrors()
	s.api = humago.New(s.mux, openAPIConfig(o.Version))
	describe(s.api.OpenAPI())
	s.circuitRoutes()
	s.keyRoutes()
	s.verifierRoute()
	s.proofRoutes()
	s.calldataRoute()
	s.batchRoutes()
	s.jobRoutes()
	s.webhookRoutes()
	s.pieceRoutes()
	s.toolRoutes()
	s.systemRoutes(o.Metrics)
	if o.ZoKratesAPI != nil {
		s.zokratesRoutes(*o.ZoKratesAPI)
	}
	if o.ProverServer {
		s.proverServerRoutes()
	}
	if o.Rapidsnark {
		s.rapidsnarkRoutes()
	}
	s.documentRoutes()
	return s, nil
}

// Drain makes requests that wait for a proof return its present state at
// once. Requests that come later don't wait.
func (s *Server) Drain() { s.drain.Do(func() { close(s.draining) }) }

// stopping reports whether the server drains.
func (s *Server) stopping() bool {
	select {
	case <-s.draining:
		return true
	default:
		return false
	}
}

// failureWriter writes a problem in the form of a facade.
type failureWriter func(w http.ResponseWriter, p *api.Problem)

type noObserver struct{}

func (noObserver) ObserveRequest(string, int, time.Duration) {}
func (noObserver) AddWaiters(int)                            {}

// writeJSON writes v as the response of a handler that bypasses huma.
func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = encodeJSON(w, v) // the client is gone: the access log has the status
}

func encodeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
