package worker

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/registry"
	"provery/internal/store"
	"provery/internal/tracing"
)

// KindCompile is the kind of jobs that compile sources and register the
// circuit.
const KindCompile = "compile"

// Sources is what to compile.
type Sources struct {
	Frontend string            `json:"frontend"`
	Files    map[string]string `json:"files"` // by path below one root
	Main     string            `json:"main"`
	Curve    string            `json:"curve"`
	Debug    bool              `json:"debug,omitempty"` // keep log statements
	Optimize string            `json:"optimize,omitempty"`
	Include  []string          `json:"include,omitempty"` // folders that imports are looked up in, too
}

// Digest identifies what the compiler of a version makes of the sources. Two
// sets with the same digest give the same circuit.
func (s *Sources) Digest(compiler string) store.Digest {
	b, err := json.Marshal(struct {
		V        string
		Compiler string
		Sources  *Sources
	}{"provery/built/1", compiler, s}) // the files in the order of their paths
	if err != nil {
		panic(err) // texts can be encoded
	}
	return store.Sum(b)
}

// CompileTask is what the sealed arguments of a job of KindCompile hold.
type CompileTask struct {
	Sources Sources `json:"sources"`
	Name    string  `json:"name,omitempty"` // for the circuit
	Tag     string  `json:"tag,omitempty"`
}

// CompileResult is the body of the result of a job of KindCompile.
type CompileResult struct {
	Circuit store.Digest `json:"circuit"`
	Existed bool         `json:"existed,omitempty"` // it was registered before
}

// Compiled are the files that a compiler made. Close removes them.
type Compiled struct {
	Artefacts map[string]*io.SectionReader // by role
	Close     func() error
}

// Compiler compiles the sources of one front-end, in a process that is gone
// when Compile returns. It is safe for concurrent use.
type Compiler interface {
	// Version names the compiler: another one makes other programs.
	Version() string
	// Ready returns an error that says how to install the compiler, if it isn't.
	Ready() error
	// Check returns the error that Compile would return for the sources' form,
	// without compiling.
	Check(s *Sources) error
	// Compile compiles. It tells stage what it is doing. Errors in the source
	// are fault.Error with Diagnostics.
	Compile(ctx context.Context, s *Sources, stage func(string)) (*Compiled, error)
}

// Check returns the error that running the task would return for its form; and,
// if it is to run here, one that says how to install the compiler if it isn't.
func (c *Compiling) Check(t *CompileTask, here bool) error {
	if err := checkNames(t.Name, t.Tag); err != nil {
		return err
	}
	compiler, err := c.compiler(t.Sources.Frontend, here)
	if err != nil {
		return err
	}
	return compiler.Check(&t.Sources)
}

// Compiling runs the jobs of KindCompile.
type Compiling struct {
	compilers map[string]Compiler // by front-end
	registrar *Registrar
	registry  *registry.Registry
	sealed    Opener
	now       func() time.Time
	same      keyed
}

// NewCompiling returns the handler of compilations with compilers by
// front-end.
func NewCompiling(compilers map[string]Compiler, r *Registrar, reg *registry.Registry, sealed Opener, now func() time.Time) *Compiling {
	return &Compiling{compilers: compilers, registrar: r, registry: reg, sealed: sealed, now: now}
}

// Kind implements Handler.
func (c *Compiling) Kind() string { return KindCompile }

// The stages of a compilation beside those of its compiler.
const (
	stageWait     = "wait" // for the same compilation, or for a place
	stageRegister = "register"
)

// compiler returns the compiler of a front-end, which is installed if ready is
// set. Errors are Unsupported.
func (c *Compiling) compiler(frontend string, ready bool) (Compiler, error) {
	compiler := c.compilers[frontend]
	switch {
	case compiler == nil:
		return nil, fault.New(fault.Unsupported, "there is no compiler for %s here: register the compiled program", frontend)
	case ready:
		return compiler, compiler.Ready()
	}
	return compiler, nil
}

// Built returns the circuit that the sources were compiled to before, with
// name:tag pointing to it. NotFound where they weren't.
func (c *Compiling) Built(ctx context.Context, t *CompileTask) (registry.Circuit, error) {
	compiler := c.compilers[t.Sources.Frontend]
	if compiler == nil {
		return registry.Circuit{}, fault.New(fault.NotFound, "nothing was compiled")
	}
	circuit, err := c.registry.Built(ctx, t.Sources.Digest(compiler.Version()))
	switch {
	case err != nil:
		return circuit, err
	case c.registrar.damaged(circuit.ID):
		return circuit, fault.New(fault.NotFound, "the circuit is damaged: compile it again")
	case t.Name == "":
		return circuit, nil
	}
	circuit, _, err = c.registry.AddCircuit(ctx, circuit, t.Name, tags(t.Tag)...)
	return circuit, err
}

// compileBytes is what a compilation is taken to need: the compiler of a middling
// program, in its own process, and the registration of what it makes. Few need
// more, and the compiler's own limit is beyond what can be kept for each.
const compileBytes = 512 << 20

// Need implements Handler. Compilers compute in processes of their own, so that
// no thread is taken; proofs and compilations share the memory.
func (c *Compiling) Need(queue.Job) Need {
	return Need{Bytes: compileBytes, Elastic: true, Threads: -1}
}

// Run implements Handler: it compiles and registers, unless the same sources
// were compiled before or meanwhile.
func (c *Compiling) Run(ctx context.Context, lease *queue.Lease, _ Grant) (result queue.Result, err error) {
	var task CompileTask
	if err := openTask(ctx, lease, c.sealed, &task); err != nil {
		return result, err
	}
	enter, end := tracing.Stages(ctx)
	stages := &stopwatch{now: c.now, tell: func(name string) { enter(name); lease.Stage(name) }}
	defer func() { result.Ledger = queue.Ledger{Phases: stages.stop()}; end(err) }()
	stages.enter(stageWait)
	compiler, err := c.compiler(task.Sources.Frontend, true)
	if err != nil {
		return result, err
	}
	leave, err := c.same.enter(ctx, task.Sources.Digest(compiler.Version()))
	if err != nil {
		return result, err
	}
	defer leave()
	var out CompileResult
	switch circuit, err := c.Built(ctx, &task); {
	case err == nil:
		out = CompileResult{circuit.ID, true}
	case !fault.Is(err, fault.NotFound):
		return result, err
	default:
		if out, err = c.compile(ctx, compiler, &task, stages); err != nil {
			return result, err
		}
	}
	result.Body, err = json.Marshal(out)
	return result, err
}

func (c *Compiling) compile(ctx context.Context, compiler Compiler, task *CompileTask, stages *stopwatch) (out CompileResult, err error) {
	s := &task.Sources
	made, err := compiler.Compile(ctx, s, stages.enter)
	if err != nil {
		return out, err
	}
	defer func() {
		if cerr := made.Close(); err == nil {
			err = fault.Wrap(cerr, fault.Internal, "remove the compiled files")
		}
	}()
	stages.enter(stageRegister)
	uploads := map[string]Upload{}
	for role, file := range made.Artefacts {
		digest, err := store.SumReader(io.NewSectionReader(file, 0, file.Size()))
		if err != nil {
			return out, fault.Wrap(err, fault.Internal, "read the compiled program")
		}
		uploads[role] = Upload{Digest: digest, Reader: file}
	}
	circuit, existed, err := c.registrar.Circuit(ctx, s.Frontend, uploads, task.Name, task.Tag)
	if err != nil {
		return out, err
	}
	return CompileResult{circuit.ID, existed}, c.registry.SetBuilt(ctx, s.Digest(compiler.Version()), circuit.ID)
}

// stopwatch times stages that follow one another.
type stopwatch struct {
	now    func() time.Time
	tell   func(string)
	phases []queue.Phase
	since  time.Time
}

// enter ends the stage before and begins another.
func (s *stopwatch) enter(name string) {
	s.stop()
	s.phases, s.since = append(s.phases, queue.Phase{Name: name}), s.now()
	s.tell(name)
}

// stop ends the last stage and returns all of them.
func (s *stopwatch) stop() []queue.Phase {
	if n := len(s.phases); n > 0 && !s.since.IsZero() {
		s.phases[n-1].Duration, s.since = s.now().Sub(s.since), time.Time{}
	}
	return s.phases
}

// keyed admits one caller at a time for each key.
type keyed struct {
	mu    sync.Mutex
	inUse map[store.Digest]*keyGate
}

type keyGate struct {
	gate
	callers int
}

// enter waits until the key is free.
func (k *keyed) enter(ctx context.Context, key store.Digest) (leave func(), err error) {
	k.mu.Lock()
	if k.inUse == nil {
		k.inUse = map[store.Digest]*keyGate{}
	}
	g := k.inUse[key]
	if g == nil {
		g = &keyGate{gate: newGate(1)}
		k.inUse[key] = g
	}
	g.callers++
	k.mu.Unlock()
	done := func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if g.callers--; g.callers == 0 {
			delete(k.inUse, key)
		}
	}
	out, err := g.enter(ctx)
	if err != nil {
		done()
		return nil, err
	}
	return func() { out(); done() }, nil
}
