// Package daemon is the composition root: it builds the service's parts from
// the configuration, runs them, and stops them in order. It is the only
// package that knows everybody.
package daemon

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"provery/api"
	"provery/internal/config"
	"provery/internal/curve"
	"provery/internal/engine"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/frontend/circom"
	"provery/internal/frontend/zokrates"
	"provery/internal/httpapi"
	"provery/internal/queue"
	"provery/internal/registry"
	"provery/internal/scheme"
	"provery/internal/scheme/gm17"
	"provery/internal/scheme/groth16"
	"provery/internal/seal"
	"provery/internal/store"
	"provery/internal/store/cached"
	"provery/internal/store/s3"
	"provery/internal/telemetry"
	"provery/internal/tracing"
	"provery/internal/upload"
	"provery/internal/webhook"
	"provery/internal/worker"
)

// Build says what is running.
type Build struct {
	Version string
	Commit  string
}

// Kit returns the circuit languages and schemes of this release. Machine code of
// circuits is kept in cacheDir, unless that is empty.
func Kit(cacheDir string) (*worker.Kit, error) {
	kit := &worker.Kit{Frontends: []frontend.Frontend{zokrates.New(), circom.New(circom.Config{CacheDir: cacheDir})}}
	for _, newBackend := range []func(curve.ID) (scheme.Backend, error){groth16.New, gm17.New} {
		for _, id := range curve.All() {
			b, err := newBackend(id)
			if err != nil {
				return nil, err
			}
			kit.Backends = append(kit.Backends, b)
		}
	}
	return kit, nil
}

// Daemon is a built service.
type Daemon struct {
	cfg       *config.Config
	log       *slog.Logger
	build     Build
	started   time.Time
	kit       *worker.Kit
	blobs     store.Blobs
	bucket    *s3.Bucket            // nil where blobs are files
	copies    *cached.Store         // of the bucket's blobs
	free      func() (int64, error) // space on the blobs' disk
	engine    *engine.Engine
	queue     *queue.Queue
	registry  *registry.Registry
	ring      *seal.Keeper
	catalogue *worker.Catalogue
	registrar *worker.Registrar
	tools     *worker.Tools
	compilers map[string]worker.Compiler // by front-end
	compiling *worker.Compiling
	pool      *worker.Pool // nil in a process of the role api
	budget    *worker.Budget
	memory    int64              // that the process may take, 0: not known
	service   jetstream.KeyValue // what processes agree on; nil with the embedded engine
	costs     *worker.Costs
	// compilePool is nil where nothing is compiled.
	compilePool *worker.Pool
	metrics     *telemetry.Metrics
	tracing     *tracing.Tracing
	leave       sync.Once
	leaving     chan struct{} // closed by Drain
	estimates   estimates
	webhooks    atomic.Pointer[webhook.Dispatcher] // nil in a worker
	uploads     *upload.Store                      // nil in a worker
	handler     *httpapi.Server                    // nil in a worker, as is the listener
	listener    net.Listener
	admin       net.Listener              // nil if there is none
	starting    atomic.Pointer[api.Check] // why it isn't ready yet; nil once it is built
	// stopsServing makes the admin listener say that the process drains.
	stopsServing func()
	spool        string                        // this process's directory for files under way
	closers      []func(context.Context) error // run last to first
}

// New builds the service: it opens the stores, starts or connects to the
// engine, and listens. Nothing is served before Run. If it returns an error,
// everything that was opened is closed again.
func New(ctx context.Context, cfg *config.Config, build Build, log *slog.Logger) (_ *Daemon, err error) {
	d := &Daemon{cfg: cfg, log: log, build: build, started: time.Now(), metrics: telemetry.NewMetrics(), leaving: make(chan struct{}), stopsServing: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close(context.WithoutCancel(ctx)))
		}
	}()
	for _, step := range d.steps() {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if err := d.gauges(); err != nil {
		return nil, err
	}
	d.starting.Store(nil)
	return d, nil
}

func (d *Daemon) path(name string) string { return filepath.Join(d.cfg.DataDir, name) }

func (d *Daemon) onClose(f func(context.Context) error) { d.closers = append(d.closers, f) }

func (d *Daemon) openKit(context.Context) (err error) {
	d.kit, err = Kit(d.path("machine-code"))
	return err
}

func (d *Daemon) openQueue(ctx context.Context) error {
	weights := map[string]float64{}
	for _, k := range d.cfg.APIKeys {
		if k.Weight > 0 {
			weights[k.Name] = k.Weight
		}
	}
	err := d.await(ctx, "queue", func(ctx context.Context) (err error) {
		d.queue, err = queue.Open(ctx, d.engine, d.blobs, queue.Config{
			Replicas: d.cfg.Engine.Replicas, MaxQueued: d.cfg.Limits.MaxQueueJobs, MaxQueuedBytes: int64(d.cfg.Limits.MaxQueueBytes),
			Weights: weights, OwnerShare: d.cfg.Limits.OwnerShare,
			Retention: d.cfg.ResultTTL, LeaseTTL: d.cfg.Engine.Lease, Now: now, OnEnd: d.jobEnded, Tracer: d.tracing.Tracer(), Logger: d.log.With("part", "queue"),
		})
		return err
	})
	if err != nil {
		return err
	}
	d.onClose(func(context.Context) error { d.queue.Close(); return nil })
	return nil
}

func (d *Daemon) openRegistry(ctx context.Context) error {
	err := d.await(ctx, "registry", func(ctx context.Context) (err error) {
		d.registry, err = registry.Open(ctx, d.engine, d.blobs, registry.Config{Replicas: d.cfg.Engine.Replicas})
		return err
	})
	if err != nil {
		return err
	}
	d.onClose(func(context.Context) error { d.registry.Close(); return nil })
	return nil
}

// buildTools makes what registers circuits and keys, and what the API asks for
// outside of the queue.
func (d *Daemon) buildTools(context.Context) error {
	threads := runtime.GOMAXPROCS(0)
	d.registrar = worker.NewRegistrar(d.kit, d.registry, d.blobs, d.catalogue, threads)
	d.tools = worker.NewTools(d.kit, d.catalogue, threads)
	return nil
}

func (d *Daemon) openCatalogue(context.Context) error {
	d.catalogue = worker.NewCatalogue(d.kit, d.registry, int64(d.cfg.CacheBytes))
	d.onClose(func(context.Context) error { d.catalogue.Close(); return nil })
	d.costs = worker.NewCosts(d.kit, d.registry, runtime.GOMAXPROCS(0))
	return nil
}

func (d *Daemon) buildHandler(context.Context) (err error) {
	keys := make([]httpapi.APIKey, len(d.cfg.APIKeys))
	for i, k := range d.cfg.APIKeys {
		hash, err := hex.DecodeString(k.SHA256)
		if err != nil || copy(keys[i].Hash[:], hash) != len(keys[i].Hash) {
			return fault.New(fault.InvalidRequest, "api_keys: the hash of %s isn't 64 hex digits", k.Name)
		}
		keys[i].Name, keys[i].Admin, keys[i].Rate = k.Name, k.Admin, d.rate(k)
	}
	l := d.cfg.Limits
	s := &services{d}
	d.handler, err = httpapi.New(httpapi.Options{
		Services:    httpapi.Services{Circuits: s, Keys: s, Proofs: s, Batches: s, Jobs: s, Webhooks: s, Uploads: s, Tools: s, System: s, Compilations: s, Slots: s},
		ZoKratesAPI: d.zokratesAPI(), ProverServer: d.cfg.Facades.ProverServer.Enabled, Rapidsnark: d.cfg.Facades.Rapidsnark.Enabled,
		Frontends: d.frontends(), Version: d.build.Version, Keys: keys, Origins: d.cfg.Origins, Rate: d.rate(config.APIKey{}), SpoolDir: d.spool,
		Limits: httpapi.Limits{
			BodyBytes: int64(l.MaxBodyBytes), BatchBytes: int64(l.MaxBatchBytes), ArgumentsBytes: int64(l.MaxArgumentsBytes), UploadBytes: int64(l.MaxUploadBytes),
			Uploads: l.MaxUploads, Waiters: l.MaxWaiters, Wait: l.MaxWait, Sources: d.sourceLimits(),
		},
		Metrics: d.metrics.Handler(), Observer: d.metrics, Tracer: d.tracing.Tracer(), Log: d.log.With("part", "http"),
	})
	return err
}

func (d *Daemon) rate(k config.APIKey) httpapi.Rate {
	perSecond, burst := d.cfg.Limits.RateOf(k)
	return httpapi.Rate{PerSecond: perSecond, Burst: burst}
}

func (d *Daemon) listen(context.Context) (err error) {
	d.listener, err = d.listenOn("listen", d.cfg.Listen)
	return err
}

// listenOn opens a listener on the address of a setting.
func (d *Daemon) listenOn(setting, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, &fault.Error{Code: fault.InvalidRequest, Detail: setting + ": " + err.Error(), Err: err}
	}
	d.onClose(func(context.Context) error {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return l, nil
}

// Addr returns the address that the API listens on, "" if it doesn't.
func (d *Daemon) Addr() string { return addressOf(d.listener) }

// AdminAddr returns the address of the admin listener, "" if there is none.
func (d *Daemon) AdminAddr() string { return addressOf(d.admin) }

func addressOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

func (d *Daemon) frontends() []api.Frontend {
	var out []api.Frontend
	for _, f := range d.kit.Frontends {
		a := api.Frontend{Name: f.Name(), Compiler: d.compilerOf(f.Name())}
		for _, r := range f.Roles() {
			a.Roles = append(a.Roles, api.Role{Name: r.Name, Optional: r.Optional, Usage: r.Usage})
		}
		out = append(out, a)
	}
	return out
}
