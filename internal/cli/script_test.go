package cli_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"provery/internal/cli"
	"provery/internal/daemon"
	"provery/internal/frontend/hosting/hostingtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"provery": func() { os.Exit(cli.Process("v0-test")) }})
}

// TestScripts runs testdata/script/*.txtar, the specification of the command
// line. Beside testscript's own commands there are
//
//	status N command...   run a command, which must exit with N
//	serve [flag...]       start a service in the background on a free port, with its
//	                      data in $WORK/data, and set PROVERY_SERVER to its address
//	terminate             ask it to terminate: it must exit with 0; its log is serve.log
//	crash                 kill it
//	replace file old new  replace the first old, which must be there
//
// A command of testscript's own can't be replaced: its "stop" ends a script
// early and lets it pass. $FIXTURES is the directory of ZoKrates's files,
// $CIRCOM that of Circom's, $COMPILER that of the compilers, $SNARKJS is
// snarkjs's command line, for node.
func TestScripts(t *testing.T) {
	t.Parallel()
	compilers := hostingtest.Prepare(t, "../..", daemon.Languages()...)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			for name, dir := range map[string]string{
				"FIXTURES": "../../testdata/zokrates", "CIRCOM": "../../testdata/circom/bn128", "COMPILER": compilers,
				"SNARKJS": "../../toolchain/circom/node_modules/snarkjs/build/cli.cjs",
			} {
				root, err := filepath.Abs(dir)
				if err != nil {
					return err
				}
				e.Setenv(name, root)
			}
			e.Values[serverKey{}] = &server{vars: e.Vars}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status, "serve": serve, "terminate": terminate, "crash": crash, "replace": replace,
		},
	})
}

// status implements the command of this name.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("got exit status %d, want %d", got, want)
	}
}

type serverKey struct{}

// server is a service in the background of a script.
type server struct {
	vars []string
	cmd  *exec.Cmd
	log  serverLog
	read sync.WaitGroup
}

// serverLog collects a service's log and tells the address in it.
type serverLog struct {
	mu      sync.Mutex
	text    strings.Builder
	address chan string
}

// follow reads the log to its end.
func (l *serverLog) follow(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line := lines.Text()
		l.mu.Lock()
		l.text.WriteString(line + "\n")
		l.mu.Unlock()
		if _, rest, found := strings.Cut(line, "msg=serving address="); found {
			address, _, _ := strings.Cut(rest, " ")
			l.address <- address
		}
	}
	close(l.address)
}

func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func serverOf(ts *testscript.TestScript) *server { return ts.Value(serverKey{}).(*server) }

// serve implements the command of this name.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	s := serverOf(ts)
	if neg || s.cmd != nil {
		ts.Fatalf("usage: serve [flag...], once at a time")
	}
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if file := filepath.Join(dir, "provery"); path == "" {
			if _, err := os.Stat(file); err == nil {
				path = file
			}
		}
	}
	s.cmd = exec.Command(path, append([]string{"serve", "--listen", "127.0.0.1:0", "--data-dir", ts.MkAbs("data")}, args...)...)
	s.cmd.Dir, s.cmd.Env = ts.MkAbs("."), append(s.vars, "PATH="+ts.Getenv("PATH"))
	stderr, err := s.cmd.StderrPipe()
	ts.Check(err)
	s.log = serverLog{address: make(chan string, 1)}
	ts.Check(s.cmd.Start())
	ts.Defer(func() { s.end(ts, syscall.SIGKILL) })
	s.read.Go(func() { s.log.follow(stderr) })
	select {
	case address, ok := <-s.log.address:
		if !ok {
			ts.Fatalf("the service ended: %s", s.log.String())
		}
		ts.Setenv("PROVERY_SERVER", "http://"+address)
	case <-time.After(time.Minute):
		ts.Fatalf("the service didn't start: %s", s.log.String())
	}
}

// end sends the signal and waits for the service's end.
func (s *server) end(ts *testscript.TestScript, signal os.Signal) error {
	if s.cmd == nil {
		return nil
	}
	cmd := s.cmd
	s.cmd = nil
	_ = cmd.Process.Signal(signal) // it may have ended by itself
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	s.read.Wait()
	err := cmd.Wait()
	ts.Check(os.WriteFile(ts.MkAbs("serve.log"), []byte(s.log.String()), 0o600))
	return err
}

// terminate implements the command of this name.
func terminate(ts *testscript.TestScript, neg bool, args []string) {
	s := serverOf(ts)
	if neg || len(args) > 0 || s.cmd == nil {
		ts.Fatalf("usage: terminate, after serve")
	}
	if err := s.end(ts, syscall.SIGTERM); err != nil {
		ts.Fatalf("the service ended with %v: %s", err, s.log.String())
	}
}

// crash implements the command of this name.
func crash(ts *testscript.TestScript, neg bool, args []string) {
	s := serverOf(ts)
	if neg || len(args) > 0 || s.cmd == nil {
		ts.Fatalf("usage: crash, after serve")
	}
	_ = s.end(ts, syscall.SIGKILL) // it is an error, as it must be
}

// replace implements the command of this name.
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace file old new")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s: there is no %q in it", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
}
