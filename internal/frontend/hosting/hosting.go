// Package hosting runs the compilers of circuit languages: WebAssembly modules
// from npm packages, each compilation in a process of its own.
//
// The modules have licences of their own (GPL and LGPL), so they are neither
// part of the repository nor of the binary: they are installed at set-up time,
// and the process that runs one is started anew for each compilation and talks
// over pipes. That process is also what keeps the service safe from hostile
// source: it is limited in time and memory, is killed when the context is done,
// and never serves a second request.
//
// What is particular to a language is behind [Language], which the languages'
// own packages implement.
package hosting

import (
	"context"
	"io"
	"os"
	"time"

	"provery/internal/curve"
	"provery/internal/fault"
)

// ChildCommand is the hidden subcommand of the binary that runs [Child].
const ChildCommand = "compile-child"

// Language is a circuit language with a compiler. Its methods are safe for
// concurrent use.
type Language interface {
	// Name is the name of the language's front-end, such as "zokrates".
	Name() string
	// Version names the compiler: another one makes other programs.
	Version() string
	// Extension is what the names of source files end in, such as ".zok".
	Extension() string
	// Curves are those that it compiles for, the default first.
	Curves() []curve.ID
	// Optimizations are the levels of optimisation that a request can name, the
	// default first; nil if there are none to choose.
	Optimizations() []string
	// Includes reports whether imports are looked up in Options.Include, too.
	Includes() bool
	// Imports returns the texts of the import statements in a source file, as
	// far as they may name other files. It may return too many.
	Imports(source []byte) []string
	// Package is the folder of the compiler's npm package, below the folder of
	// the toolchains.
	Package() string
	// Locate returns nil if dir is a toolchain directory that Prepare has
	// completed, and otherwise a fault.Unsupported that says how to install the
	// compiler.
	Locate(dir string) error
	// Prepare fills the toolchain directory dir, which it makes if need be,
	// from packageDir, the folder of the npm package. A complete directory is
	// left alone, and packageDir then need not exist. Keep dir from others: what
	// is in it is run as code.
	Prepare(ctx context.Context, packageDir, dir string) error
	// Compile runs in the child: it compiles and writes the outputs. Source that
	// doesn't compile is an error made by [Refused].
	Compile(ctx context.Context, job *Job) error
}

// Config says how to compile. Language and Toolchain have no default.
type Config struct {
	Language Language
	// Toolchain is the directory that the language's Prepare has filled.
	Toolchain string
	// Command is the program, and its first arguments, that runs Child.
	// Default: this executable with ChildCommand.
	Command []string
	// TempDir holds compiled programs until their Result is closed, and what a
	// compiler needs while it runs. Default: os.TempDir.
	TempDir string
	// Slots holds one element for each compilation that runs; more wait.
	// Compilers may share it. Default: one at a time.
	Slots  chan struct{}
	Limits Limits
	// Library are files beside every request's own, by path. Those of the same
	// path in a request take their place. LibraryRoots are folders among them
	// in which imports are looked up last.
	Library      map[string][]byte
	LibraryRoots []string
}

// Limits bound one compilation. A zero field has the default.
type Limits struct {
	Time        time.Duration // wall time from the child's start, default 10 minutes
	Memory      int64         // of the compiler, in bytes; default, and most, 4 GiB
	SourceBytes int64         // of all files together, default 4 MiB
	Files       int           // default 1,000
	ImportDepth int           // longest chain of imports, default 64
	// ProgramBytes is the most a compiled program may have, default 1 GiB.
	ProgramBytes int64
}

// MemoryMost is the address space of WebAssembly, MemoryLeast what a compiler
// needs to compile anything: its data and its stack.
const (
	MemoryMost  = 4 << 30
	MemoryLeast = 128 << 20
)

func (l Limits) withDefaults() Limits {
	def(&l.Time, 10*time.Minute)
	def(&l.Memory, MemoryMost)
	def(&l.SourceBytes, 4<<20)
	def(&l.Files, 1000)
	def(&l.ImportDepth, 64)
	def(&l.ProgramBytes, 1<<30)
	return l
}

func def[T comparable](field *T, value T) {
	if *field == *new(T) {
		*field = value
	}
}

// Compiler compiles one language. It is safe for concurrent use and holds no
// resources.
type Compiler struct{ cfg Config }

// New returns a Compiler. The toolchain need not be installed yet: Compile
// says so if it isn't.
func New(cfg Config) (*Compiler, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	l := cfg.Limits
	switch {
	case cfg.Toolchain == "":
		return nil, fault.New(fault.InvalidRequest, "compiler: no toolchain directory is given")
	case l.Memory < MemoryLeast || l.Memory > MemoryMost:
		return nil, fault.New(fault.InvalidRequest, "compiler: the memory limit must be between %d MiB and 4 GiB", MemoryLeast>>20)
	case min(int64(l.Time), l.SourceBytes, int64(l.Files), int64(l.ImportDepth), l.ProgramBytes) < 0:
		return nil, fault.New(fault.InvalidRequest, "compiler: a limit is negative")
	}
	if cfg.Slots == nil {
		cfg.Slots = make(chan struct{}, 1)
	}
	if len(cfg.Command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "find the compiler's executable")
		}
		cfg.Command = []string{self, ChildCommand}
	}
	return &Compiler{cfg}, nil
}

// Options change how sources are compiled. A zero field has the compiler's
// default.
type Options struct {
	Debug    bool     `json:"debug,omitempty"` // keep log statements
	Optimize string   `json:"optimize,omitempty"`
	Include  []string `json:"include,omitempty"` // folders of the set in which imports are looked up, too
}

// Request is what to compile.
type Request struct {
	// Sources are the files by slash-separated path, relative to the root of
	// the set, such as "lib/merkle.zok". Imports reach no other file but those
	// of the language's own library and of Config.Library.
	Sources map[string][]byte
	Main    string // the path of the file with the main function
	Curve   curve.ID
	Options Options
	// Stage, if not nil, is told what is being done: one of the Stage texts,
	// in their order.
	Stage func(string)
}

// The stages of a compilation.
const (
	StageLoad    = "load"    // the compiler itself is loaded
	StageCompile = "compile" // the source is compiled
	StageWrite   = "write"   // the program is written
)

// Result is a compiled program. Close it.
type Result struct {
	Size    int64         // of all its files, in bytes
	CPU     time.Duration // of the child process
	Memory  int64         // of the child process at its peak, in bytes; 0 where the system doesn't tell
	outputs *outputs
}

// Artefacts returns the program's files by the roles that the language's
// front-end reads. They may be read at any offset and by several goroutines
// until Close.
func (r *Result) Artefacts() map[string]*io.SectionReader { return r.outputs.readers() }

// Close removes the program's files.
func (r *Result) Close() error { return r.outputs.Close() }

// Language returns what it compiles.
func (c *Compiler) Language() Language { return c.cfg.Language }

// Ready returns an error that says how to install the toolchain, unless it is
// installed.
func (c *Compiler) Ready() error { return c.cfg.Language.Locate(c.cfg.Toolchain) }

// Check returns the error that Compile would return for the request's form and
// size.
func (c *Compiler) Check(req Request) error { return c.check(req) }

// Compile compiles the sources in a process of its own, which is gone when
// Compile returns. It waits while as many compilations run as Config allows.
//
// Source that the compiler refuses is fault.InvalidArtifact with all errors that
// the compiler found as its Diagnostics, and the position of the first; so are
// imports that are missing, run in a circle or leave the source set, and source
// on which the compiler crashes. A program that the compiler can't make for the
// curve, and one too large for its memory, are fault.Unsupported. Exceeded
// limits are fault.TooLarge and fault.DeadlineExceeded.
func (c *Compiler) Compile(ctx context.Context, req Request) (*Result, error) {
	if err := c.check(req); err != nil {
		return nil, err
	}
	if err := c.Ready(); err != nil {
		return nil, err
	}
	select {
	case c.cfg.Slots <- struct{}{}:
		defer func() { <-c.cfg.Slots }()
	case <-ctx.Done():
		return nil, fault.Wrap(ctx.Err(), fault.Canceled, "wait for the compiler")
	}
	result, err := c.run(ctx, req)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "compile %s", req.Main)
	}
	return result, nil
}
