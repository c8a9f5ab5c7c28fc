package compiler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"provery/internal/curve"
	"provery/internal/fault"
)

const (
	packageDir = "../../../../toolchain/zokrates/node_modules/zokrates-js"
	// toolchainDir is shared by all tests and kept: to fill it takes half a minute.
	toolchainDir = "../../../../build/cache/zokrates-js"
	fakeCommand  = "fake-child"
)

// TestMain is also the child's main function, and that of children that
// misbehave.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ChildCommand {
		if err := Child(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == fakeCommand {
		fake(os.Args[2])
	}
	goleak.VerifyTestMain(m)
}

// fake is a child that does as it is told.
func fake(what string) {
	what, err := strconv.Unquote(what)
	if err != nil {
		panic(err)
	}
	verb, arg, _ := strings.Cut(what, " ")
	switch verb {
	case "hang": // and hold a connection while it lives
		conn, err := net.Dial("tcp", arg)
		if err != nil {
			panic(err)
		}
		hang()
		_ = conn.Close()
	case "fail":
		fmt.Fprintln(os.Stderr, arg)
	case "kill":
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			panic(err)
		}
		_ = self.Kill()
		hang()
	case "say":
		_, _ = os.Stdout.WriteString(arg)
	case "program":
		_, _ = io.Copy(&programWriter{w: os.Stdout}, io.LimitReader(zeros{}, 1<<30))
	case "environment":
		text := strings.Join(os.Environ(), "\n")
		_ = writeFrame(os.Stdout, frameReply, []byte(fmt.Sprintf(`{"failure":{"code":"invalid_artifact","detail":%q}}`, text)))
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
	os.Exit(3)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

var prepareOnce = sync.OnceValue(func() error { return Prepare(context.Background(), packageDir, toolchainDir) })

// open returns a compiler over the tests' toolchain, which it prepares if need
// be, with its own directory for programs.
func open(t testing.TB, cfg Config) *Compiler {
	t.Helper()
	if err := prepareOnce(); err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs(toolchainDir)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Toolchain, cfg.TempDir = dir, t.TempDir()
	c, err := New(cfg)
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
func request(files ...string) Request {
	req := Request{Sources: map[string][]byte{}, Main: files[0], Curve: curve.BN128}
	for i := 0; i < len(files); i += 2 {
		req.Sources[files[i]] = []byte(files[i+1])
	}
	return req
}

// failing compiles what must not compile.
func failing(t testing.TB, c *Compiler, req Request) *fault.Error {
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

// hang waits for longer than any test lasts. An empty select would do for as
// long as the runtime doesn't take it for a deadlock.
func hang() { <-time.After(time.Hour) }
