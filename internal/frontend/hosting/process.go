package hosting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"provery/internal/fault"
)

// errTime is the cause of a context that the time limit ended.
var errTime = errors.New("time limit of the compiler")

// run compiles in a child process and waits for its end.
func (c *Compiler) run(ctx context.Context, req Request) (_ *Result, err error) {
	limited, stop := context.WithTimeoutCause(ctx, c.cfg.Limits.Time, errTime)
	defer stop()
	scratch, err := os.MkdirTemp(c.cfg.TempDir, "provery-compile-*")
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "make a directory for the compiler")
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	out := &outputs{dir: c.cfg.TempDir, most: c.cfg.Limits.ProgramBytes, stage: req.Stage}
	defer func() {
		if err != nil {
			_ = out.Close()
		}
	}()
	p, err := startChild(limited, c.cfg.Command)
	if err != nil {
		return nil, err
	}
	out.enter(StageLoad)
	answer, failed := p.exchange(func(w io.Writer) error { return c.writeRequest(w, req, scratch) }, out)
	waited := p.cmd.Wait()
	if failed != nil {
		return nil, c.explain(ctx, limited, failed, waited, p.stderr.String())
	}
	if answer.Failure != nil {
		return nil, answer.Failure.err()
	}
	return &Result{
		Size: out.size, outputs: out, Memory: answer.Memory,
		CPU: p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(),
	}, nil
}

// writeRequest writes what Child reads.
func (c *Compiler) writeRequest(w io.Writer, req Request, scratch string) error {
	files := maps.Clone(c.cfg.Library)
	if files == nil {
		files = map[string][]byte{}
	}
	maps.Copy(files, req.Sources)
	options := req.Options
	options.Include = slices.Concat(options.Include, c.cfg.LibraryRoots)
	l := c.cfg.Limits
	return writeRequest(w, request{
		Language: c.cfg.Language.Name(), Most: l.ProgramBytes,
		Job: header{
			Toolchain: c.cfg.Toolchain, Main: req.Main, Curve: req.Curve.String(), Memory: l.Memory,
			ImportDepth: l.ImportDepth, Scratch: scratch, Options: options,
		},
	}, files)
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

// exchange sends the request and reads the response.
func (p *process) exchange(send func(io.Writer) error, out *outputs) (*reply, error) {
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_ = send(p.stdin) // if it fails, there is no answer
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

func receive(r io.Reader, out *outputs) (*reply, error) {
	for {
		answer, err := receiveFrame(r, out)
		switch {
		case err != nil:
			return nil, fmt.Errorf("read the compiler's answer: %w", err)
		case answer != nil && answer.Failure == nil && (answer.Size != out.size || out.size == 0):
			return nil, errors.New("the compiler's answer is incomplete")
		case answer != nil:
			return answer, nil
		}
	}
}

// receiveFrame takes one frame, and returns the reply if it is that.
func receiveFrame(r io.Reader, out *outputs) (*reply, error) {
	kind, size, err := readHead(r)
	if err != nil {
		return nil, err
	}
	switch kind {
	case frameStage:
		name, err := readStage(r, size)
		if err == nil {
			out.enter(name)
		}
		return nil, err
	case frameOutput:
		role, err := readName(r, size)
		if err == nil {
			err = out.begin(role)
		}
		return nil, err
	case frameBytes:
		_, err := io.CopyN(out, r, size)
		return nil, err
	case frameReply:
		answer := new(reply)
		return answer, readJSON(r, size, answer)
	}
	return nil, fmt.Errorf("a frame of kind %q", kind)
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
		return OutOfMemory(c.cfg.Limits.Memory, "", errors.Join(failed, waited, errors.New(stderr)))
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
