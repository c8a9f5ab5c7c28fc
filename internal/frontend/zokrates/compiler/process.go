package compiler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"provery/internal/fault"
)

// errTime is the cause of a context that the time limit ended.
var errTime = errors.New("time limit of the compiler")

// run compiles in a child process and waits for its end.
func (c *Compiler) run(ctx context.Context, req Request) (_ *Result, err error) {
	limited, stop := context.WithTimeoutCause(ctx, c.cfg.Limits.Time, errTime)
	defer stop()
	program, err := newSpool(c.cfg.TempDir, c.cfg.Limits.ProgramBytes)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = program.Close()
		}
	}()
	p, err := startChild(limited, c.cfg.Command)
	if err != nil {
		return nil, err
	}
	stage := req.Stage
	if stage == nil {
		stage = func(string) {}
	}
	stage(StageLoad)
	answer, failed := p.exchange(c.header(req), req.Sources, &output{program: program, stage: stage})
	waited := p.cmd.Wait()
	if failed != nil {
		return nil, c.explain(ctx, limited, failed, waited, p.stderr.String())
	}
	if answer.Failure != nil {
		return nil, answer.Failure.err()
	}
	return &Result{
		ABI: answer.ABI, Constraints: answer.Constraints, Size: program.size, program: program,
		CPU: p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), Memory: answer.Memory,
	}, nil
}

func (c *Compiler) header(req Request) header {
	h := header{
		Toolchain: c.cfg.Toolchain, Main: req.Main, Curve: req.Curve.String(), Debug: req.Debug,
		Memory: c.cfg.Limits.Memory, ImportDepth: c.cfg.Limits.ImportDepth,
	}
	for _, name := range slices.Sorted(maps.Keys(req.Sources)) {
		h.Files = append(h.Files, headerFile{name, int64(len(req.Sources[name]))})
	}
	return h
}

// process is a running child. Its standard input stays open until Wait, as a
// sign that somebody still waits for the answer.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.Reader
	stderr head
}

// startChild starts a child that is killed when ctx is done. It sees nothing of
// this process's environment, which may hold secrets.
func startChild(ctx context.Context, command []string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, command[0], command[1:]...)}
	p.cmd.Env = []string{"GOTRACEBACK=single", "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = 5 * time.Second
	detach(p.cmd)
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "start the compiler")
	}
	if p.stdout, err = p.cmd.StdoutPipe(); err != nil {
		_ = p.stdin.Close()
		return nil, fault.Wrap(err, fault.Internal, "start the compiler")
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "start the compiler")
	}
	return p, nil
}

// output takes what the child sends before its reply.
type output struct {
	program *spool
	stage   func(string)
}

// exchange sends the request and reads the response.
func (p *process) exchange(h header, sources map[string][]byte, out *output) (*reply, error) {
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_ = writeRequest(p.stdin, h, sources) // if it fails, there is no answer
	}()
	answer, err := receive(p.stdout, out)
	if ended(err) {
		_ = p.stdin.Close() // it is ending by itself; how, says its status
	} else {
		_ = p.cmd.Process.Kill() // it has nothing more to say
	}
	<-sent
	return answer, err
}

// ended reports whether a child has closed its output too early.
func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

func receive(r io.Reader, out *output) (*reply, error) {
	for {
		kind, size, err := readHead(r)
		if err != nil {
			return nil, fmt.Errorf("read the compiler's answer: %w", err)
		}
		switch kind {
		case frameStage:
			name, err := readStage(r, size)
			if err != nil {
				return nil, fmt.Errorf("read the compiler's answer: %w", err)
			}
			out.stage(name)
		case frameProgram:
			if _, err := io.CopyN(out.program, r, size); err != nil {
				return nil, err
			}
		case frameReply:
			var answer reply
			if err := readJSON(r, size, &answer); err != nil {
				return nil, fmt.Errorf("read the compiler's answer: %w", err)
			}
			if answer.Failure == nil && (answer.Size != out.program.size || !json.Valid(answer.ABI)) {
				return nil, errors.New("the compiler's answer is incomplete")
			}
			return &answer, nil
		default:
			return nil, fmt.Errorf("the compiler's answer has a frame of kind %q", kind)
		}
	}
}

// explain says why there is no answer.
func (c *Compiler) explain(ctx, limited context.Context, failed, waited error, stderr string) error {
	var f *fault.Error
	var exit *exec.ExitError
	switch {
	case errors.As(failed, &f):
		return f
	case ctx.Err() != nil:
		return fault.Wrap(ctx.Err(), fault.Canceled, "the compiler was stopped")
	case context.Cause(limited) == errTime:
		return fault.New(fault.DeadlineExceeded, "the compiler was stopped after %v", c.cfg.Limits.Time)
	case strings.Contains(stderr, "out of memory"), strings.Contains(stderr, "cannot allocate memory"),
		ended(failed) && errors.As(waited, &exit) && killed(exit.ProcessState):
		return outOfMemory(c.cfg.Limits.Memory, errors.Join(failed, waited, errors.New(stderr)))
	}
	return &fault.Error{
		Code: fault.Internal, Detail: "the compiler's process failed",
		Err: errors.Join(failed, waited, errors.New(stderr)),
	}
}

// head keeps the first part of what is written to it.
type head struct{ text []byte }

const maxHead = 16 << 10

// Write never fails.
func (h *head) Write(b []byte) (int, error) {
	h.text = append(h.text, b[:min(len(b), maxHead-len(h.text))]...)
	return len(b), nil
}

// String returns what was kept.
func (h *head) String() string { return string(h.text) }

// spool is a file for a program, which disappears with the last use of it
// where the system allows that, and at Close elsewhere.
type spool struct {
	file       *os.File
	size, most int64
	linked     bool
}

func newSpool(dir string, most int64) (*spool, error) {
	file, err := os.CreateTemp(dir, "provery-program-*")
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "make a file for the program")
	}
	return &spool{file: file, most: most, linked: os.Remove(file.Name()) != nil}, nil
}

// Write appends to the file.
func (s *spool) Write(b []byte) (int, error) {
	if s.size += int64(len(b)); s.size > s.most {
		return 0, fault.New(fault.TooLarge, "the compiled program has more than %d bytes", s.most)
	}
	n, err := s.file.Write(b)
	if errors.Is(err, syscall.ENOSPC) {
		err = fault.Wrap(err, fault.InsufficientStorage, "there is no space for the compiled program")
	} else if err != nil {
		err = fault.Wrap(err, fault.Internal, "write the compiled program")
	}
	return n, err
}

// ReadAt reads from the file.
func (s *spool) ReadAt(b []byte, offset int64) (int, error) { return s.file.ReadAt(b, offset) }

// Close removes the file.
func (s *spool) Close() error {
	err := s.file.Close()
	if s.linked {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	return err
}
