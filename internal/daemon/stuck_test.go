package daemon

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"provery/internal/frontend"
)

// stuck makes witness computations wait, from arm until release or their
// context's end. It stands before the real front-end.
type stuck struct {
	armed   atomic.Bool
	entered chan struct{} // gets a value for each that waits
	ended   chan struct{} // gets a value for each that its context ended
	gate    chan struct{}
	onCheck atomic.Pointer[func()] // called when arguments are checked
}

func newStuck() *stuck {
	return &stuck{entered: make(chan struct{}, 16), ended: make(chan struct{}, 16), gate: make(chan struct{})}
}

// before is for setup.before.
func (s *stuck) before(d *Daemon) { d.kit.Frontends[0] = stuckFrontend{d.kit.Frontends[0], s} }

func (s *stuck) release() { s.armed.Store(false); close(s.gate) }

type stuckFrontend struct {
	frontend.Frontend
	s *stuck
}

// Import returns a program that waits.
func (f stuckFrontend) Import(ctx context.Context, in frontend.Artefacts) (frontend.Program, error) {
	p, err := f.Frontend.Import(ctx, in)
	if err != nil {
		return nil, err
	}
	return stuckProgram{p, f.s}, nil
}

// Open returns a program that waits.
func (f stuckFrontend) Open(file []byte) (frontend.Program, error) {
	p, err := f.Frontend.Open(file)
	if err != nil {
		return nil, err
	}
	return stuckProgram{p, f.s}, nil
}

type stuckProgram struct {
	frontend.Program
	s *stuck
}

// Check checks the arguments.
func (p stuckProgram) Check(arguments json.RawMessage, o frontend.SolveOptions) error {
	if f := p.s.onCheck.Load(); f != nil {
		(*f)()
	}
	return p.Program.Check(arguments, o)
}

// Solve waits, if it is to.
func (p stuckProgram) Solve(ctx context.Context, arguments json.RawMessage, o frontend.SolveOptions) (*frontend.Solution, error) {
	if p.s.armed.Load() {
		p.s.entered <- struct{}{}
		select {
		case <-p.s.gate:
		case <-ctx.Done():
			p.s.ended <- struct{}{}
			return nil, ctx.Err()
		}
	}
	return p.Program.Solve(ctx, arguments, o)
}

// get receives from a channel, or fails the test.
func get[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain for: %s", what)
	}
	return v
}
