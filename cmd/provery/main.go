// Command provery is a proving service for zk-SNARK circuits: server, worker
// and command-line client in one binary.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"provery/internal/cli"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, cli.System{
		Args: os.Args[1:], Environ: os.Environ(), Version: version,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}))
}
