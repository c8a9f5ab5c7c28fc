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
	"strings"
	"sync"
	"sync/atomic"
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

// hook is called, if it is set, before the real thing.
type hook struct {
	f atomic.Pointer[func(context.Context) error]
}

func (h *hook) set(f func(context.Context) error) { h.f.Store(&f) }

func (h *hook) run(ctx context.Context) error {
	if f := h.f.Load(); f != nil {
		return (*f)(ctx)
	}
	return nil
}

// brittleFrontend is a front-end with hooks. It counts what it opens.
type brittleFrontend struct {
	frontend.Frontend
	onImport, onOpen, onSolve hook
	opened                    atomic.Int64
}

// Import imports a program with hooks.
func (f *brittleFrontend) Import(ctx context.Context, in frontend.Artefacts) (frontend.Program, error) {
	if err := f.onImport.run(ctx); err != nil {
		return nil, err
	}
	p, err := f.Frontend.Import(ctx, in)
	if err != nil {
		return nil, err
	}
	return brittleProgram{p, f}, nil
}

// Open opens a program with hooks.
func (f *brittleFrontend) Open(b []byte) (frontend.Program, error) {
	f.opened.Add(1)
	if err := f.onOpen.run(context.Background()); err != nil {
		return nil, err
	}
	p, err := f.Frontend.Open(b)
	if err != nil {
		return nil, err
	}
	return brittleProgram{p, f}, nil
}

type brittleProgram struct {
	frontend.Program
	f *brittleFrontend
}

// Solve calls the hook first.
func (p brittleProgram) Solve(ctx context.Context, arguments json.RawMessage, o frontend.SolveOptions) (*frontend.Solution, error) {
	if err := p.f.onSolve.run(ctx); err != nil {
		return nil, err
	}
	return p.Program.Solve(ctx, arguments, o)
}

// brittleBackend is a scheme with hooks.
type brittleBackend struct {
	scheme.Backend
	onProve, onVerify, onImport hook
	padding                     atomic.Int64 // if above 0, proofs are texts of this length
}

// EncodeProof may return a long text.
func (b *brittleBackend) EncodeProof(p scheme.Proof, public curve.Vector) ([]byte, error) {
	if n := b.padding.Load(); n > 0 {
		return []byte(`"` + strings.Repeat("x", int(n)) + `"`), nil
	}
	return b.Backend.EncodeProof(p, public)
}

// Prove calls the hook first.
func (b *brittleBackend) Prove(ctx context.Context, in scheme.ProveInput) (scheme.Proof, error) {
	if err := b.onProve.run(ctx); err != nil {
		return nil, err
	}
	return b.Backend.Prove(ctx, in)
}

// Verify calls the hook first.
func (b *brittleBackend) Verify(vk scheme.VerifyingKey, proof scheme.Proof, public curve.Vector) error {
	if err := b.onVerify.run(context.Background()); err != nil {
		return err
	}
	return b.Backend.Verify(vk, proof, public)
}

// ImportProvingKey calls the hook first.
func (b *brittleBackend) ImportProvingKey(ctx context.Context, in scheme.ImportInput) (scheme.ProvingKey, error) {
	if err := b.onImport.run(ctx); err != nil {
		return nil, err
	}
	return b.Backend.ImportProvingKey(ctx, in)
}

// brittleStore is a store with a hook. It counts what is stored.
type brittleStore struct {
	store.Blobs
	onPut hook
}

// Put reads a part and calls the hook.
func (s *brittleStore) Put(ctx context.Context, in io.Reader, limit int64) (store.Digest, int64, error) {
	if err := s.onPut.run(ctx); err != nil {
		_, _ = io.CopyN(io.Discard, in, 10)
		return store.Digest{}, 0, err
	}
	return s.Blobs.Put(ctx, in, limit)
}

func fullDisk(context.Context) error {
	return fault.New(fault.InsufficientStorage, "put blob: the disk is full")
}

func fine(context.Context) error { return nil }

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
func (r *rig) pool(l Leaser, o Observer, drain time.Duration) (stop func()) {
	r.t.Helper()
	p := NewPool(PoolConfig{
		Name: "test", Slots: 1, Threads: 1, Drain: drain, Rand: rand.Reader, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(r.log, nil)), Observer: o,
	}, l, r.catalogue, plainBox{})
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
func (o observer) ObserveAttempt(scheme, outcome string, _ *api.Ledger) {
	o.seen <- scheme + " " + outcome
}
