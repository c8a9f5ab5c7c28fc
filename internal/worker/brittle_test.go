package worker

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"sync/atomic"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/scheme"
	"provery/internal/store"
)

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
