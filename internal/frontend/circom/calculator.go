package circom

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"provery/internal/divert"
	"provery/internal/fault"
)

// Limits bound what a circuit's witness calculator may use: it is code that
// somebody uploaded. A zero field has the default.
type Limits struct {
	Time   time.Duration // of one witness, default 10 minutes
	Memory int64         // of one witness, in bytes, default and most 4 GiB
	Wasm   int64         // of the module's file, default 256 MiB
}

const pageSize = 64 << 10

func (l Limits) withDefaults() Limits {
	if l.Time <= 0 {
		l.Time = 10 * time.Minute
	}
	if l.Memory <= 0 || l.Memory > 4<<30 {
		l.Memory = 4 << 30
	}
	if l.Wasm <= 0 {
		l.Wasm = 256 << 20
	}
	return l
}

// host is what the calculators of one front-end share.
type host struct {
	limits Limits
	// cache holds machine code by the hash of the module, so that one that is
	// opened twice is translated once.
	cache func() (wazero.CompilationCache, error)
}

func newHost(cfg Config) *host {
	return &host{cfg.Limits.withDefaults(), sync.OnceValues(func() (wazero.CompilationCache, error) {
		if cfg.CacheDir == "" {
			return wazero.NewCompilationCache(), nil
		}
		cache, err := wazero.NewCompilationCacheWithDir(cfg.CacheDir)
		return cache, fault.Wrap(err, fault.Internal, "open the compilation cache")
	})}
}

// calculator is a circuit's witness calculator. The module is translated to
// machine code at its first use and kept; each witness gets a fresh instance,
// since instances hold the signals and are no good after a failed assertion.
type calculator struct {
	wasm   []byte
	host   *host
	invert func(dst, src, m []byte) bool // as inverter returns it
	mu     sync.Mutex
	loaded *module
}

// module is a calculator as machine code.
type module struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
	stop    string // the global that stops an instance, empty if wazero stops it
	start   string // the start function, empty if there is none or wazero runs it
}

func (m *module) close() error {
	ctx := context.Background()
	var err error
	if m.code != nil {
		err = m.code.Close(ctx) // the runtime keeps what is in a shared cache
	}
	return errors.Join(err, m.runtime.Close(ctx))
}

// load returns the module, which it translates the first time.
func (c *calculator) load(ctx context.Context) (*module, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded != nil {
		return c.loaded, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m, err := translate(ctx, c.wasm, c.host)
	if err != nil {
		return nil, err
	}
	c.loaded = m
	return m, nil
}

// close frees the machine code. No witness is being computed.
func (c *calculator) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded == nil {
		return nil
	}
	m := c.loaded
	c.loaded = nil
	return m.close()
}

func translate(ctx context.Context, wasm []byte, h *host) (_ *module, err error) {
	cache, err := h.cache()
	if err != nil {
		return nil, err
	}
	wasm, inverts := divert.Apply(wasm, inverses)
	checked, err := addChecks(wasm)
	if err != nil {
		return nil, err
	}
	config := wazero.NewRuntimeConfig().
		WithCompilationCache(cache).
		WithCloseOnContextDone(checked.Stop == "").
		WithDebugInfoEnabled(false).
		WithMemoryLimitPages(uint32(h.limits.Memory / pageSize))
	m := &module{runtime: wazero.NewRuntimeWithConfig(ctx, config), stop: checked.Stop, start: checked.Start}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close())
		}
	}()
	if m.code, err = m.runtime.CompileModule(ctx, checked.Wasm); err != nil {
		return nil, &fault.Error{Code: fault.InvalidArtifact, Detail: "read witness calculator: not a WebAssembly module within the limits of memory", Err: err}
	}
	if err := checkExports(m.code, inverts); err != nil {
		return nil, err
	}
	if m.start != "" && !(signature{}).matches(m.code.ExportedFunctions()[m.start]) {
		return nil, fault.New(fault.InvalidArtifact, "read witness calculator: its start function has parameters or results")
	}
	if err := instantiateHost(ctx, m); err != nil || !inverts {
		return m, err
	}
	return m, instantiateInverse(ctx, m)
}

// signature is the numbers of parameters and results of a function; all are i32.
type signature struct{ params, results int }

// exports are the functions of a calculator that computing a witness calls.
var exports = map[string]signature{
	"getFieldNumLen32": {0, 1}, "getRawPrime": {0, 0}, "getSharedRWMemoryStart": {0, 1},
	"init": {1, 0}, "getInputSize": {0, 1}, "getInputSignalSize": {2, 1}, "setInputSignal": {3, 0},
	"getWitnessSize": {0, 1}, "getWitness": {1, 0}, "getMessageChar": {0, 1},
}

func (s signature) matches(f api.FunctionDefinition) bool {
	if f == nil || len(f.ParamTypes()) != s.params || len(f.ResultTypes()) != s.results {
		return false
	}
	for _, t := range append(append([]api.ValueType{}, f.ParamTypes()...), f.ResultTypes()...) {
		if t != api.ValueTypeI32 {
			return false
		}
	}
	return true
}

// checkExports makes sure that the module is a calculator made by Circom 2, which
// may have been made to import the function for inverses.
func checkExports(code wazero.CompiledModule, inverts bool) error {
	functions := code.ExportedFunctions()
	if functions["getVersion"] == nil && functions["getNVars"] != nil {
		return fault.New(fault.Unsupported, "the witness calculator is of Circom 1: compile the circuit with Circom 2")
	}
	for name, s := range exports {
		if !s.matches(functions[name]) {
			return fault.New(fault.InvalidArtifact, "read witness calculator: no function %s as Circom 2.0.7 and later export it", name)
		}
	}
	if len(code.ExportedMemories()) != 1 || len(code.ImportedMemories()) != 0 {
		return fault.New(fault.Unsupported, "the witness calculator doesn't export its memory: compile the circuit with Circom 2.0.7 or later")
	}
	for _, def := range code.ImportedFunctions() {
		module, name, _ := def.Import()
		if inverts && module == inverses.Module { // the calculator itself imports nothing from there
			continue
		}
		if s, known := hostFunctions[name]; module != hostModule || !known || !s.matches(def) {
			return fault.New(fault.InvalidArtifact, "read witness calculator: it imports a function that isn't among those of Circom 2")
		}
	}
	return nil
}

// run is one use of a calculator.
type run struct {
	instance api.Module
	memory   api.Memory
	shared   uint32 // address of the buffer that values pass through
	invert   func(dst, src, m []byte) bool
	console  console
	failure  error // what a host function ended the run with
	unwatch  func()
}

// use calls f with a fresh instance, within the limits.
func (c *calculator) use(ctx context.Context, f func(context.Context, *run) error) error {
	m, err := c.load(ctx)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, c.host.limits.Time)
	defer cancel()
	r := &run{invert: c.invert}
	inner := experimental.WithMemoryAllocator(context.WithValue(limited, runKey{}, r), experimental.MemoryAllocatorFunc(lend))
	err = r.start(inner, m)
	if err == nil {
		err = f(inner, r)
	}
	if r.instance != nil {
		r.unwatch()
		_ = r.instance.Close(context.WithoutCancel(ctx))
	}
	switch {
	case err == nil:
		return nil
	case r.failure != nil:
		return r.failure
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return fault.New(fault.Unsupported, "the witness calculator didn't finish within %v", c.host.limits.Time)
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return known
	}
	return &fault.Error{Code: fault.InvalidArtifact, Detail: "the witness calculator crashed" + reason(err), Err: errors.New("trap")}
}

// reason names the kinds of crashes that a circuit's size can cause. The
// error's own text holds addresses at most, but stays inside all the same.
func reason(err error) string {
	for _, known := range []string{"out of bounds memory access", "unreachable", "stack overflow"} {
		if strings.Contains(err.Error(), known) {
			return ": " + known
		}
	}
	return ""
}

func (r *run) start(ctx context.Context, m *module) (err error) {
	r.instance, err = m.runtime.InstantiateModule(ctx, m.code, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return err
	}
	r.watch(ctx, m.stop)
	if m.start != "" {
		if _, err := r.call(ctx, m.start); err != nil {
			return err
		}
	}
	if r.memory = r.instance.Memory(); r.memory == nil {
		return fault.New(fault.InvalidArtifact, "the witness calculator has no memory")
	}
	r.shared, err = r.call(ctx, "getSharedRWMemoryStart")
	return err
}

// call calls an exported function and returns its result, 0 if it has none.
func (r *run) call(ctx context.Context, name string, args ...uint32) (uint32, error) {
	wide := make([]uint64, max(len(args), 1))
	for i, a := range args {
		wide[i] = uint64(a)
	}
	if err := r.instance.ExportedFunction(name).CallWithStack(ctx, wide); err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return uint32(wide[0]), nil
}

// buffer views the bytes of the shared buffer until the next call.
func (r *run) buffer() ([]byte, error) {
	b, ok := r.memory.Read(r.shared, scalarBytes)
	if !ok {
		return nil, fault.New(fault.InvalidArtifact, "the witness calculator's buffer lies outside its memory")
	}
	return b, nil
}

// prime reads the order of the calculator's field.
func (r *run) prime(ctx context.Context) ([]byte, error) {
	words, err := r.call(ctx, "getFieldNumLen32")
	if err != nil {
		return nil, err
	}
	if words != scalarBytes/4 {
		return nil, fault.New(fault.InvalidArtifact, "the witness calculator computes in another field than the circuit")
	}
	if _, err := r.call(ctx, "getRawPrime"); err != nil {
		return nil, err
	}
	return r.buffer()
}

// inputSize returns how many values the calculator takes for a signal, 0 if it
// doesn't know it.
func (r *run) inputSize(ctx context.Context, hash uint64) (int, error) {
	n, err := r.call(ctx, "getInputSignalSize", uint32(hash>>32), uint32(hash))
	if err != nil || n > math.MaxInt32 {
		return 0, err // some versions answer -1
	}
	return int(n), nil
}

// set passes values of scalarBytes bytes each to the input of a name's hash.
// The last one of all starts the computation.
func (r *run) set(ctx context.Context, hash uint64, values []byte) error {
	f := r.instance.ExportedFunction("setInputSignal")
	var stack [3]uint64
	for i := range len(values) / scalarBytes {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := r.buffer()
		if err != nil {
			return err
		}
		copy(b, values[i*scalarBytes:])
		stack = [3]uint64{hash >> 32, hash & math.MaxUint32, uint64(i)}
		if err := f.CallWithStack(ctx, stack[:]); err != nil {
			return fmt.Errorf("set input: %w", err)
		}
	}
	return nil
}

// witness calls f with runs of values, in order, scalarBytes bytes each.
func (r *run) witness(ctx context.Context, n int, f func(first int, values []byte) error) error {
	get := r.instance.ExportedFunction("getWitness")
	const block = 1024
	values := make([]byte, 0, block*scalarBytes)
	var stack [1]uint64
	for i := range n {
		stack[0] = uint64(i)
		if err := get.CallWithStack(ctx, stack[:]); err != nil {
			return fmt.Errorf("read witness: %w", err)
		}
		b, err := r.buffer()
		if err != nil {
			return err
		}
		if values = append(values, b...); len(values) == cap(values) || i == n-1 {
			if err := ctx.Err(); err != nil { // functions that are short enough don't stop
				return err
			}
			if err := f(i+1-len(values)/scalarBytes, values); err != nil {
				return err
			}
			values = values[:0]
		}
	}
	return nil
}
