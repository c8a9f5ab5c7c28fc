// Command rollup runs a payments ledger, and is the wallet for it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Demo     demoCommand     `cmd:"" help:"Run everything on a chain of one's own: accounts, transfers, proofs, and a table of what they cost."`
	Operator operatorCommand `cmd:"" help:"Run a ledger: take transfers, have them proven, settle them on a chain."`
	Wallet   walletCommand   `cmd:"" help:"Make keys and transfers."`
	Chain    chainCommand    `cmd:"" help:"Run a chain for trying it out, in this process alone."`
}

func main() {
	// The second signal ends the process at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	var c commands
	parser := kong.Must(&c, kong.Name("rollup"), kong.Description("A payments ledger whose every step is proven."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.BindTo(ctx, (*context.Context)(nil)))
	args := os.Args[1:]
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "rollup: %v\nrollup --help says how.\n", err)
		os.Exit(2)
	}
	if err := k.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "rollup:", err)
		os.Exit(1)
	}
}
