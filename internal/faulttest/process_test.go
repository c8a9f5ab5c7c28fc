//go:build linux

package faulttest

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"provery/internal/freeport"
)

// patience bounds every wait for something that will happen.
const patience = 2 * time.Minute

// eventually waits until ok holds, and fails the test if it never does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// process is a child that can be killed and started again. It writes to a log
// file, which is shown if the test fails.
type process struct {
	t    *testing.T
	name string
	file string // of its program
	args []string
	log  string
	cmd  *exec.Cmd
}

// launch starts a process that lasts until the test ends.
func launch(t *testing.T, name string, b *build, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, file: b.file(t), args: args, log: filepath.Join(t.TempDir(), name+".log")}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the end of %s's log:\n%s", name, p.tail(8<<10))
		}
	})
	p.start()
	return p
}

func (p *process) start() {
	p.t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.Command(p.file, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %s: %v", p.name, err)
	}
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill() // it may have ended
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

// terminate asks the process to stop, and waits until it has.
func (p *process) terminate() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	ended := make(chan error, 1)
	go func(cmd *exec.Cmd) { ended <- cmd.Wait() }(p.cmd)
	select {
	case err := <-ended:
		if err != nil {
			p.t.Errorf("%s: got %v at its end, want status 0", p.name, err)
		}
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-ended
		p.t.Errorf("%s didn't stop when it was asked to", p.name)
	}
	p.cmd = nil
}

// says reports whether the log holds the text.
func (p *process) says(text string) bool { return p.count(text) > 0 }

// count returns how often the log holds the text.
func (p *process) count(text string) int {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return 0
	}
	return bytes.Count(b, []byte(text))
}

func (p *process) tail(n int) []byte {
	b, err := os.ReadFile(p.log)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return b[max(0, len(b)-n):]
}

// freePorts returns ports that nobody listens on.
func freePorts(n int) []string {
	var ports []string
	for _, p := range freeport.Find(n) {
		ports = append(ports, strconv.Itoa(p))
	}
	return ports
}
