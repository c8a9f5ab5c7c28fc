// Package compiler compiles ZoKrates source with the compiler of the npm
// package zokrates-js 1.1.9, a WebAssembly module that package hosting runs. It
// has a licence of its own (GPL-3.0; ZoKrates is LGPL-3.0).
//
// The program and the ABI are byte for byte those of zokrates-js under Node,
// where the main file is given as its base name and imports as paths relative
// to its folder.
package compiler

import (
	"context"
	"io"
	"regexp"

	"provery/internal/curve"
	"provery/internal/frontend/hosting"
)

// Extension is what every source file's name ends with; imports may leave it
// out.
const Extension = ".zok"

// The roles of the outputs, as the ZoKrates front-end reads them.
const (
	roleProgram = "program"
	roleABI     = "abi"
)

// Language returns ZoKrates.
func Language() hosting.Language { return language{} }

type language struct{}

func (language) Name() string            { return "zokrates" }
func (language) Version() string         { return "zokrates-js " + PackageVersion }
func (language) Extension() string       { return Extension }
func (language) Curves() []curve.ID      { return curve.All() }
func (language) Optimizations() []string { return nil }
func (language) Includes() bool          { return false }
func (language) Package() string         { return "zokrates/node_modules/zokrates-js" }

// imported finds the paths of import statements: import "./a" as a, and
// from "./a" import b. Others are those of the standard library.
var imported = regexp.MustCompile(`\b(?:import|from)\s*"(\.{1,2}/[^"\n]*)"`)

// Imports implements hosting.Language. What looks like an import inside of a
// comment is one, too.
func (language) Imports(source []byte) []string {
	var out []string
	for _, m := range imported.FindAllSubmatch(source, -1) {
		out = append(out, string(m[1]))
	}
	return out
}

// Compile implements hosting.Language.
func (language) Compile(ctx context.Context, job *hosting.Job) error {
	in, err := start(ctx, job)
	if err != nil {
		return err
	}
	if err := job.Compiling(); err != nil {
		return err
	}
	abi, err := in.compile(ctx, job, newResolver(job.Sources, job.Main, job.ImportDepth), job.Output(roleProgram))
	if err == nil {
		_, err = io.WriteString(job.Output(roleABI), string(abi))
	}
	return err
}

// start loads the module. It is never unloaded: the process ends soon.
func start(ctx context.Context, job *hosting.Job) (*instance, error) {
	wasm, err := zokratesJS.Read(job.Toolchain)
	if err != nil {
		return nil, err
	}
	c, err := hosting.Load(ctx, job.Toolchain, wasm, job.Memory)
	if err != nil {
		return nil, err
	}
	in, err := instantiate(ctx, c)
	if err != nil {
		return nil, err
	}
	wasm = nil
	hosting.Settle()
	return in, nil
}
