package registry

import (
	"context"
	"encoding/json"
	"errors"

	"provery/internal/fault"
	"provery/internal/store"
)

// AddKeySet registers a key set of a registered circuit, whose blobs are
// stored and checked. ID and Created are filled in. It returns the key set as
// it is registered and whether it was before. Errors: InvalidRequest;
// InvalidArtifact for a key of another curve; NotFound where the circuit or a
// blob isn't there.
func (r *Registry) AddKeySet(ctx context.Context, k KeySet) (KeySet, bool, error) {
	c, err := r.Circuit(ctx, k.Circuit)
	if err != nil {
		return KeySet{}, false, err
	}
	if err := checkKeySet(&k, &c); err != nil {
		return KeySet{}, false, err
	}
	k.ID, k.Created = k.Manifest().ID(), r.now().UTC()
	existed, err := r.addOnce(ctx, keySetKey(k.Circuit, k.ID), &k, k.artifacts())
	if err != nil {
		return KeySet{}, false, fault.Wrap(err, fault.Internal, "add key set")
	}
	out, err := r.KeySet(ctx, k.Circuit, k.ID)
	return out, existed, err
}

// SetCeremony records which ceremony made a key set of which nobody had said so
// before. What was said stays. It returns the key set as it is now.
func (r *Registry) SetCeremony(ctx context.Context, circuit, id store.Digest, ceremony string) (KeySet, error) {
	for range 16 {
		b, rev, err := r.get(ctx, keySetKey(circuit, id))
		if err != nil {
			return KeySet{}, err
		}
		var k KeySet
		if err := decode(b, &k); err != nil || k.Provenance == InsecureDev || k.Ceremony != "" || ceremony == "" {
			return k, err
		}
		k.Provenance, k.Ceremony = Ceremony, ceremony
		if err := r.put(ctx, keySetKey(circuit, id), rev, &k); !errors.Is(err, errSwapped) {
			return k, err
		}
	}
	return KeySet{}, fault.New(fault.Overloaded, "the key set is being changed by others")
}

// KeySets returns the key sets of a circuit, newest first.
func (r *Registry) KeySets(circuit store.Digest) []KeySet { return r.mirror.sets(circuit) }

// KeySet returns a key set by id, or the newest of the circuit where id is
// zero. NotFound where there is none.
func (r *Registry) KeySet(ctx context.Context, circuit, id store.Digest) (KeySet, error) {
	if k, ok := r.findSet(circuit, id); ok {
		return k, nil
	}
	if !id.IsZero() {
		if _, _, err := r.get(ctx, keySetKey(circuit, id)); err != nil && !fault.Is(err, fault.NotFound) {
			return KeySet{}, err
		}
		if k, ok := r.findSet(circuit, id); ok {
			return k, nil
		}
	}
	return KeySet{}, fault.New(fault.NotFound, "no such key set")
}

func (r *Registry) findSet(circuit, id store.Digest) (KeySet, bool) {
	for _, k := range r.mirror.sets(circuit) {
		if id.IsZero() || k.ID == id {
			return k, true
		}
	}
	return KeySet{}, false
}

// DefaultKeySet returns the newest key set of the circuit for the scheme, or
// for any scheme where that is empty. NotFound where there is none.
func (r *Registry) DefaultKeySet(circuit store.Digest, scheme string) (KeySet, error) {
	for _, k := range r.mirror.sets(circuit) {
		if scheme == "" || k.Scheme == scheme {
			return k, nil
		}
	}
	if scheme == "" {
		return KeySet{}, fault.New(fault.NotFound, "the circuit has no keys")
	}
	return KeySet{}, fault.New(fault.NotFound, "the circuit has no keys for %s", scheme)
}

// Remove deletes a circuit, its key sets, the pointers to it, and those of its
// blobs that no other record refers to. A process that is about to refer to one
// of them is told so by AddCircuit's NotFound. NotFound where there is no such
// circuit.
func (r *Registry) Remove(ctx context.Context, circuit store.Digest) error {
	c, err := r.Circuit(ctx, circuit)
	if err != nil {
		return err
	}
	r.change.Lock()
	defer r.change.Unlock()
	gone := c.artifacts()
	for _, name := range r.mirror.pointing(circuit) {
		if err := r.unpoint(ctx, circuit, name); err != nil {
			return fault.Wrap(err, fault.Internal, "remove circuit")
		}
	}
	for _, k := range r.mirror.sets(circuit) {
		gone = append(gone, k.artifacts()...)
		if err := r.dropUsage(ctx, circuit, k.ID); err != nil {
			return fault.Wrap(err, fault.Internal, "remove circuit")
		}
		if err := r.drop(ctx, keySetKey(circuit, k.ID)); err != nil {
			return fault.Wrap(err, fault.Internal, "remove circuit")
		}
	}
	if err := r.drop(ctx, circuitKey(circuit)); err != nil {
		return fault.Wrap(err, fault.Internal, "remove circuit")
	}
	r.health.forget(circuit)
	return r.collect(ctx, gone)
}

// RemoveKeySet deletes a key set and those of its blobs that no other record
// refers to. NotFound where there is none.
func (r *Registry) RemoveKeySet(ctx context.Context, circuit, id store.Digest) error {
	k, err := r.KeySet(ctx, circuit, id)
	if err != nil {
		return err
	}
	r.change.Lock()
	defer r.change.Unlock()
	if err := r.dropUsage(ctx, circuit, k.ID); err != nil {
		return fault.Wrap(err, fault.Internal, "remove key set")
	}
	if err := r.drop(ctx, keySetKey(circuit, k.ID)); err != nil {
		return fault.Wrap(err, fault.Internal, "remove key set")
	}
	for _, a := range k.artifacts() {
		r.health.clear(circuit, a.Digest)
	}
	return r.collect(ctx, k.artifacts())
}

func decode(b []byte, v any) error {
	return fault.Wrap(json.Unmarshal(b, v), fault.Internal, "decode registry record")
}
