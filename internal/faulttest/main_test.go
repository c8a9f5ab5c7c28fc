//go:build linux

package faulttest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// long says that the long form runs.
var long = os.Getenv("PROVERY_FAULTS") == "long"

// times chooses between the two forms.
func times(short, inLong int) int {
	if long {
		return inLong
	}
	return short
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		binaries.remove()
		os.Exit(status)
	}))
}

// build is a program that the tests run, built once, when it is first asked for.
type build struct {
	pkg   string
	flags []string
	once  sync.Once
	path  string
	err   error
}

type builds struct {
	mu  sync.Mutex
	dir string
}

var (
	binaries builds
	provery  = &build{pkg: "provery/cmd/provery"}
	// early and late are the same with a clock that is an hour off.
	early      = &build{pkg: "provery/cmd/provery", flags: []string{"-ldflags", "-X provery/internal/daemon.clockOffset=-1h"}}
	late       = &build{pkg: "provery/cmd/provery", flags: []string{"-ldflags", "-X provery/internal/daemon.clockOffset=1h"}}
	natsServer = &build{pkg: "github.com/nats-io/nats-server/v2"}
)

// file returns the path of the built program.
func (b *build) file(t *testing.T) string {
	t.Helper()
	b.once.Do(func() { b.path, b.err = binaries.add(b) })
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.path
}

func (s *builds) add(b *build) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "provery-faults-")
		if err != nil {
			return "", err
		}
		s.dir = dir
	}
	f, err := os.CreateTemp(s.dir, filepath.Base(filepath.Dir(b.pkg))+"-")
	if err != nil {
		return "", err
	}
	f.Close()
	cmd := exec.Command("go", append(append([]string{"build", "-o", f.Name()}, b.flags...), b.pkg)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", b.pkg, err, out)
	}
	return f.Name(), nil
}

func (s *builds) remove() {
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}
