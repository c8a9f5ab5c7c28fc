package queue_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"provery/internal/engine"
	"provery/internal/queue"
	"provery/internal/store"
	"provery/internal/store/file"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(roleVariable); text != "" {
		os.Exit(runRole(text))
	}
	goleak.VerifyTestMain(tests{m})
}

// tests are this package's, with the engine that they share.
type tests struct{ *testing.M }

// Run runs them.
func (m tests) Run() int {
	defer stopExternal()
	return m.M.Run()
}

// circuit is a circuit id for tests.
var circuit = store.Sum([]byte("circuit"))

// fixture is an engine with one queue on it.
type fixture struct {
	*queue.Queue
	dir   string
	eng   *engine.Engine
	blobs *file.Store
	cfg   queue.Config
}

// open starts an engine over dir (empty: a fresh one) and opens a queue.
func open(t testing.TB, dir string, cfg queue.Config) *fixture {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	f := &fixture{dir: dir, cfg: cfg}
	var err error
	if f.eng, f.cfg, err = openEngine(t.Context(), dir, engine.Config{}, cfg); err != nil {
		t.Fatal(err)
	}
	if f.blobs, err = file.Open(dir + "/blobs"); err != nil {
		t.Fatal(err)
	}
	f.Queue = f.another(t, f.cfg)
	t.Cleanup(f.stop)
	return f
}

// another opens the same queue once more, as another process would.
func (f *fixture) another(t testing.TB, cfg queue.Config) *queue.Queue {
	t.Helper()
	cfg.Namespace, cfg.Replicas = f.cfg.Namespace, f.cfg.Replicas
	q, err := openQueue(t.Context(), f.eng, f.blobs, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Now != nil {
		queue.TrustClock(q)
	}
	t.Cleanup(q.Close)
	return q
}

// stop ends queue and engine; it may be called before the test ends.
func (f *fixture) stop() {
	f.Close()
	_ = f.eng.Close(context.Background())
	_ = f.blobs.Close()
}

// newJob returns a small job with random arguments.
func newJob() queue.NewJob {
	return queue.NewJob{CircuitID: circuit, Sealed: []byte(rand.Text())}
}

// enqueue accepts n or fails the test.
func enqueue(t testing.TB, q *queue.Queue, n queue.NewJob) queue.Job {
	t.Helper()
	j, _, err := q.Enqueue(t.Context(), n)
	if err != nil {
		t.Fatalf("enqueue: %v", err)
	}
	return j
}

// lease takes the next job or fails the test.
func lease(t testing.TB, q *queue.Queue) *queue.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l, err := q.Lease(ctx, "worker")
	if err != nil {
		t.Fatalf("lease: %v", err)
	}
	return l
}

// job reads a job or fails the test.
func job(t testing.TB, q *queue.Queue, id string) queue.Job {
	t.Helper()
	j, err := q.Job(t.Context(), id)
	if err != nil {
		t.Fatalf("job: %v", err)
	}
	return j
}

// finished waits for the end of a job or fails the test.
func finished(t testing.TB, q *queue.Queue, id string) queue.Job {
	t.Helper()
	j, err := q.Wait(t.Context(), id, time.Minute)
	if err != nil {
		t.Fatalf("wait: %v", err)
	}
	if !j.State.Terminal() {
		t.Fatalf("got %s after 20 s, want a terminal state", j.State)
	}
	return j
}
