package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/queue"
)

// fakeCompiler makes mul of whatever it is given.
type fakeCompiler struct {
	t         *testing.T
	missing   atomic.Bool
	onCompile hook
	compiled  atomic.Int64
	open      atomic.Int64
}

func (f *fakeCompiler) Version() string { return "fake 1" }

func (f *fakeCompiler) Ready() error {
	if f.missing.Load() {
		return fault.New(fault.Unsupported, "install it")
	}
	return nil
}

func (f *fakeCompiler) Check(*Sources) error { return nil }

func (f *fakeCompiler) Compile(ctx context.Context, _ *Sources, stage func(string)) (*Compiled, error) {
	f.compiled.Add(1)
	stage("compile")
	if err := f.onCompile.run(ctx); err != nil {
		return nil, err
	}
	f.open.Add(1)
	out := &Compiled{Artefacts: map[string]*io.SectionReader{}, Close: func() error { f.open.Add(-1); return nil }}
	for role, name := range map[string]string{"program": "out", "abi": "abi.json"} {
		b, err := os.ReadFile(filepath.Join(fixtures, "mul", "bn128", name))
		if err != nil {
			f.t.Error(err)
		}
		out.Artefacts[role] = io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
	}
	return out, nil
}

// compileRig is a rig with a pool for compilations.
type compileRig struct {
	*rig
	compiler  *fakeCompiler
	compiling *Compiling
}

func newCompileRig(t *testing.T) *compileRig {
	t.Helper()
	r := &compileRig{rig: newRig(t), compiler: &fakeCompiler{t: t}}
	r.compiling = NewCompiling(map[string]Compiler{"zokrates": r.compiler}, r.registrar, r.registry, plainBox{}, time.Now)
	p := NewPool(PoolConfig{Name: "test", Slots: 2, Drain: patience, Log: slog.New(slog.NewTextHandler(r.log, nil))}, r.queue, r.compiling)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

func task(text, name string) CompileTask {
	return CompileTask{Name: name, Sources: Sources{Frontend: "zokrates", Curve: "bn128", Main: "main.zok", Files: map[string]string{"main.zok": text}}}
}

// compile queues a compilation.
func (r *compileRig) compile(task CompileTask) queue.Job {
	r.t.Helper()
	b, err := json.Marshal(task)
	r.check(err)
	j, _, err := r.queue.Enqueue(r.t.Context(), queue.NewJob{Kind: KindCompile, Sealed: b})
	r.check(err)
	return j
}

func (r *compileRig) result(j queue.Job) (out CompileResult) {
	r.t.Helper()
	if j.State != queue.Succeeded {
		r.t.Fatalf("got %s %+v, want success", j.State, j.Problem)
	}
	body, err := r.queue.Result(r.t.Context(), j)
	r.check(err)
	r.check(json.Unmarshal(body, &out))
	return out
}

// TestCompiling compiles, registers and names a circuit; the same sources are
// compiled once, others again.
func TestCompiling(t *testing.T) {
	t.Parallel()
	r := newCompileRig(t)
	first := r.ended(r.compile(task("a", "one")).ID)
	made := r.result(first)
	c, err := r.registry.Resolve(t.Context(), "one")
	r.check(err)
	if made.Circuit != c.ID || made.Existed || c.Frontend != "zokrates" || r.compiler.open.Load() != 0 {
		t.Errorf("got %+v of %+v, %d files left open", made, c, r.compiler.open.Load())
	}
	var phases []string
	for _, p := range first.Ledger.Phases {
		phases = append(phases, p.Name)
	}
	if want := []string{"queue", "wait", "compile", "register"}; !slices.Equal(phases, want) || first.Arguments != nil {
		t.Errorf("got phases %v and arguments %v, want %v and none", phases, first.Arguments, want)
	}
	second := task("a", "two")
	second.Tag = "v2"
	if again := r.result(r.ended(r.compile(second).ID)); again.Circuit != c.ID || !again.Existed {
		t.Errorf("got %+v, want the same circuit", again)
	}
	if named, err := r.registry.Resolve(t.Context(), "two:v2"); err != nil || named.ID != c.ID {
		t.Errorf("got %v, want the second name on it", err)
	}
	debug := task("a", "")
	debug.Sources.Debug = true
	if n := r.compiler.compiled.Load(); n != 1 {
		t.Errorf("compiled %d times, want once", n)
	}
	for _, other := range []CompileTask{task("b", ""), debug} {
		if got := r.result(r.ended(r.compile(other).ID)); !got.Existed {
			t.Errorf("got %+v, want the circuit that the fake always makes", got)
		}
	}
	if n := r.compiler.compiled.Load(); n != 3 {
		t.Errorf("compiled %d times, want another time for each set of sources", n)
	}
	r.check(r.registry.Remove(t.Context(), c.ID))
	if got := r.result(r.ended(r.compile(task("a", "")).ID)); got.Existed {
		t.Errorf("got %+v after the circuit was removed, want it registered anew", got)
	}
}

// TestSameSourcesAtOnce compiles the same sources in two slots.
func TestSameSourcesAtOnce(t *testing.T) {
	t.Parallel()
	r := newCompileRig(t)
	entered, gate := make(chan struct{}, 2), make(chan struct{})
	r.compiler.onCompile.set(func(context.Context) error { entered <- struct{}{}; <-gate; return nil })
	first, second := r.compile(task("a", "")), r.compile(task("a", ""))
	get(t, "the compiler", entered)
	for _, id := range []string{first.ID, second.ID} { // both are running before one goes on
		for j := range r.queue.Watch(t.Context(), id) {
			if j.State == queue.Running {
				break
			}
		}
	}
	close(gate)
	one, two := r.result(r.ended(first.ID)), r.result(r.ended(second.ID))
	if one.Circuit != two.Circuit || one.Existed == two.Existed || r.compiler.compiled.Load() != 1 {
		t.Errorf("got %+v and %+v, compiled %d times, want one compilation for both", one, two, r.compiler.compiled.Load())
	}
	if n := len(r.compiling.same.inUse); n != 0 {
		t.Errorf("%d gates are left", n)
	}
}

// TestCompilingFails ends compilations in every way but success.
func TestCompilingFails(t *testing.T) {
	t.Parallel()
	source := fault.New(fault.InvalidArtifact, "main.zok:1:2: no (and 1 more error)")
	source.Diagnostics = []fault.Diagnostic{
		{Position: fault.Position{File: "main.zok", Line: 1, Column: 2}, Message: "no"},
		{Position: fault.Position{File: "b.zok", Line: 3, Column: 4}, Message: "nor this"},
	}
	unknown := task("a", "")
	unknown.Sources.Frontend = "basic"
	for _, tc := range []struct {
		name     string
		task     CompileTask
		compile  func(context.Context) error
		missing  bool
		code     fault.Code
		attempts int
	}{
		{"errors in the source", task("a", ""), func(context.Context) error { return source }, false, fault.InvalidArtifact, 1},
		{"too large for the compiler", task("a", ""), func(context.Context) error { return fault.New(fault.Unsupported, "out of memory") }, false, fault.Unsupported, 1},
		{"too slow", task("a", ""), func(context.Context) error { return fault.New(fault.DeadlineExceeded, "stopped") }, false, fault.DeadlineExceeded, 1},
		{"the compiler breaks", task("a", ""), func(context.Context) error { return errors.New("exit status 2") }, false, fault.Internal, 2},
		{"the compiler panics", task("a", ""), func(context.Context) error { panic(secret) }, false, fault.Internal, 2},
		{"no compiler for it", unknown, fine, false, fault.Unsupported, 1},
		{"not installed", task("a", ""), fine, true, fault.Unsupported, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newCompileRig(t)
			r.compiler.onCompile.set(tc.compile)
			r.compiler.missing.Store(tc.missing)
			j := r.ended(r.compile(tc.task).ID)
			if j.State != queue.Failed || j.Problem.Code != tc.code || j.Attempt != tc.attempts {
				t.Errorf("got %s %+v at attempt %d, want %s at %d", j.State, j.Problem, j.Attempt, tc.code, tc.attempts)
			}
			if tc.code == fault.InvalidArtifact && !slices.Equal(j.Problem.Diagnostics, source.Diagnostics) {
				t.Errorf("got %+v, want all errors", j.Problem.Diagnostics)
			}
			if strings.Contains(r.log.String(), source.Detail) {
				t.Errorf("the log quotes the source: %s", r.log)
			}
			if strings.Contains(r.log.String(), secret) {
				t.Errorf("the log shows a panic's value: %s", r.log)
			}
		})
	}
}

// TestCancelledCompilation ends the compiler's context, also of one that waits
// for the same sources.
func TestCancelledCompilation(t *testing.T) {
	t.Parallel()
	r := newCompileRig(t)
	entered, ended := make(chan struct{}, 2), make(chan struct{}, 2)
	r.compiler.onCompile.set(func(ctx context.Context) error {
		entered <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return ctx.Err()
	})
	first := r.compile(task("a", ""))
	get(t, "the compiler", entered)
	second := r.compile(task("a", ""))
	for _, j := range []queue.Job{second, first} {
		_, err := r.queue.Cancel(t.Context(), j.ID)
		r.check(err)
		if j := r.ended(j.ID); j.State != queue.Cancelled || j.Arguments != nil {
			t.Errorf("got %s, want it cancelled and the sources erased", j.State)
		}
	}
	get(t, "the compiler's end", ended)
	r.compiler.onCompile.set(fine)
	r.result(r.ended(r.compile(task("a", "")).ID))
}
