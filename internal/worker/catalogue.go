package worker

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/prove"
	"provery/internal/registry"
	"provery/internal/scheme"
	"provery/internal/store"
)

// Catalogue opens registered circuits and their keys, and keeps them open in a
// cache bounded in bytes. It is safe for concurrent use.
type Catalogue struct {
	kit      *Kit
	registry *registry.Registry
	programs *registry.Cache[store.Digest, *openProgram]
	provers  *registry.Cache[proverKey, *openProver]
}

type proverKey struct{ circuit, keySet store.Digest }

type openProgram struct {
	program frontend.Program
	blob    store.Blob
}

type openProver struct {
	prover  *prove.Prover
	key     scheme.ProvingKey
	keySet  registry.KeySet
	blob    store.Blob
	program *registry.Handle[*openProgram]
	used    atomic.Bool // a proof was made with it
}

// NewCatalogue returns a catalogue whose programs and keys out of use take at
// most cacheBytes.
func NewCatalogue(kit *Kit, r *registry.Registry, cacheBytes int64) *Catalogue {
	c := &Catalogue{kit: kit, registry: r}
	c.programs = registry.NewCache(cacheBytes/2, c.openProgram, func(p *openProgram) {
		_ = frontend.Release(p.program)
		_ = p.blob.Close()
	})
	c.provers = registry.NewCache(cacheBytes/2, c.openProver, func(p *openProver) {
		_ = p.blob.Close()
		p.program.Release()
	})
	return c
}

// Close closes what nobody uses any more.
func (c *Catalogue) Close() {
	c.provers.Close()
	c.programs.Close()
}

// Hot reports whether the circuit is open with some of its keys.
func (c *Catalogue) Hot(circuit store.Digest) bool {
	for _, k := range c.registry.KeySets(circuit) {
		if c.provers.Has(proverKey{circuit, k.ID}) {
			return true
		}
	}
	return false
}

// Forget closes the circuit and its keys as soon as they aren't in use.
func (c *Catalogue) Forget(circuit store.Digest, keySets []registry.KeySet) {
	for _, k := range keySets {
		c.provers.Drop(proverKey{circuit, k.ID})
	}
	c.programs.Drop(circuit)
}

// Stats returns the counts of the caches of programs and of provers.
func (c *Catalogue) Stats() (programs, provers registry.CacheStats) {
	return c.programs.Stats(), c.provers.Stats()
}

// broken returns the failure to open a stored file as an internal one: the
// fault isn't the request's. The registry's Health names the file.
func broken(what string, err error) error {
	if !fault.Is(err, fault.InvalidArtifact) && !fault.Is(err, fault.NotFound) {
		return err
	}
	return &fault.Error{Code: fault.Internal, Detail: what + " is damaged or missing in the store", Err: err}
}

func (c *Catalogue) openProgram(ctx context.Context, id store.Digest) (*openProgram, int64, error) {
	circuit, err := c.registry.Circuit(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	front, err := c.kit.Frontend(circuit.Frontend)
	if err != nil {
		return nil, 0, err
	}
	blob, err := c.registry.OpenBlob(ctx, id, circuit.Compact)
	if err != nil {
		return nil, 0, broken("the circuit", err)
	}
	program, err := front.Open(blob.Bytes())
	if err != nil {
		return nil, 0, broken("the circuit", errors.Join(err, blob.Close()))
	}
	return &openProgram{program, blob}, blob.Size(), nil
}

func (c *Catalogue) openProver(ctx context.Context, key proverKey) (opened *openProver, cost int64, err error) {
	program, err := c.programs.Acquire(ctx, key.circuit)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if opened == nil { // also after a panic
			program.Release()
		}
	}()
	keySet, err := c.registry.KeySet(ctx, key.circuit, key.keySet)
	if err != nil {
		return nil, 0, err
	}
	backend, err := c.backend(keySet)
	if err != nil {
		return nil, 0, err
	}
	blob, err := c.registry.OpenBlob(ctx, key.circuit, keySet.ProvingKey)
	if err != nil {
		return nil, 0, broken("the proving key", err)
	}
	p := &openProver{keySet: keySet, blob: blob, program: program}
	if p.key, err = backend.OpenProvingKey(blob.Bytes()); err == nil {
		p.prover, err = prove.New(program.Value().program, backend, p.key)
	}
	if err != nil {
		return nil, 0, broken("the proving key", errors.Join(err, blob.Close()))
	}
	return p, blob.Size(), nil
}

func (c *Catalogue) backend(k registry.KeySet) (scheme.Backend, error) {
	id, err := curve.Parse(k.Curve)
	if err != nil {
		return nil, err
	}
	return c.kit.Backend(scheme.ID(k.Scheme), id)
}

// VerifyingKey returns the JSON of a key set's verifying key.
func (c *Catalogue) VerifyingKey(ctx context.Context, k registry.KeySet) ([]byte, error) {
	b, err := c.registry.OpenBlob(ctx, k.Circuit, k.VerifyingKey)
	if err != nil {
		return nil, broken("the verifying key", err)
	}
	defer b.Close()
	return append([]byte(nil), b.Bytes()...), nil
}

// ABI returns the circuit's own description of its arguments. It is in the
// record unless it is very large.
func (c *Catalogue) ABI(ctx context.Context, circuit *registry.Circuit) (json.RawMessage, error) {
	if circuit.ABI != nil {
		return circuit.ABI, nil
	}
	handle, err := c.programs.Acquire(ctx, circuit.ID)
	if err != nil {
		return nil, err
	}
	defer handle.Release()
	return append(json.RawMessage(nil), handle.Value().program.ABI()...), nil
}
