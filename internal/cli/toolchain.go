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
	Package  string `help:"The installed npm package." type:"existingdir" default:"toolchain/zokrates/node_modules/zokrates-js" placeholder:"DIR"`
	Dir      string `help:"Where to install; below the service's data directory without it." placeholder:"DIR"`
	DataDir  string `help:"The service's data directory." placeholder:"DIR"`
}

// Run prepares the compiler. The package is npm's zokrates-js of the version in
// toolchain/zokrates/package.json; its content is checked by hash.
func (c *toolchainInstall) Run(ctx context.Context, e *env) error {
	dir := c.Dir
	if dir == "" {
		cfg, err := config.Load(config.Sources{Environ: e.Environ, Flags: func(cfg *config.Config) error {
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
	fmt.Fprintln(e.Stderr, "Preparing the compiler; the first time this takes about half a minute ...")
	if err := compiler.Prepare(ctx, c.Package, dir); err != nil {
		return fault.Wrap(err, fault.Internal, "install the compiler")
	}
	fmt.Fprintln(e.Stdout, "installed in", dir)
	return nil
}
