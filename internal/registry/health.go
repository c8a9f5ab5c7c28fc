package registry

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"provery/internal/fault"
	"provery/internal/store"
)

// Damage is a blob that isn't what its record says.
type Damage struct {
	Circuit store.Digest
	Names   []string // pointers to the circuit
	Blob    store.Digest
	Detail  string // what is wrong
	Seen    time.Time
}

// health remembers damages, and which blobs have been hashed.
type health struct {
	mu       sync.Mutex
	damaged  map[damageKey]Damage
	verified map[store.Digest]bool
}

type damageKey struct{ circuit, blob store.Digest }

func (h *health) init() {
	h.damaged, h.verified = map[damageKey]Damage{}, map[store.Digest]bool{}
}

func (h *health) known(d store.Digest) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.verified[d]
}

// note records the outcome of a look at a blob of a circuit.
func (h *health) note(circuit, blob store.Digest, now time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := damageKey{circuit, blob}
	if err == nil {
		h.verified[blob] = true
		delete(h.damaged, key)
		return
	}
	delete(h.verified, blob)
	if _, old := h.damaged[key]; !old {
		h.damaged[key] = Damage{Circuit: circuit, Blob: blob, Detail: err.Error(), Seen: now}
	}
}

func (h *health) clear(circuit, blob store.Digest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.damaged, damageKey{circuit, blob})
	delete(h.verified, blob)
}

func (h *health) forget(circuit store.Digest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for k := range h.damaged {
		if k.circuit == circuit {
			delete(h.damaged, k)
		}
	}
}

// Health returns the damages that are known, in the order of circuits and
// blobs. Those of removed circuits, and of blobs that are whole again, are
// gone.
func (r *Registry) Health() []Damage {
	r.health.mu.Lock()
	out := make([]Damage, 0, len(r.health.damaged))
	for _, d := range r.health.damaged {
		out = append(out, d)
	}
	r.health.mu.Unlock()
	out = slices.DeleteFunc(out, func(d Damage) bool {
		_, ok := r.mirror.circuit(d.Circuit)
		return !ok
	})
	for i := range out {
		c, _ := r.mirror.circuit(out[i].Circuit)
		out[i].Names = c.Names
	}
	slices.SortFunc(out, func(a, b Damage) int {
		if c := strings.Compare(a.Circuit.Hex(), b.Circuit.Hex()); c != 0 {
			return c
		}
		return strings.Compare(a.Blob.Hex(), b.Blob.Hex())
	})
	return out
}

// OpenBlob opens a blob of a circuit. The first time in the life of the
// process its content is hashed (which also brings it into memory); later
// opens trust that. A damaged or missing blob is InvalidArtifact, and Health
// names it until it is whole again.
func (r *Registry) OpenBlob(ctx context.Context, circuit store.Digest, a Artifact) (store.Blob, error) {
	b, err := r.openChecked(ctx, a)
	if err != nil {
		r.noteDamage(circuit, a.Digest, err)
		return nil, damageFault(err)
	}
	if !r.health.known(a.Digest) {
		r.noteDamage(circuit, a.Digest, nil)
	}
	return b, nil
}

func (r *Registry) openChecked(ctx context.Context, a Artifact) (store.Blob, error) {
	b, err := r.blobs.Open(ctx, a.Digest)
	if err != nil {
		return nil, err
	}
	if b.Size() != a.Size {
		err = fault.New(fault.InvalidArtifact, "blob %s has %d bytes instead of %d", a.Digest, b.Size(), a.Size)
	} else if !r.health.known(a.Digest) {
		err = store.VerifyBlob(ctx, b, a.Digest)
	}
	if err != nil {
		_ = b.Close() // the damage is what matters
		return nil, err
	}
	return b, nil
}

// noteDamage remembers a damage, or its absence. An interrupted look tells
// nothing.
func (r *Registry) noteDamage(circuit, blob store.Digest, err error) {
	if err != nil && !isDamage(err) {
		return
	}
	r.health.note(circuit, blob, r.now(), err)
}

func isDamage(err error) bool {
	return fault.Is(err, fault.InvalidArtifact) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Internal)
}

// damageFault makes a missing blob InvalidArtifact: the circuit was found.
func damageFault(err error) error {
	if fault.Is(err, fault.NotFound) {
		return &fault.Error{Code: fault.InvalidArtifact, Detail: err.Error(), Err: err}
	}
	return err
}

// Verify hashes all blobs of all circuits, one after another, and brings
// Health up to date. It returns an error only where ctx ends it.
func (r *Registry) Verify(ctx context.Context) error {
	for _, h := range r.mirror.ids() {
		id, err := store.ParseDigest(h)
		if err != nil {
			return err
		}
		c, ok := r.mirror.circuit(id)
		if !ok {
			continue
		}
		blobs := c.artifacts()
		for _, k := range r.mirror.sets(id) {
			blobs = append(blobs, k.artifacts()...)
		}
		for _, a := range blobs {
			err := store.Verify(ctx, r.blobs, a.Digest)
			if ctx.Err() != nil {
				return fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "verify blobs")
			}
			r.noteDamage(id, a.Digest, err)
		}
	}
	return nil
}
