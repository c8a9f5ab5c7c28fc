// Package webhook tells clients by HTTP when their jobs and batches have ended.
//
// A webhook is recorded, with its address sealed, before its job is accepted,
// and stays until it was delivered or given up: after a crash of any process
// another goes on. Deliveries are at least once; the receiver tells repetitions
// by the event's id. Requests are signed as Standard Webhooks asks for
// (https://www.standardwebhooks.com), never follow redirects, and reach private
// addresses only where the configuration allows that, which is checked on the
// address that is connected to.
//
// Several processes share the work by compare-and-swap on the records.
package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"

	"provery/internal/fault"
	"provery/internal/tracing"
)

// Config configures a Dispatcher. The zero value of a field means its default,
// where one is named.
type Config struct {
	// Namespace separates dispatchers that share an engine. Default: provery.
	Namespace string
	// Replicas is how many servers of a cluster hold each record. Default: 1.
	Replicas int

	// AllowPrivate lets webhooks reach addresses that aren't public ones.
	AllowPrivate bool
	// AllowHTTP lets them go unencrypted.
	AllowHTTP bool
	// Secrets returns the secrets that sign an owner's webhooks; each makes a
	// signature of its own, so that a receiver can change over. An owner
	// without any can't have webhooks.
	Secrets func(owner string) [][]byte

	Timeout     time.Duration // of one delivery. Default: 10 s
	Backoff     time.Duration // after the first failure; it doubles with each. Default: 5 s
	MaxBackoff  time.Duration // Default: 1 h
	MaxAge      time.Duration // after the event, when it is given up. Default: 24 h
	Retention   time.Duration // how long the log of one that is done can be read. Default: 24 h
	Concurrency int           // deliveries at a time. Default: 32
	PerOwner    int           // those of one owner, whose receivers may be slow. Default: a quarter of them

	// Resolver finds addresses. Default: net.DefaultResolver.
	Resolver Resolver
	// Tracer begins the spans of deliveries. Default: none are recorded.
	Tracer trace.Tracer
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Logger never gets an address. Default: slog.DiscardHandler.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Namespace = cmp.Or(c.Namespace, "provery")
	c.Replicas = cmp.Or(c.Replicas, 1)
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.Backoff = cmp.Or(c.Backoff, 5*time.Second)
	c.MaxBackoff = cmp.Or(c.MaxBackoff, time.Hour)
	c.MaxAge = cmp.Or(c.MaxAge, 24*time.Hour)
	c.Retention = cmp.Or(c.Retention, 24*time.Hour)
	c.Concurrency = cmp.Or(c.Concurrency, 32)
	c.PerOwner = cmp.Or(c.PerOwner, max(1, c.Concurrency/4))
	if c.Secrets == nil {
		c.Secrets = func(string) [][]byte { return nil }
	}
	if c.Tracer == nil {
		c.Tracer = tracing.None()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Event is the end of a job or batch.
type Event struct {
	Time    time.Time
	Attempt int             // of the job: a later end has a higher one
	Type    string          // such as proof.succeeded
	Body    json.RawMessage // what is delivered; it holds nothing private
}

// Source knows how jobs and batches stand.
type Source interface {
	// Ended returns the end of a job or batch; ok is false before it.
	// fault.NotFound where there is none of that id.
	Ended(ctx context.Context, subject string) (e Event, ok bool, err error)
}

// Sealer encrypts addresses.
type Sealer interface {
	Seal(id, purpose string, content []byte) []byte
	Open(id, purpose string, sealed []byte) ([]byte, error)
}

// Dispatcher records and delivers webhooks. Its methods may be called
// concurrently.
type Dispatcher struct {
	cfg    Config
	source Source
	sealed Sealer
	kv     jetstream.KeyValue
	http   *http.Client

	mu      sync.Mutex
	hooks   map[string]*hook // by subject
	agenda  agenda
	busy    map[string]int      // hooks in use, by owner
	aside   map[string][]string // hooks whose time has come and whose owner has no place, in that order
	signal  chan struct{}
	stop    context.CancelFunc
	watcher jetstream.KeyWatcher
	tasks   sync.WaitGroup
}

// hook is a record with what this process knows of it.
type hook struct {
	record
	rev   uint64
	due   time.Time // when to look at it, by this process's clock; zero: not by itself
	inUse bool      // somebody here works on it
	aside bool      // it waits for a place of its owner's
	again bool      // the job ended once more while its last end was pending
}

// JetStream is what the dispatcher needs of the job engine.
type JetStream interface{ JetStream() jetstream.JetStream }

// Open opens the webhooks of cfg.Namespace. Nothing is delivered before Start.
// ctx bounds the call only. Close it before the engine.
func Open(ctx context.Context, eng JetStream, source Source, sealed Sealer, cfg Config) (*Dispatcher, error) {
	cfg = cfg.withDefaults()
	kv, err := eng.JetStream().CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: cfg.Namespace + "-webhooks", Description: "webhooks of Provery", History: 1, Replicas: cfg.Replicas,
		Storage: jetstream.FileStorage, LimitMarkerTTL: time.Hour,
	})
	if err != nil {
		return nil, engineFault(err, "open webhooks")
	}
	d := &Dispatcher{
		cfg: cfg, source: source, sealed: sealed, kv: kv, http: newClient(&cfg),
		hooks: map[string]*hook{}, busy: map[string]int{}, aside: map[string][]string{}, signal: make(chan struct{}, 1), stop: func() {},
	}
	// The watch lives as long as the dispatcher, not as the call.
	if d.watcher, err = kv.WatchAll(context.WithoutCancel(ctx)); err != nil {
		return nil, engineFault(err, "follow webhooks")
	}
	for loaded := false; !loaded; {
		select {
		case e := <-d.watcher.Updates():
			if loaded = e == nil; !loaded {
				d.apply(e, true)
			}
		case <-ctx.Done():
			return nil, errors.Join(engineFault(ctx.Err(), "follow webhooks"), d.watcher.Stop())
		}
	}
	d.tasks.Go(func() {
		for e := range d.watcher.Updates() {
			if e != nil {
				d.apply(e, false)
			}
		}
	})
	return d, nil
}

// Start begins to deliver.
func (d *Dispatcher) Start() {
	ctx, stop := context.WithCancel(context.Background())
	d.mu.Lock()
	d.stop = stop
	d.mu.Unlock()
	d.tasks.Go(func() { d.run(ctx) })
}

// Close stops delivering, lets go of what is under way, and waits. Another
// process, or the next one, goes on.
func (d *Dispatcher) Close() {
	d.mu.Lock()
	stop := d.stop
	d.mu.Unlock()
	stop()
	if err := d.watcher.Stop(); err != nil {
		d.cfg.Logger.Debug("webhooks", "doing", "stop following", "cause", err)
	}
	d.tasks.Wait()
	d.http.CloseIdleConnections()
}

// Ended tells the dispatcher that a job, or an item of a batch, has ended. It
// returns at once, and never calls anybody.
func (d *Dispatcher) Ended(id, batch string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, subject := range []string{id, batch} {
		switch h := d.hooks[subject]; {
		case h == nil:
		case h.State == Pending: // it has its time, which may be that of another's claim
			h.again = true
		default:
			d.plan(h, time.Now())
		}
	}
}

// wake lets run look again. The lock is held or not.
func (d *Dispatcher) wake() {
	select {
	case d.signal <- struct{}{}:
	default:
	}
}

// engineFault classifies an error of the engine.
func engineFault(err error, doing string) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(err, fault.CodeOf(err), "%s", doing)
	}
	return &fault.Error{Code: fault.Overloaded, Detail: doing + ": the job engine does not answer", RetryAfter: 2 * time.Second, Err: err}
}
