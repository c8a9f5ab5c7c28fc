// Package snarkjs runs snarkjs, the prover that Circom's files come from, to compare
// Provery's results with.
//
// It is for tests only. It needs Node.js and the packages that `make setup` installs
// in toolchain/circom.
package snarkjs

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Process is a running snarkjs, which takes one call after the other. Several
// goroutines may use it.
type Process struct {
	mu  sync.Mutex
	in  io.WriteCloser
	out *bufio.Reader
}

// Start starts snarkjs, which ends with the test. root is the repository's root
// relative to the test's directory. Without an installed snarkjs the test fails: a
// comparison that was skipped would look like one that was passed.
func Start(tb testing.TB, root string) *Process {
	tb.Helper()
	dir := filepath.Join(root, "toolchain", "circom")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "snarkjs")); err != nil {
		tb.Fatalf("snarkjs isn't installed ('make setup' does it): %v", err)
	}
	cmd := exec.Command("node", filepath.Join(dir, "snarkjs.mjs"))
	var printed strings.Builder // complete when the process has ended
	cmd.Stderr = &printed
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("start snarkjs: %v", err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			tb.Errorf("snarkjs: %v", err)
		}
		if tb.Failed() && printed.Len() > 0 {
			tb.Logf("snarkjs printed:\n%s", &printed)
		}
	})
	return &Process{in: in, out: bufio.NewReader(out)}
}

// Call calls a function of snarkjs by its path, such as "zKey.contribute", and
// decodes its result into result, unless that is nil. Paths of files have to be
// absolute.
func (p *Process) Call(result any, name string, args ...any) error {
	request, err := json.Marshal(map[string]any{"call": name, "args": args})
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.in.Write(append(request, '\n')); err != nil {
		return fmt.Errorf("snarkjs: %s: %w", name, err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("snarkjs: %s: %w", name, err)
	}
	var reply struct {
		Result json.RawMessage `json:"result"`
		Error  string          `json:"error"`
	}
	switch err := json.Unmarshal(line, &reply); {
	case err != nil:
		return fmt.Errorf("snarkjs: %s: %w", name, err)
	case reply.Error != "":
		return fmt.Errorf("snarkjs: %s: %w", name, errors.New(reply.Error))
	case result == nil:
		return nil
	}
	return json.Unmarshal(reply.Result, result)
}

// Must is Call, whose error fails the test at once.
func (p *Process) Must(tb testing.TB, result any, name string, args ...any) {
	tb.Helper()
	if err := p.Call(result, name, args...); err != nil {
		tb.Fatal(err)
	}
}

// Accepts reports whether a function of snarkjs that checks something returns true.
func (p *Process) Accepts(tb testing.TB, name string, args ...any) bool {
	tb.Helper()
	var ok bool
	p.Must(tb, &ok, name, args...)
	return ok
}
