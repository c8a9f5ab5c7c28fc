// Command provery is a proving service for zk-SNARK circuits: server, worker
// and command-line client in one binary.
package main

import (
	"os"

	"provery/internal/cli"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(cli.Process(version)) }
