// Package peer runs zokrates-js, an independent implementation of ZoKrates and of
// its proof systems, to compare Provery's results with.
//
// It is for tests and benchmarks only: nothing that is part of a running service
// imports it. It needs Node.js and the packages that `make setup` installs in
// toolchain/zokrates; toolchain/zokrates/zokrates.mjs says what each command does.
//
// Starting Node and zokrates-js costs about one CPU second and 250 MB of memory,
// so a test that has several commands runs them in one [Toolchain.Batch]. All
// methods may be called by several goroutines at once; each call has a process of
// its own, which ends when the context is done.
package peer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Toolchain is an installed zokrates-js.
type Toolchain struct {
	root string // of the module
	node string // path of Node's binary
}

// Require returns the installed toolchain, and fails the test if there is none: a
// comparison that was skipped would look like one that was passed.
func Require(tb testing.TB) *Toolchain {
	tb.Helper()
	t, err := Find()
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// Find returns the toolchain of the module that the working directory lies in. The
// error says how to install what is missing.
func Find() (*Toolchain, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, fmt.Errorf("find zokrates-js: %w", err)
	}
	return find(root)
}

func find(root string) (*Toolchain, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, errors.New("find zokrates-js: there is no node command: install Node.js 20 or newer, then run `make setup`")
	}
	t := &Toolchain{root: root, node: node}
	installed, err := readManifest(t.file("node_modules/zokrates-js/package.json"))
	if err != nil {
		return nil, fmt.Errorf("find zokrates-js: it is not installed in toolchain/zokrates: run `make setup`: %w", err)
	}
	wanted, err := readManifest(t.file("package.json"))
	if err != nil {
		return nil, fmt.Errorf("find zokrates-js: %w", err)
	}
	if want := wanted.Dependencies["zokrates-js"]; installed.Version != want {
		return nil, fmt.Errorf("find zokrates-js: version %s is installed, want %s: run `make setup`", installed.Version, want)
	}
	return t, nil
}

// Root returns the absolute path of the module's root directory.
func (t *Toolchain) Root() string { return t.root }

// file returns the path of a file of the toolchain.
func (t *Toolchain) file(name string) string {
	return filepath.Join(t.root, "toolchain", "zokrates", filepath.FromSlash(name))
}

// manifest is the part of a package.json that counts here.
type manifest struct {
	Version      string            `json:"version"`
	Dependencies map[string]string `json:"dependencies"`
}

func readManifest(file string) (manifest, error) {
	var m manifest
	data, err := os.ReadFile(file)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

// moduleRoot returns the nearest directory upwards that holds a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = parent
	}
}
