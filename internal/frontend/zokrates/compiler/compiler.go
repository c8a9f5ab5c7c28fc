// Package compiler compiles ZoKrates source with the compiler of the npm
// package zokrates-js 1.1.9, a WebAssembly module that Provery hosts.
//
// The module has a licence of its own (GPL-3.0; ZoKrates is LGPL-3.0), so it
// is neither part of the repository nor of the binary: [Prepare] takes it from
// the package at set-up time, and every compilation runs in a process of its
// own, started anew, that talks over pipes. That process is also what keeps the
// service safe from hostile source: it is limited in time and memory, is
// killed when the context is done, and never serves a second request.
//
// The program and the ABI are byte for byte those of zokrates-js under Node,
// where the main file is given as its base name and imports as paths relative
// to its folder.
package compiler

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"time"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
)

// ChildCommand is the hidden subcommand of the binary that runs [Child].
const ChildCommand = "compile-child"

// Config says how to compile. Only Toolchain has no default.
type Config struct {
	// Toolchain is the directory that Prepare has filled.
	Toolchain string
	// Command is the program, and its first arguments, that runs Child.
	// Default: this executable with ChildCommand.
	Command []string
	// TempDir holds compiled programs until their Result is closed. Default:
	// os.TempDir.
	TempDir string
	// Concurrency is the number of compilations at a time; more wait.
	// Default 1.
	Concurrency int
	Limits      Limits
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

// memoryMost is the address space of WebAssembly, memoryLeast what the
// compiler needs to compile anything: its data and the stack it is given.
const (
	memoryMost  = 4 << 30
	memoryLeast = 128 << 20
)

func (l Limits) withDefaults() Limits {
	def(&l.Time, 10*time.Minute)
	def(&l.Memory, memoryMost)
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

// Compiler compiles. It is safe for concurrent use and holds no resources.
type Compiler struct {
	cfg   Config
	slots chan struct{}
}

// New returns a Compiler. The toolchain need not be installed yet: Compile
// says so if it isn't.
func New(cfg Config) (*Compiler, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	def(&cfg.Concurrency, 1)
	l := cfg.Limits
	switch {
	case cfg.Toolchain == "":
		return nil, fault.New(fault.InvalidRequest, "compiler: no toolchain directory is given")
	case l.Memory < memoryLeast || l.Memory > memoryMost:
		return nil, fault.New(fault.InvalidRequest, "compiler: the memory limit must be between %d MiB and 4 GiB", memoryLeast>>20)
	case min(int64(l.Time), l.SourceBytes, int64(l.Files), int64(l.ImportDepth), l.ProgramBytes, int64(cfg.Concurrency)) < 0:
		return nil, fault.New(fault.InvalidRequest, "compiler: a limit is negative")
	}
	if len(cfg.Command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "find the compiler's executable")
		}
		cfg.Command = []string{self, ChildCommand}
	}
	return &Compiler{cfg: cfg, slots: make(chan struct{}, cfg.Concurrency)}, nil
}

// Request is what to compile.
type Request struct {
	// Sources are the files by slash-separated path, relative to the root of
	// the set, such as "lib/merkle.zok". Imports reach no other file but the
	// standard library, which is the compiler's own.
	Sources map[string][]byte
	Main    string // the path of the file with the main function
	Curve   curve.ID
	Debug   bool // keep log statements
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
	ABI         json.RawMessage // as the compiler wrote it, without white space
	Constraints int
	Size        int64         // of the program, in bytes
	CPU         time.Duration // of the child process
	Memory      int64         // of the child process at its peak, in bytes; 0 where the system doesn't tell
	program     *spool
}

// Program returns the program, the content of an "out" file. It may be read
// at any offset and by several goroutines until Close.
func (r *Result) Program() *io.SectionReader { return io.NewSectionReader(r.program, 0, r.Size) }

// Close removes the program's file.
func (r *Result) Close() error { return r.program.Close() }

// Ready returns an error that says how to install the toolchain, unless it is
// installed.
func (c *Compiler) Ready() error { return Locate(c.cfg.Toolchain) }

// Check returns the error that Compile would return for the request's form and
// size.
func (c *Compiler) Check(req Request) error { return c.cfg.Limits.check(req) }

// Compile compiles the sources in a process of its own, which is gone when
// Compile returns. It waits while as many compilations run as Config allows.
//
// Source that the compiler refuses is fault.InvalidArtifact with all errors that
// the compiler found as its Diagnostics, and the position of the first; so are imports that are missing, run in a circle or leave the
// source set, and source on which the compiler crashes. A pragma for another
// curve and a program too large for the compiler's memory are
// fault.Unsupported. Exceeded limits are fault.TooLarge and
// fault.DeadlineExceeded.
func (c *Compiler) Compile(ctx context.Context, req Request) (*Result, error) {
	if err := c.cfg.Limits.check(req); err != nil {
		return nil, err
	}
	if err := Locate(c.cfg.Toolchain); err != nil {
		return nil, err
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, fault.Wrap(ctx.Err(), fault.Canceled, "wait for the compiler")
	}
	result, err := c.run(ctx, req)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "compile %s", req.Main)
	}
	return result, nil
}

// Artefacts returns the program and the ABI by the roles that the ZoKrates
// front-end reads.
func (r *Result) Artefacts() frontend.Artefacts {
	return frontend.Artefacts{"program": r.Program(), "abi": sectionReader(r.ABI)}
}
