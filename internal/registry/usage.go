package registry

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"provery/internal/fault"
	"provery/internal/store"
)

// Usage is what proofs of a circuit with a key set were seen to take. It is a
// hint: it may get lost, and the last writer wins.
type Usage struct {
	Bytes   int64         `json:"bytes,omitempty"` // memory at the peak, 0: not seen
	Work    time.Duration `json:"work,omitempty"`  // processor time
	Proofs  int           `json:"proofs"`          // that it was learned from
	Updated time.Time     `json:"updated"`
}

func usageKey(circuit, id store.Digest) string { return usageKeys + circuit.Hex() + "." + id.Hex() }

// Usage returns what is known of a key set's proofs. It answers from memory.
func (r *Registry) Usage(circuit, keySet store.Digest) (Usage, bool) {
	r.mirror.mu.RLock()
	defer r.mirror.mu.RUnlock()
	u, ok := r.mirror.usage[usageKey(circuit, keySet)]
	return u, ok
}

// SetUsage writes down what was seen. It is removed together with the key set.
// NotFound where there is no such key set.
func (r *Registry) SetUsage(ctx context.Context, circuit, keySet store.Digest, u Usage) error {
	if _, ok := r.Sizes(circuit, keySet); !ok {
		return fault.New(fault.NotFound, "no such key set")
	}
	u.Updated = r.now().UTC()
	b, err := json.Marshal(&u)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "encode record")
	}
	key := usageKey(circuit, keySet)
	rev, err := r.kv.Put(ctx, key, b)
	if err != nil {
		return engineFault(ctx, err, "write registry")
	}
	r.mirror.apply(key, rev, b)
	return nil
}

// dropUsage removes what is known of a key set's proofs.
func (r *Registry) dropUsage(ctx context.Context, circuit, keySet store.Digest) error {
	if _, ok := r.Usage(circuit, keySet); !ok {
		return nil
	}
	return r.drop(ctx, usageKey(circuit, keySet))
}

// Sizes are what the cost of a proof depends on.
type Sizes struct {
	Frontend, Curve, Scheme string
	Stats                   Stats
	KeySet                  store.Digest
	ProvingKey, Compact     int64 // bytes of the files
}

// Sizes returns those of a circuit with a key set, the newest if keySet is
// zero. It answers from memory, quickly.
func (r *Registry) Sizes(circuit, keySet store.Digest) (Sizes, bool) {
	r.mirror.mu.RLock()
	defer r.mirror.mu.RUnlock()
	c := r.mirror.circuits[circuit]
	var k *KeySet
	for _, one := range r.mirror.keySets[circuit] {
		if one.ID == keySet || keySet.IsZero() && (k == nil || one.Created.After(k.Created)) {
			k = one
		}
	}
	if c == nil || k == nil {
		return Sizes{}, false
	}
	return Sizes{c.Frontend, c.Curve, k.Scheme, c.Stats, k.ID, k.ProvingKey.Size, c.Compact.Size}, true
}

func (m *mirror) applyUsage(key string, value []byte) {
	var u Usage
	if value == nil || json.Unmarshal(value, &u) != nil || !strings.HasPrefix(key, usageKeys) {
		delete(m.usage, key)
		return
	}
	m.usage[key] = u
}
