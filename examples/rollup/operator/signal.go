package operator

import (
	"context"
	"maps"
	"sync"
	"time"
)

// signal wakes one loop. A signal that is raised while nobody waits isn't lost.
type signal struct{ c chan struct{} }

func newSignal() signal { return signal{make(chan struct{}, 1)} }

func (s signal) raise() {
	select {
	case s.c <- struct{}{}:
	default:
	}
}

// wait waits for the signal, at most for d, and reports whether ctx lasts.
func (s signal) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-s.c:
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// pause waits for d, and reports whether ctx lasts.
func pause(ctx context.Context, d time.Duration) bool { return signal{}.wait(ctx, d) }

// problems are what is in the way, by what it is in the way of.
type problems struct {
	mu sync.Mutex
	of map[string]string
}

// set notes a problem; nil takes it away.
func (p *problems) set(what string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		delete(p.of, what)
		return
	}
	if p.of == nil {
		p.of = map[string]string{}
	}
	p.of[what] = err.Error()
}

// list returns a copy.
func (p *problems) list() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.of)
}
