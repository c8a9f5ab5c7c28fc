package compiler

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend/hosting"
)

const (
	packageDir = "../../../../toolchain/zokrates/node_modules/zokrates-js"
	// toolchainDir is shared by all tests and kept: to fill it takes half a minute.
	toolchainDir = "../../../../build/cache/zokrates-js"
)

// TestMain is also the child's main function.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == hosting.ChildCommand {
		if err := hosting.Child(context.Background(), os.Stdin, os.Stdout, []hosting.Language{Language()}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

var prepareOnce = sync.OnceValue(func() error { return Language().Prepare(context.Background(), packageDir, toolchainDir) })

// open returns a compiler over the tests' toolchain, which it prepares if need
// be, with its own directory for programs.
func open(t testing.TB, cfg hosting.Config) *hosting.Compiler {
	t.Helper()
	if err := prepareOnce(); err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs(toolchainDir)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Language, cfg.Toolchain, cfg.TempDir = Language(), dir, t.TempDir()
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

// request asks for a program on bn128. files are paths and texts in turn; the
// first is the main file.
func request(files ...string) hosting.Request {
	req := hosting.Request{Sources: map[string][]byte{}, Main: files[0], Curve: curve.BN128}
	for i := 0; i < len(files); i += 2 {
		req.Sources[files[i]] = []byte(files[i+1])
	}
	return req
}

// failing compiles what must not compile.
func failing(t testing.TB, c *hosting.Compiler, req hosting.Request) *fault.Error {
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
