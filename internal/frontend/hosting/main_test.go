package hosting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"provery/internal/curve"
	"provery/internal/fault"
)

const fakeCommand = "fake-child"

// TestMain is also the child's main function, and that of children that
// misbehave.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ChildCommand {
		if err := Child(context.Background(), os.Stdin, os.Stdout, []Language{toy{}}); err != nil {
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
		_, _ = io.Copy((&Job{out: os.Stdout}).Output("program"), io.LimitReader(zeros{}, 1<<30))
	case "environment":
		text := strings.Join(os.Environ(), "\n")
		_ = writeFrame(os.Stdout, frameReply, fmt.Appendf(nil, `{"failure":{"code":"invalid_artifact","detail":%q}}`, text))
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
	os.Exit(3)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// hang waits for longer than any test lasts. An empty select would do for as
// long as the runtime doesn't take it for a deadlock.
func hang() { <-time.After(time.Hour) }

// toy is a language whose programs say what its compiler does.
type toy struct{}

func (toy) Name() string                                  { return "toy" }
func (toy) Version() string                               { return "toy 1" }
func (toy) Extension() string                             { return ".toy" }
func (toy) Curves() []curve.ID                            { return []curve.ID{curve.BN128, curve.BLS12381} }
func (toy) Optimizations() []string                       { return []string{"1", "0"} }
func (toy) Includes() bool                                { return true }
func (toy) Imports([]byte) []string                       { return nil }
func (toy) Package() string                               { return "toy" }
func (toy) Locate(string) error                           { return nil }
func (toy) Prepare(context.Context, string, string) error { return nil }

// Compile does what the main file says.
func (toy) Compile(_ context.Context, job *Job) error {
	if err := job.Compiling(); err != nil {
		return err
	}
	verb, arg, _ := strings.Cut(job.Sources[job.Main], " ")
	switch verb {
	case "hang":
		hang()
	case "copy": // a file, and the options
		if _, err := io.WriteString(job.Output("a"), job.Sources[arg]); err != nil {
			return err
		}
		_, err := fmt.Fprint(job.Output("b"), job.Curve, job.Options)
		return err
	case "scratch":
		return os.WriteFile(filepath.Join(job.Scratch, "file"), make([]byte, 1<<20), 0o600)
	case "refuse":
		return Refused(fault.InvalidArtifact, Errors{
			{Position: fault.Position{File: job.Main, Line: 2, Column: 3}, Message: "bad"}, {Message: "worse"},
		})
	case "break":
		return errors.New("broken")
	}
	return nil
}

// open returns a compiler of toys with its own directory for programs.
func open(t testing.TB, cfg Config) *Compiler {
	t.Helper()
	cfg.Language, cfg.Toolchain, cfg.TempDir = toy{}, "toys", t.TempDir()
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

// toys asks for a program on bn128. files are paths and texts in turn; the
// first is the main file.
func toys(files ...string) Request {
	req := Request{Sources: map[string][]byte{}, Main: files[0], Curve: curve.BN128}
	for pair := range slices.Chunk(files, 2) {
		req.Sources[pair[0]] = []byte(pair[1])
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
