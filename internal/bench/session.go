package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"provery/internal/cgroup"
	"provery/internal/fault"
)

// Lab starts the processes that measure.
type Lab struct {
	// Command is the program, with its first arguments, that runs Child.
	Command []string
	// Cache is the directory with the workloads' files, and with what is
	// prepared from them.
	Cache string
	// Progress is called with what is being done; it may be nil.
	Progress func(string)
}

// NewLab returns a lab whose children run this executable.
func NewLab(cache string, progress func(string)) (*Lab, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return &Lab{Command: []string{self, ChildCommand}, Cache: cache, Progress: progress}, nil
}

func (l *Lab) say(format string, args ...any) {
	if l.Progress != nil {
		l.Progress(fmt.Sprintf(format, args...))
	}
}

// session is a child process that waits for requests. Its methods may not be
// called concurrently.
type session struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	replies *json.Decoder
	stderr  *tail
	closed  bool
}

// sizing is what a child may use. Zero fields are without limit.
type sizing struct {
	threads int // GOMAXPROCS
	memory  int64
	group   *cgroup.Group
}

// start starts a child. It is killed when ctx is done.
func (l *Lab) start(ctx context.Context, size sizing) (*session, error) {
	return startSession(ctx, l.Command, size)
}

// startSession starts a process that serves requests as Child does. It is
// killed when ctx is done.
func startSession(ctx context.Context, command []string, size sizing) (*session, error) {
	s := &session{cmd: exec.CommandContext(ctx, command[0], command[1:]...), stderr: &tail{}}
	s.cmd.Stderr, s.cmd.WaitDelay = s.stderr, 5*time.Second
	s.cmd.Env = os.Environ()
	if size.threads > 0 {
		s.cmd.Env = append(s.cmd.Env, fmt.Sprintf("GOMAXPROCS=%d", size.threads))
	}
	if size.memory > 0 {
		s.cmd.Env = append(s.cmd.Env, fmt.Sprintf("GOMEMLIMIT=%d", size.memory))
	}
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.replies = json.NewDecoder(bufio.NewReader(out))
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a process that measures: %w", err)
	}
	if size.group != nil {
		if err := size.group.Add(s.cmd.Process.Pid); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// errKilled says that a child was killed by something else than its session:
// most likely for want of memory.
var errKilled = errors.New("the process was killed: there wasn't enough memory")

// ask sends a request and waits for the reply.
func (s *session) ask(ctx context.Context, req *request) (*reply, error) {
	line, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	if _, err = s.in.Write(append(line, '\n')); err == nil {
		var r reply
		if err = s.replies.Decode(&r); err == nil {
			if r.Error != nil {
				return nil, fault.New(r.Error.Code, "%s", r.Error.Detail)
			}
			return &r, nil
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	ended := s.close()
	var exit *exec.ExitError
	if errors.As(ended, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			return nil, errKilled
		}
	}
	return nil, fmt.Errorf("a process that measures ended: %w: %s", errors.Join(err, ended), s.stderr)
}

// close ends the child and waits for it.
func (s *session) close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	_ = s.in.Close()
	return s.cmd.Wait()
}

// tail keeps the end of what a process says about its failure.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write keeps the last bytes.
func (t *tail) Write(p []byte) (int, error) {
	const most = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-most):]
	return len(p), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}

// once runs one request in a child of its own.
func (l *Lab) once(ctx context.Context, size sizing, req *request) (*reply, error) {
	s, err := l.start(ctx, size)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return s.ask(ctx, req)
}

// prepared returns the directory of what is prepared from the workloads.
func (l *Lab) prepared() string { return filepath.Join(l.Cache, "bench") }
