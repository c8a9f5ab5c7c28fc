package engine

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"provery/internal/fault"
)

// readyPoll is how often the start looks whether the server is ready.
const readyPoll = 50 * time.Millisecond

// embedded is a NATS server inside this process.
type embedded struct {
	server *server.Server
	lock   *dirLock
	fatal  atomic.Pointer[string] // what the server can't go on after
	ended  chan struct{}          // closed when the server has shut down
}

// startEmbedded starts a server over cfg.StoreDir and waits until it is ready.
func startEmbedded(ctx context.Context, cfg Config) (*embedded, error) {
	lock, err := lockDir(cfg.StoreDir)
	if err != nil {
		return nil, err
	}
	e := &embedded{lock: lock, ended: make(chan struct{})}
	s, err := server.NewServer(options(cfg))
	if err != nil {
		lock.release()
		return nil, fault.Wrap(err, fault.Internal, "start embedded engine")
	}
	e.server = s
	s.SetLoggerV2(&slogBridge{log: cfg.Logger, fatal: e.setFatal}, cfg.Logger.Enabled(ctx, slog.LevelDebug), false, false)
	s.Start()
	if err := e.awaitReady(ctx); err != nil {
		_ = e.stop(context.WithoutCancel(ctx)) // the start's error is the one that matters
		return nil, err
	}
	return e, nil
}

// options returns the server's options: no sockets, no signal handlers.
func options(cfg Config) *server.Options {
	o := &server.Options{
		ServerName:        cfg.Name,
		DontListen:        true,
		NoSigs:            true,
		JetStream:         true,
		StoreDir:          filepath.Join(cfg.StoreDir, "nats"),
		JetStreamMaxStore: cfg.MaxStore,
		SyncAlways:        cfg.SyncInterval == 0,
		SyncInterval:      cfg.SyncInterval,
	}
	if o.SyncAlways {
		o.SyncInterval = 2 * time.Minute // the server's default; idle with SyncAlways
	}
	return o
}

// awaitReady waits until the server takes connections and JetStream runs.
func (e *embedded) awaitReady(ctx context.Context) error {
	for {
		if text := e.fatal.Load(); text != nil {
			return fault.New(fault.Internal, "start embedded engine: the server gave up: %s", *text)
		}
		if err := ctx.Err(); err != nil {
			return fault.Wrap(err, fault.CodeOf(err), "start embedded engine: not ready in time")
		}
		if e.server.ReadyForConnections(readyPoll) {
			break
		}
	}
	if !e.server.JetStreamEnabled() {
		return fault.New(fault.Internal, "start embedded engine: JetStream did not start")
	}
	return nil
}

// setFatal keeps the first message that the server calls fatal.
func (e *embedded) setFatal(text string) { e.fatal.CompareAndSwap(nil, &text) }

// healthy reports what the server thinks of itself.
func (e *embedded) healthy() error {
	if text := e.fatal.Load(); text != nil {
		return unreachable(nil, "engine: the embedded server gave up: "+*text)
	}
	if !e.server.Running() || !e.server.JetStreamEnabled() {
		return unreachable(nil, "engine: the embedded server does not run")
	}
	return nil
}

// stop shuts the server down and waits for it. When ctx ends first, the
// server is left to end in its own time, and releases its lock then.
func (e *embedded) stop(ctx context.Context) error {
	go func() {
		defer close(e.ended)
		e.server.Shutdown()
		e.server.WaitForShutdown()
		e.lock.release()
	}()
	select {
	case <-e.ended:
		return nil
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "close engine: embedded server not stopped in time")
	}
}

// dirLock is the exclusive right to a directory.
type dirLock struct{ f *os.File }

// lockDir makes the directory ready and takes it for this process.
func lockDir(dir string) (*dirLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &fault.Error{Code: fault.Internal, Detail: "start embedded engine: store directory can't be made", Err: err}
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &fault.Error{Code: fault.Internal, Detail: "start embedded engine: store directory is not writable", Err: err}
	}
	taken, err := flock(f)
	switch {
	case err != nil:
		f.Close()
		return nil, fault.Wrap(err, fault.Internal, "start embedded engine: lock store directory")
	case !taken:
		f.Close()
		return nil, fault.New(fault.Conflict, "start embedded engine: another process uses the store directory")
	}
	return &dirLock{f: f}, nil
}

// release gives the directory back: closing the file drops its lock.
func (l *dirLock) release() { _ = l.f.Close() }
