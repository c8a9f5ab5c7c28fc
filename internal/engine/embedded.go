package engine

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"provery/internal/fault"
	"provery/internal/flock"
)

// readyPoll is how often the start looks whether the server is ready.
const readyPoll = 50 * time.Millisecond

// embedded is a NATS server inside this process.
type embedded struct {
	cfg   Config
	lock  *dirLock
	fatal atomic.Pointer[string] // what the server can't go on after

	mu     sync.Mutex
	server *server.Server // nil while it is being replaced; see keep

	stopKeep context.CancelFunc
	kept     chan struct{} // closed when keep has ended
	ended    chan struct{} // closed when the server has shut down
}

// startEmbedded starts a server over cfg.StoreDir and waits until it is ready.
func startEmbedded(ctx context.Context, cfg Config) (*embedded, error) {
	lock, err := lockDir(cfg.StoreDir)
	if err != nil {
		return nil, err
	}
	sweepTrials(cfg.StoreDir)
	e := &embedded{cfg: cfg, lock: lock, kept: make(chan struct{}), ended: make(chan struct{})}
	s, err := e.launch(ctx)
	if err != nil {
		if s != nil {
			s.Shutdown()
			s.WaitForShutdown()
		}
		lock.release()
		return nil, err
	}
	e.server = s
	keep, stop := context.WithCancel(context.Background())
	e.stopKeep = stop
	go func() {
		defer close(e.kept)
		e.keep(keep)
	}()
	return e, nil
}

// launch starts a server and waits until it is ready. With an error it returns
// the server that has to be shut down, if there is one.
func (e *embedded) launch(ctx context.Context) (*server.Server, error) {
	s, err := server.NewServer(options(e.cfg))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "start embedded engine")
	}
	log := e.cfg.Logger
	s.SetLoggerV2(&slogBridge{log: log, fatal: e.setFatal}, log.Enabled(ctx, slog.LevelDebug), false, false)
	s.Start()
	return s, e.awaitReady(ctx, s)
}

// current returns the server, or nil while it is being replaced.
func (e *embedded) current() *server.Server {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.server
}

// InProcessConn connects to the server that runs at the time.
func (e *embedded) InProcessConn() (net.Conn, error) {
	s := e.current()
	if s == nil {
		return nil, errors.New("the embedded server is being restarted")
	}
	return s.InProcessConn()
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
func (e *embedded) awaitReady(ctx context.Context, s *server.Server) error {
	for {
		if text := e.fatal.Load(); text != nil {
			return fault.New(fault.Internal, "start embedded engine: the server gave up: %s", *text)
		}
		if err := ctx.Err(); err != nil {
			return fault.Wrap(err, fault.CodeOf(err), "start embedded engine: not ready in time")
		}
		if s.ReadyForConnections(readyPoll) {
			break
		}
	}
	if !s.JetStreamEnabled() {
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
	s := e.current()
	if s == nil || !s.Running() || !s.JetStreamEnabled() {
		return unreachable(nil, "engine: the embedded server does not run")
	}
	return ailment(s)
}

// stop shuts the server down and waits for it. When ctx ends first, the
// server is left to end in its own time, and releases its lock then.
func (e *embedded) stop(ctx context.Context) error {
	e.stopKeep()
	go func() {
		defer close(e.ended)
		<-e.kept
		if s := e.current(); s != nil {
			s.Shutdown()
			s.WaitForShutdown()
		}
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

// lockPatience is how long a lock that somebody holds is waited for: an earlier
// holder may be about to end. After a kill, a child that it was just starting
// has the lock for some milliseconds more.
const lockPatience = 3 * time.Second

// awaitLock locks f for this process alone and reports whether it could.
func awaitLock(f *os.File) (bool, error) {
	for end := time.Now().Add(lockPatience); ; time.Sleep(10 * time.Millisecond) {
		if taken, err := flock.Try(f); taken || err != nil || time.Now().After(end) {
			return taken, err
		}
	}
}

// lockDir makes the directory ready and takes it for this process.
func lockDir(dir string) (*dirLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &fault.Error{Code: fault.Internal, Detail: "start embedded engine: store directory can't be made", Err: err}
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &fault.Error{Code: fault.Internal, Detail: "start embedded engine: store directory is not writable", Err: err}
	}
	taken, err := awaitLock(f)
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

// release gives the directory back.
func (l *dirLock) release() {
	flock.Release(l.f)
	_ = l.f.Close()
}
