// Command sign prints arguments for the EdDSA example: one line of ABI arguments
// for each signed message.
//
//	go run ./examples/zokrates/eddsa/sign -n 3 -seed demo
//
// With a seed the lines are the same on every run. -per 2 puts two statements
// into each line, for main2.zok. The keys are for examples only.
package main

import (
	"bufio"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"os"

	"provery/examples/zokrates/eddsa/signer"
)

func main() {
	n := flag.Int("n", 1, "number of lines")
	per := flag.Int("per", 1, "statements in each line")
	seed := flag.String("seed", "", "text that determines keys and messages (default: random)")
	flag.Parse()
	if *n < 0 || *per < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if *seed == "" {
		*seed = rand.Text()
	}
	if err := run(os.Stdout, *seed, *n, *per); err != nil {
		fmt.Fprintln(os.Stderr, "sign:", err)
		os.Exit(1)
	}
}

// run writes n lines of per statements each.
func run(w io.Writer, seed string, n, per int) error {
	out := bufio.NewWriter(w)
	for line := range n {
		statements := make([]signer.Statement, per)
		for i := range statements {
			statements[i] = signer.Generate(seed, line*per+i)
		}
		arguments, err := signer.Arguments(statements...)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n", arguments)
	}
	return out.Flush()
}
