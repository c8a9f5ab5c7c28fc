package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// childVariable tells the test binary that it is a child.
const childVariable = "PROVERY_BENCH_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childVariable) {
	case "":
		goleak.VerifyTestMain(m)
	case "killed":
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		select {}
	case "fails":
		fmt.Fprintln(os.Stderr, "no good")
		os.Exit(3)
	default:
		if err := Child(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// progress collects what a lab says.
type progress struct {
	mu   sync.Mutex
	said []string
}

func (p *progress) say(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, s)
}

// newLab returns a lab with a cache of its own, whose children play the part.
func newLab(t *testing.T, part string) (*Lab, *progress) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &progress{}
	return &Lab{Command: []string{"/usr/bin/env", childVariable + "=" + part, self}, Cache: t.TempDir(), Progress: p.say}, p
}

// mul is a program with one constraint.
func mul(t *testing.T) Workload {
	t.Helper()
	dir, err := filepath.Abs("../../testdata/zokrates/mul/bn128")
	if err != nil {
		t.Fatal(err)
	}
	w := zokratesWorkload("mul", "a product", "", func(i int) (json.RawMessage, error) {
		return json.RawMessage(fmt.Sprintf(`["%d","5"]`, i)), nil
	})
	w.Files["program"], w.Files["abi"] = filepath.Join(dir, "out"), filepath.Join(dir, "abi.json")
	w.Key, w.Signatures = filepath.Join(dir, "ark-g16", "proving.key"), 1
	return w
}

// find returns the workloads of the names.
func find(t *testing.T, names ...string) []Workload {
	t.Helper()
	w, err := Find(names)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
