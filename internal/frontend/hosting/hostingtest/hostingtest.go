// Package hostingtest has what the tests of hosted compilers share: the compilers as
// `make setup` installs them, and what becomes of sources that don't compile.
package hostingtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend/hosting"
)

// Main is the main function of a test binary that compiles, and of the processes
// in which it does so.
func Main(m *testing.M, languages ...hosting.Language) {
	if len(os.Args) > 1 && os.Args[1] == hosting.ChildCommand {
		if err := hosting.Child(context.Background(), os.Stdin, os.Stdout, languages); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// Package is the folder of a language's npm package, in the repository at root.
func Package(root string, l hosting.Language) string {
	return filepath.Join(root, "toolchain", filepath.FromSlash(l.Package()))
}

// Toolchain is the folder that all tests of the repository at root share for their
// compilers, and keep: to fill it takes half a minute.
func Toolchain(root string) string { return filepath.Join(root, "build", "cache", "zokrates-js") }

// preparing has one test fill the folder, while the others wait.
var preparing sync.Mutex

// Prepare adds compilers to the toolchain's folder that aren't there, and returns
// its absolute path.
func Prepare(t testing.TB, root string, languages ...hosting.Language) (dir string) {
	t.Helper()
	preparing.Lock()
	defer preparing.Unlock()
	dir, err := filepath.Abs(Toolchain(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range languages {
		if err := l.Prepare(t.Context(), Package(root, l), dir); err != nil {
			t.Fatalf("%v; `make setup` installs what the tests compile with", err)
		}
	}
	return dir
}

// Open returns a compiler over the tests' toolchain, with its own folder for
// programs, of which nothing may be left when the test ends.
func Open(t testing.TB, root string, l hosting.Language, cfg hosting.Config) *hosting.Compiler {
	t.Helper()
	cfg.Language, cfg.Toolchain, cfg.TempDir = l, Prepare(t, root, l), t.TempDir()
	c, err := hosting.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left, err := os.ReadDir(cfg.TempDir); err != nil || len(left) > 0 {
			t.Errorf("%d files are left in the directory for programs (%v)", len(left), err)
		}
	})
	return c
}

// Request asks for a program on bn128. files are paths and texts in turn; the first
// is the main file.
func Request(files ...string) hosting.Request {
	req := hosting.Request{Sources: map[string][]byte{}, Main: files[0], Curve: curve.BN128}
	for pair := range slices.Chunk(files, 2) {
		req.Sources[pair[0]] = []byte(pair[1])
	}
	return req
}

// Fail compiles what must not compile.
func Fail(t testing.TB, c *hosting.Compiler, req hosting.Request) *fault.Error {
	t.Helper()
	result, err := c.Compile(t.Context(), req)
	if err == nil {
		_ = result.Close()
		t.Fatal("got a program, want an error")
	}
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a fault", err)
	}
	return f
}

// Refusal is a request that doesn't compile, and why.
type Refusal struct {
	Name   string
	Req    hosting.Request
	Code   fault.Code
	Errors []string // file:line:column: how the message begins; nil if no hosting.Errors
	Detail string   // a part of it
}

// Check compares an error with the one that is wanted.
func (r Refusal) Check(t testing.TB, f *fault.Error) {
	t.Helper()
	if f.Code != r.Code || !strings.Contains(f.Detail, r.Detail) {
		t.Errorf("got %s %q, want %s with %q", f.Code, f.Detail, r.Code, r.Detail)
	}
	var list hosting.Errors
	if errors.As(f, &list); len(list) != len(r.Errors) {
		t.Fatalf("got errors %q, want %d", list, len(r.Errors))
	}
	for i, want := range r.Errors {
		if !strings.HasPrefix(list[i].String(), want) {
			t.Errorf("error %d: got %q, want %q", i, list[i], want)
		}
	}
	if len(list) > 0 && list[0].Line > 0 && (f.Position == nil || *f.Position != list[0].Position) {
		t.Errorf("got position %v, want that of the first error", f.Position)
	}
}
