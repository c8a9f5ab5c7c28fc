// Package proving runs a proving service of one's own, as a process, and registers
// the ledger's circuit there. A deployment has a service that runs anyway; the demo
// and the tests don't.
package proving

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Server is a proving service in a process of its own.
type Server struct {
	URL  string
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process has ended
	last string        // line of its log, to read then
}

// serving is the line of the service's log that says where it listens.
var serving = regexp.MustCompile(`msg=serving address=(\S+)`)

// Start starts binary, "provery", on a free port of loopback and waits until it
// serves. Its data lie in dir; its log is appended to service.log there.
func Start(ctx context.Context, binary, dir string) (*Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	logName := filepath.Join(dir, "service.log")
	log, err := os.OpenFile(logName, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", dir)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the proving service: %w", err)
	}
	s := &Server{cmd: cmd, gone: make(chan struct{})}
	address := make(chan string, 1)
	go func() {
		defer close(s.gone)
		defer log.Close()
		s.last = follow(stderr, log, address)
		_ = cmd.Wait()
	}()
	select {
	case a := <-address:
		s.URL = "http://" + a
		return s, nil
	case <-s.gone:
		return nil, fmt.Errorf("the proving service ended at its start: %s (its log is %s)", s.last, logName)
	case <-ctx.Done():
		s.Kill()
		return nil, ctx.Err()
	}
}

// follow copies a log until its end, sends the address in it, and returns its last
// line.
func follow(in io.Reader, out io.Writer, address chan<- string) (last string) {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		_, _ = io.WriteString(out, line)
		last = cmp.Or(strings.TrimSpace(line), last)
		if m := serving.FindStringSubmatch(line); m != nil {
			select {
			case address <- m[1]:
			default:
			}
		}
		if err != nil {
			return last
		}
	}
}

// Stop lets the service finish what it proves, and waits for its end.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.gone:
	case <-time.After(time.Minute):
		s.Kill()
	}
}

// Kill ends the process at once, as a crash would.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.gone
}
