package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"provery/internal/config"
	"provery/internal/daemon"
	"provery/internal/fault"
	"provery/internal/frontend/hosting"
)

// compileChild is the process that a compilation runs in: the service starts
// its own binary again for each.
func compileChild(ctx context.Context, sys System) int {
	if err := hosting.Child(ctx, sys.Stdin, sys.Stdout, daemon.Languages()); err != nil {
		fmt.Fprintln(sys.Stderr, "provery:", err)
		return exitFailed
	}
	return exitOK
}

type toolchainCommand struct {
	Install toolchainInstall `cmd:"" help:"Install a compiler from its npm package."`
}

type toolchainInstall struct {
	Language string `arg:"" enum:"zokrates,circom" help:"Circuit language: zokrates or circom."`
	Package  string `help:"Folder of the compiler's npm package, zokrates-js or circom2; by default that of a checkout of Provery, after 'npm ci' in toolchain/zokrates or toolchain/circom." placeholder:"DIR"`
	Config   string `help:"Configuration file of the service, which says where it looks." placeholder:"FILE" env:"PROVERY_CONFIG"`
	Dir      string `help:"Where to install; where the configuration says without it." placeholder:"DIR"`
	DataDir  string `help:"The service's data directory, if the configuration doesn't say it." placeholder:"DIR"`
}

// Run prepares the compiler. The package is npm's of the version in the lock
// file below toolchain; its content is checked by hash.
func (c *toolchainInstall) Run(ctx context.Context, e *env) error {
	dir := c.Dir
	if dir == "" {
		cfg, err := config.Load(config.Sources{File: c.Config, Environ: e.Environ, Flags: func(cfg *config.Config) error {
			if c.DataDir == "" {
				return nil
			}
			return cfg.Set("data_dir", c.DataDir)
		}})
		if err != nil {
			return err
		}
		dir = cfg.CompilerPath()
	}
	language, err := languageOf(c.Language)
	if err != nil {
		return err
	}
	if language.Locate(dir) == nil {
		fmt.Fprintln(e.Stdout, "installed before in", dir)
		return nil
	}
	fmt.Fprintln(e.Stderr, "Preparing the compiler, which may take half a minute ...")
	from := cmp.Or(c.Package, filepath.Join("toolchain", filepath.FromSlash(language.Package())))
	if err := language.Prepare(ctx, from, dir); err != nil {
		return fault.Wrap(err, fault.Internal, "install the compiler")
	}
	fmt.Fprintln(e.Stdout, "installed in", dir)
	return nil
}

// languageOf returns the language of a front-end's name.
func languageOf(name string) (hosting.Language, error) {
	for _, l := range daemon.Languages() {
		if l.Name() == name {
			return l, nil
		}
	}
	return nil, fault.New(fault.Unsupported, "there is no compiler for %q", name)
}

// languageOfFile returns the language that a source file is of by its name, nil
// if it is of none.
func languageOfFile(name string) hosting.Language {
	for _, l := range daemon.Languages() {
		if strings.HasSuffix(name, l.Extension()) {
			return l
		}
	}
	return nil
}
