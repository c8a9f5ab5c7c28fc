// Package engine provides the JetStream connection that the registry and the
// queue stand on. It either starts a NATS server inside the process, which
// listens on no socket, or connects to an external cluster. Nothing outside
// this package can tell which.
package engine

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/fault"
)

// Config says where the engine is. Exactly one of StoreDir and URL is set.
type Config struct {
	// StoreDir is the directory of the embedded engine (0700, created where
	// it is absent). One process at a time may use it.
	StoreDir string
	// SyncInterval is how long the embedded engine may keep acknowledged
	// writes from the disk. 0, the default, means that every write is on disk
	// before it is acknowledged; anything else can lose accepted jobs when
	// the machine (not merely the process) dies.
	SyncInterval time.Duration
	// MaxStore bounds the embedded engine's files in bytes. 0 leaves it to
	// the server: three quarters of the free space at start.
	MaxStore int64

	// URL addresses an external engine: nats://host:4222, several separated
	// by commas, or tls://.
	URL string
	// Credentials is the path of a NATS credentials file for URL (a JWT with
	// its key), if any; NKey that of a file with a bare nkey seed. At most one
	// of them is set. Both are read again at each connection.
	Credentials, NKey string
	// TLS is for URL.
	TLS TLS

	// Name identifies this process to the engine's operators. Default: provery.
	Name string
	// StartTimeout bounds the start of the embedded engine or the first
	// connection, beside Open's context. Default: 30 s.
	StartTimeout time.Duration
	// Logger takes the engine's messages. Default: slog.DiscardHandler.
	Logger *slog.Logger
}

// TLS holds the paths of PEM files, which are read again at each connection.
// The zero value verifies a server that asks for TLS against the system's
// certificates, and shows it none.
type TLS struct {
	CAFile            string // certificates to trust instead of the system's
	CertFile, KeyFile string // what the server is shown
}

// withDefaults checks c and fills in what is absent.
func (c Config) withDefaults() (Config, error) {
	switch {
	case (c.StoreDir == "") == (c.URL == ""):
		return c, fault.New(fault.InvalidRequest, "open engine: set exactly one of store directory and URL")
	case c.URL == "" && (c.Credentials != "" || c.NKey != "" || c.TLS != TLS{}):
		return c, fault.New(fault.InvalidRequest, "open engine: credentials and TLS are for an external engine only")
	case c.Credentials != "" && c.NKey != "":
		return c, fault.New(fault.InvalidRequest, "open engine: set one of credentials file and nkey file")
	case (c.TLS.CertFile == "") != (c.TLS.KeyFile == ""):
		return c, fault.New(fault.InvalidRequest, "open engine: a certificate needs its key, and the other way round")
	case c.SyncInterval < 0 || c.MaxStore < 0 || c.StartTimeout < 0:
		return c, fault.New(fault.InvalidRequest, "open engine: negative interval, size or time-out")
	}
	if c.Name == "" {
		c.Name = "provery"
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = 30 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Engine is a JetStream connection, together with the server where that is
// embedded. Its methods may be called concurrently.
type Engine struct {
	conn   *nats.Conn
	js     jetstream.JetStream
	server *embedded // nil when the server is external

	drained   chan struct{} // closed when conn has closed
	closeOnce sync.Once
	closeErr  error
}

// Open starts or connects to the engine. ctx bounds the start only.
//
// Errors: InvalidRequest for a contradictory config or credentials that can't
// be used; Conflict when another process uses the store directory; Unsupported
// for an external server older than 2.15 or without JetStream; Overloaded
// (worth a retry) when the external server can't be reached; Internal
// otherwise.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.StartTimeout)
	defer cancel()
	e := &Engine{drained: make(chan struct{})}
	if cfg.StoreDir != "" {
		if e.server, err = startEmbedded(ctx, cfg); err != nil {
			return nil, err
		}
	}
	if err := e.connect(ctx, cfg); err != nil {
		err = errors.Join(err, e.Close(context.WithoutCancel(ctx)))
		return nil, fault.Wrap(err, fault.CodeOf(err), "open engine")
	}
	return e, nil
}

// JetStream returns the JetStream context. It is valid until Close.
func (e *Engine) JetStream() jetstream.JetStream { return e.js }

// Embedded reports whether the server runs inside this process: then nobody
// else can use it, and what happens here before its start is history.
func (e *Engine) Embedded() bool { return e.server != nil }

// Conn returns the connection, for core messages. It is valid until Close,
// and must not be closed by the caller.
func (e *Engine) Conn() *nats.Conn { return e.conn }

// Healthy asks the server for a sign of life. It returns nil when JetStream
// answers, and an error with the reason otherwise: InsufficientStorage where
// the embedded engine's disk is full, else Overloaded. Both pass: the embedded
// server starts anew by itself once it can write again.
func (e *Engine) Healthy(ctx context.Context) error {
	if e.server != nil {
		if err := e.server.healthy(); err != nil {
			return err
		}
	}
	if s := e.conn.Status(); s != nats.CONNECTED {
		text := "engine: the connection is " + strings.ToLower(s.String())
		err := e.conn.LastError()
		if err != nil {
			text += ": " + strings.TrimPrefix(err.Error(), "nats: ")
		}
		return unreachable(err, text)
	}
	if _, err := e.js.AccountInfo(ctx); err != nil {
		return unreachable(err, "engine: no answer from JetStream")
	}
	return nil
}

// Close drains the connection (messages under way are delivered, pending
// publishes flushed) and stops the embedded server. It waits until everything
// has ended or ctx is done; then it gives up waiting, closes hard and returns
// DeadlineExceeded or Canceled. Calling it again returns the first result.
func (e *Engine) Close(ctx context.Context) error {
	e.closeOnce.Do(func() { e.closeErr = e.close(ctx) })
	return e.closeErr
}

func (e *Engine) close(ctx context.Context) error {
	var failed error
	if e.conn != nil {
		if err := e.conn.Drain(); err != nil {
			e.conn.Close() // drains only from a live connection
		}
		select {
		case <-e.drained:
		case <-ctx.Done():
			failed = fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "close engine: connection not drained in time")
			e.conn.Close()
			<-e.drained
		}
	}
	if e.server != nil {
		if err := e.server.stop(ctx); failed == nil {
			failed = err
		}
	}
	return failed
}

// unreachable says that the engine is away for the moment.
func unreachable(err error, detail string) *fault.Error {
	return &fault.Error{Code: fault.Overloaded, Detail: detail, RetryAfter: 2 * time.Second, Err: err}
}
