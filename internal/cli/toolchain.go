package cli

import (
	"context"
	"fmt"

	"provery/internal/config"
	"provery/internal/fault"
	"provery/internal/frontend/zokrates/compiler"
)

// compileChild is the process that a compilation runs in: the service starts
// its own binary again for each.
func compileChild(ctx context.Context, sys System) int {
	if err := compiler.Child(ctx, sys.Stdin, sys.Stdout); err != nil {
		fmt.Fprintln(sys.Stderr, "provery:", err)
		return exitFailed
	}
	return exitOK
}

type toolchainCommand struct {
	Install toolchainInstall `cmd:"" help:"Install a compiler from its npm package."`
}

type toolchainInstall struct {
	Language string `arg:"" enum:"zokrates" help:"Circuit language: zokrates."`
	Package  string `help:"Folder of the installed npm package zokrates-js; by default that of a checkout of Provery, after 'npm ci' in toolchain/zokrates." default:"toolchain/zokrates/node_modules/zokrates-js" placeholder:"DIR"`
	Config   string `help:"Configuration file of the service, which says where it looks." placeholder:"FILE" env:"PROVERY_CONFIG"`
	Dir      string `help:"Where to install; where the configuration says without it." placeholder:"DIR"`
	DataDir  string `help:"The service's data directory, if the configuration doesn't say it." placeholder:"DIR"`
}

// Run prepares the compiler. The package is npm's zokrates-js of the version in
// toolchain/zokrates/package.json; its content is checked by hash.
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
	if compiler.Locate(dir) == nil {
		fmt.Fprintln(e.Stdout, "installed before in", dir)
		return nil
	}
	fmt.Fprintln(e.Stderr, "Preparing the compiler, which takes about half a minute ...")
	if err := compiler.Prepare(ctx, c.Package, dir); err != nil {
		return fault.Wrap(err, fault.Internal, "install the compiler")
	}
	fmt.Fprintln(e.Stdout, "installed in", dir)
	return nil
}
