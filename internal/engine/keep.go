package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"provery/internal/fault"
)

// A server that failed to write, most often because the disk is full, takes no
// more writes until it is started anew, even when there is space again. What it
// acknowledged before is on disk; what it didn't is nobody's promise. So it is
// replaced by a new one over the same directory, as after a crash, once a trial
// write succeeds.
const (
	keepInterval    = time.Second
	maxKeepInterval = time.Minute // between restarts that don't help
	trialSize       = 8 << 20     // of the trial write
)

// ailment returns why the server takes no writes, nil if it does. The server's
// other complaints don't count: it also calls itself ill when it isn't given the
// processor for a millisecond, or while a stream is being made.
func ailment(s *server.Server) error {
	h := s.Healthz(nil)
	switch {
	case !strings.Contains(h.Error, "write error"):
		return nil
	case strings.Contains(h.Error, "no space left"):
		return &fault.Error{Code: fault.InsufficientStorage, Detail: "engine: its disk is full", RetryAfter: 2 * time.Second, Err: healthError(h.Error)}
	}
	return unreachable(healthError(h.Error), "engine: the embedded server can't write")
}

// healthError is the server's own text, which names files: for the log.
type healthError string

func (e healthError) Error() string { return string(e) }

// keep replaces the server whenever that is ill and the disk is well, until
// ctx is done.
func (e *embedded) keep(ctx context.Context) {
	t := time.NewTimer(keepInterval)
	defer t.Stop()
	told := false
	for wait := keepInterval; ; t.Reset(wait) {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		err := e.ill()
		if err == nil {
			wait, told = keepInterval, false
			continue
		}
		if !told {
			told = true
			e.cfg.Logger.Error("engine: nothing can be written; the server is started anew when the disk allows it", "error", err)
		}
		if e.trial() == nil {
			told = !e.replace(ctx)
			wait = min(2*wait, maxKeepInterval)
		}
	}
}

// ill returns what is wrong with the server, if a new one may do better.
func (e *embedded) ill() error {
	s := e.current()
	if s == nil {
		return healthError("the last restart failed")
	}
	if !s.JetStreamEnabled() {
		return healthError("JetStream has been turned off")
	}
	return ailment(s)
}

// trial writes a file as large as the server may soon need, and removes it.
func (e *embedded) trial() error {
	f, err := os.CreateTemp(e.cfg.StoreDir, "trial-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(make([]byte, trialSize)); err != nil {
		return err
	}
	return f.Sync()
}

// replace shuts the server down and starts another, and reports whether that
// runs. The connection finds it by itself.
func (e *embedded) replace(ctx context.Context) bool {
	e.mu.Lock()
	old := e.server
	e.server = nil
	e.mu.Unlock()
	if old != nil {
		old.Shutdown()
		old.WaitForShutdown()
	}
	e.fatal.Store(nil)
	ctx, cancel := context.WithTimeout(ctx, e.cfg.StartTimeout)
	defer cancel()
	s, err := e.launch(ctx)
	if err != nil {
		e.cfg.Logger.Error("engine: the restart failed", "error", err)
		if s != nil {
			s.Shutdown()
			s.WaitForShutdown()
		}
		return false
	}
	e.mu.Lock()
	e.server = s
	e.mu.Unlock()
	e.cfg.Logger.Info("engine: the server was started anew")
	return true
}

// sweepTrials removes what a process that died left of its trial writes.
func sweepTrials(dir string) {
	left, err := filepath.Glob(filepath.Join(dir, "trial-*"))
	if err != nil {
		return // a directory whose name is a bad pattern: rather no sweeping
	}
	for _, name := range left {
		_ = os.Remove(name) // it stays for the next start
	}
}
