package worker

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"provery/api"
	"provery/internal/curve"
	"provery/internal/engine"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/frontend/zokrates"
	"provery/internal/queue"
	"provery/internal/registry"
	"provery/internal/scheme"
	"provery/internal/scheme/groth16"
	"provery/internal/store"
	"provery/internal/store/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of a test for something that will happen.
const patience = time.Minute

const fixtures = "../../testdata/zokrates"

// secret is what a panic's value holds; it must be seen nowhere.
const secret = "secret-8861275340918273"

// rig is everything around the workers: the real front-end, scheme, registry
// and queue, each behind a wrapper that can be made to fail.
type rig struct {
	t         *testing.T
	front     *brittleFrontend
	back      *brittleBackend
	blobs     *brittleStore
	engine    *engine.Engine
	registry  *registry.Registry
	queue     *queue.Queue
	kit       *Kit
	catalogue *Catalogue
	registrar *Registrar
	tools     *Tools
	log       *logBuffer
	dir       string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, log: &logBuffer{}, dir: t.TempDir()}
	eng, err := engine.Open(t.Context(), engine.Config{StoreDir: filepath.Join(r.dir, "engine"), SyncInterval: time.Minute})
	r.check(err)
	t.Cleanup(func() { r.check(eng.Close(context.Background())) })
	r.engine = eng
	files, err := file.Open(filepath.Join(r.dir, "blobs"))
	r.check(err)
	t.Cleanup(func() { r.check(files.Close()) })
	r.blobs = &brittleStore{Blobs: files}
	r.registry, err = registry.Open(t.Context(), eng, r.blobs, registry.Config{})
	r.check(err)
	t.Cleanup(r.registry.Close)
	r.queue, err = queue.Open(t.Context(), eng, r.blobs, queue.Config{
		LeaseTTL: 100 * time.Millisecond, Backoff: time.Millisecond, MaxBackoff: time.Millisecond, MaxFailures: 2, PollInterval: 20 * time.Millisecond,
	})
	r.check(err)
	t.Cleanup(r.queue.Close)
	bn128, err := groth16.New(curve.BN128)
	r.check(err)
	r.front, r.back = &brittleFrontend{Frontend: zokrates.New()}, &brittleBackend{Backend: bn128}
	r.kit = &Kit{Frontends: []frontend.Frontend{r.front}, Backends: []scheme.Backend{r.back}}
	r.catalogue = NewCatalogue(r.kit, r.registry, 1<<20)
	t.Cleanup(r.catalogue.Close)
	r.registrar = NewRegistrar(r.kit, r.registry, r.blobs, r.catalogue, 1)
	r.tools = NewTools(r.kit, r.catalogue, 2)
	return r
}

func (r *rig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%v (%v)", err, errors.Unwrap(err))
	}
}

// logBuffer collects a log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends to the log.
func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns the log so far.
func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func upload(t *testing.T, program, name string) Upload {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtures, program, "bn128", name))
	if err != nil {
		t.Fatal(err)
	}
	return uploadOf(b)
}

func uploadOf(b []byte) Upload {
	return Upload{Digest: store.Sum(b), Reader: io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))}
}

func programOf(t *testing.T, name string) map[string]Upload {
	t.Helper()
	return map[string]Upload{"program": upload(t, name, "out"), "abi": upload(t, name, "abi.json")}
}

// register registers a program of ZoKrates's.
func (r *rig) register(program string) registry.Circuit {
	r.t.Helper()
	c, _, err := r.registrar.Circuit(r.t.Context(), "zokrates", programOf(r.t, program), program, "")
	r.check(err)
	return c
}

// ready registers a program with its ark key.
func (r *rig) ready(program string) (registry.Circuit, registry.KeySet) {
	r.t.Helper()
	c := r.register(program)
	k, _, err := r.registrar.Keys(r.t.Context(), c, KeyUpload{ProvingKey: upload(r.t, program, "ark-g16/proving.key")})
	r.check(err)
	return c, k
}

// plainBox stands for the sealing of arguments.
type plainBox struct{}

// Open returns what was sealed.
func (plainBox) Open(_, _ string, sealed []byte) ([]byte, error) {
	if bytes.HasPrefix(sealed, []byte("altered")) {
		return nil, fault.New(fault.InvalidArtifact, "open sealed arguments: altered")
	}
	return bytes.Clone(sealed), nil
}

// enqueue queues a job with the arguments.
func (r *rig) enqueue(c registry.Circuit, k registry.KeySet, arguments string) queue.Job {
	r.t.Helper()
	sealed, err := json.Marshal(Task{Arguments: json.RawMessage(arguments)})
	if err != nil {
		sealed = []byte(arguments)
	}
	j, _, err := r.queue.Enqueue(r.t.Context(), queue.NewJob{CircuitID: c.ID, KeySetID: k.ID, Sealed: sealed})
	r.check(err)
	return j
}

// pool runs a pool of one slot until the test ends or stop is called.
func (r *rig) pool(l Leaser, o Observer, drain time.Duration, more ...Handler) (stop func()) {
	r.t.Helper()
	log, budget := slog.New(slog.NewTextHandler(r.log, nil)), NewBudget(BudgetConfig{Threads: 1})
	proving := NewProving(ProvingConfig{
		Rand: rand.Reader, Now: time.Now, Observer: o, Costs: NewCosts(r.kit, r.registry, 1), Budget: budget, Log: log,
	}, r.catalogue, plainBox{})
	p := NewPool(PoolConfig{Name: "test", Slots: 1, Budget: budget, Hot: r.catalogue.Hot, Drain: drain, Log: log}, l, append(more, proving)...)
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	stop = func() { cancel(); <-done }
	r.t.Cleanup(stop)
	return stop
}

// ended waits for the end of a job.
func (r *rig) ended(id string) queue.Job {
	r.t.Helper()
	j, err := r.queue.Wait(r.t.Context(), id, patience)
	r.check(err)
	if !j.State.Terminal() {
		r.t.Fatalf("got %s, want the job's end", j.State)
	}
	return j
}

// get receives from a channel, or fails the test.
func get[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain for: %s", what)
	}
	return v
}

// observer records the attempts that it is told of.
type observer struct{ seen chan string }

// ObserveAttempt records the attempt.
func (o observer) ObserveAttempt(scheme, _, outcome string, _ *api.Ledger) {
	o.seen <- scheme + " " + outcome
}
