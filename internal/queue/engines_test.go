package queue_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"provery/internal/engine"
	"provery/internal/fault"
	"provery/internal/freeport"
	"provery/internal/queue"
	"provery/internal/store"
)

// engineVariable says what engine the tests of this package run on: empty for
// the embedded one, or onServer or onCluster.
const engineVariable = "PROVERY_QUEUE_TEST_ENGINE"

const (
	onServer  = "server"  // one external server, a process of its own
	onCluster = "cluster" // three of them, which hold every record three times
)

// external is the engine that the tests share where it isn't embedded. Each of
// them has a namespace of its own there.
var external struct {
	once  sync.Once
	dir   string
	url   string
	nodes []*child
	err   error
}

// embedded skips a test of what only the embedded engine does.
func embedded(t testing.TB) {
	t.Helper()
	if os.Getenv(engineVariable) != "" {
		t.Skip("this is about the embedded engine")
	}
}

// openEngine opens the engine of the tests over a directory, and returns cfg as
// it has to be there.
func openEngine(ctx context.Context, dir string, embedded engine.Config, cfg queue.Config) (*engine.Engine, queue.Config, error) {
	kind := os.Getenv(engineVariable)
	if kind == "" {
		embedded.StoreDir = filepath.Join(dir, "engine")
		eng, err := engine.Open(ctx, embedded)
		return eng, cfg, err
	}
	external.once.Do(func() { external.err = startExternal(kind) })
	if external.err != nil {
		return nil, cfg, external.err
	}
	if cfg.Namespace == "" {
		cfg.Namespace = "t" + store.Sum([]byte(dir)).String()[len("sha256:"):][:16]
	}
	if kind == onCluster && cfg.Replicas == 0 {
		cfg.Replicas = 3
	}
	eng, err := engine.Open(ctx, engine.Config{URL: external.url, StartTimeout: time.Minute})
	return eng, cfg, err
}

// openQueue opens a queue. A new stream of a cluster takes its time to find a
// leader.
func openQueue(ctx context.Context, eng *engine.Engine, blobs store.Blobs, cfg queue.Config) (*queue.Queue, error) {
	for deadline := time.Now().Add(time.Minute); ; {
		q, err := queue.Open(ctx, eng, blobs, cfg)
		if err == nil || eng.Embedded() || !fault.Is(err, fault.Overloaded) || time.Now().After(deadline) {
			return q, err
		}
	}
}

// startExternal starts the shared servers.
func startExternal(kind string) (err error) {
	if external.dir, err = os.MkdirTemp("", "provery-queue-"); err != nil {
		return err
	}
	ports := freeport.Find(6)
	roles := []*serverRole{{Name: "a", Dir: filepath.Join(external.dir, "a"), Port: ports[0]}}
	if kind == onCluster {
		roles = nil
		for i, name := range []string{"a", "b", "c"} {
			roles = append(roles, clusterServer(i, name, filepath.Join(external.dir, name), ports))
		}
	}
	for _, r := range roles {
		c := &child{role: role{Server: r}}
		external.nodes = append(external.nodes, c)
		if err := c.launch(); err != nil {
			return err
		}
	}
	external.url = clientURL(ports[:len(roles)]...)
	return nil
}

// stopExternal ends the shared servers.
func stopExternal() {
	for _, c := range external.nodes {
		c.kill()
	}
	if external.dir != "" {
		_ = os.RemoveAll(external.dir)
	}
}

// again runs the tests of this package once more, in a process of its own, on
// another engine.
func again(t *testing.T, kind string) {
	t.Helper()
	embedded(t)
	cmd := exec.Command(os.Args[0], "-test.short", "-test.skip=^TestSameOn|^TestExternalServer$|^TestCluster$|^TestKilledProcess$",
		"-rapid.checks=10", "-test.timeout=20m")
	cmd.Env = append(os.Environ(), engineVariable+"="+kind)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the tests on a %s: %v\n%s", kind, err, out)
	}
}

// TestSameOnAServer runs all tests on an external server.
func TestSameOnAServer(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	again(t, onServer)
}

// TestSameOnACluster runs all tests on a cluster of three.
func TestSameOnACluster(t *testing.T) {
	if os.Getenv("PROVERY_FAULTS") != "long" {
		t.Skip("make test-faults runs it")
	}
	again(t, onCluster)
}
