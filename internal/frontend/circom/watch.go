package circom

import (
	"context"
	"errors"

	"github.com/tetratelabs/wazero/api"

	"provery/internal/fault"
	"provery/internal/stopcheck"
)

// addChecks makes a module stoppable. Where our checks have no effect it returns
// it as it is, without names: wazero's own checks stop it, which cost several
// times what a calculator does, and which recursion gets around. So a module that
// isn't understood is refused.
func addChecks(wasm []byte) (*stopcheck.Module, error) {
	if !stopcheck.Effective {
		return &stopcheck.Module{Wasm: wasm}, nil
	}
	checked, err := stopcheck.Instrument(wasm)
	switch {
	case errors.Is(err, stopcheck.ErrTooLarge):
		return nil, &fault.Error{Code: fault.Unsupported, Detail: "the witness calculator has more functions, variables, branches or code in one function than is allowed", Err: err}
	case err != nil:
		return nil, &fault.Error{Code: fault.InvalidArtifact, Detail: "read witness calculator: not a WebAssembly module as Circom makes them", Err: err}
	}
	return checked, nil
}

// watch makes the instance trap when ctx is done, by its global of that name,
// until unwatch is called. The instance's code reads the global while it is set
// here: one aligned word, which the code reads again at each poll.
func (r *run) watch(ctx context.Context, stop string) {
	r.unwatch = func() {}
	global, ok := r.instance.ExportedGlobal(stop).(api.MutableGlobal)
	if !ok {
		return // wazero closes the instance by itself
	}
	set := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(set)
		global.Set(1)
	})
	r.unwatch = func() {
		if !cancel() {
			<-set
		}
	}
}
