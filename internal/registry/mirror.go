package registry

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"provery/internal/store"
)

// Keys of the bucket.
const (
	circuitKeys = "c." // c.<circuit>
	keySetKeys  = "k." // k.<circuit>.<key set>
	nameKeys    = "n." // n.<name>, with '=' for '.'
	builtKeys   = "b." // b.<digest of what a circuit was compiled from>
	usageKeys   = "u." // u.<circuit>.<key set>
	markKeys    = "d." // d.<blob> while somebody deletes it
)

func circuitKey(id store.Digest) string         { return circuitKeys + id.Hex() }
func keySetKey(circuit, id store.Digest) string { return keySetKeys + circuit.Hex() + "." + id.Hex() }
func builtKey(from store.Digest) string         { return builtKeys + from.Hex() }
func markKey(blob store.Digest) string          { return markKeys + blob.Hex() }
func nameKey(name string) string                { return nameKeys + strings.ReplaceAll(name, ".", "=") }

// nameRecord holds the tags of one name. One record for each name keeps all
// its tags consistent under compare-and-swap.
type nameRecord struct {
	Tags map[string]store.Digest `json:"tags"`
}

// mirror is this process's copy of the bucket. It follows other processes
// through a watch, and this one at once, since writers apply what they wrote.
// Values are immutable once they are in.
type mirror struct {
	mu       sync.RWMutex
	revs     map[string]uint64 // by key, deleted ones included
	circuits map[store.Digest]*Circuit
	keySets  map[store.Digest]map[store.Digest]*KeySet // by circuit, key set
	names    map[string]nameRecord
	usage    map[string]Usage // by key
	marks    map[string]bool  // by key
	seen     uint64           // what the watch has brought
	changed  chan struct{}    // closed, and replaced, when it brings more
}

func newMirror() *mirror {
	return &mirror{
		revs: map[string]uint64{}, circuits: map[store.Digest]*Circuit{},
		keySets: map[store.Digest]map[store.Digest]*KeySet{}, names: map[string]nameRecord{},
		usage: map[string]Usage{}, marks: map[string]bool{}, changed: make(chan struct{}),
	}
}

// apply takes over the value of a key at a revision; nil means deleted. Older
// revisions than the known one, and values that can't be read, are passed over.
func (m *mirror) apply(key string, rev uint64, value []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.revs[key] >= rev {
		return
	}
	m.revs[key] = rev
	switch {
	case strings.HasPrefix(key, circuitKeys):
		m.applyCircuit(strings.TrimPrefix(key, circuitKeys), value)
	case strings.HasPrefix(key, keySetKeys):
		m.applyKeySet(strings.TrimPrefix(key, keySetKeys), value)
	case strings.HasPrefix(key, markKeys):
		m.marks[key] = true
		if value == nil {
			delete(m.marks, key)
		}
	case strings.HasPrefix(key, usageKeys):
		m.applyUsage(key, value)
	case strings.HasPrefix(key, nameKeys):
		m.applyName(strings.ReplaceAll(strings.TrimPrefix(key, nameKeys), "=", "."), value)
	}
}

func (m *mirror) applyCircuit(digits string, value []byte) {
	id, err := store.ParseDigest(digits)
	if err != nil {
		return
	}
	var c Circuit
	if value == nil || json.Unmarshal(value, &c) != nil || c.ID != id {
		delete(m.circuits, id)
		return
	}
	m.circuits[id] = &c
}

func (m *mirror) applyKeySet(digits string, value []byte) {
	first, second, _ := strings.Cut(digits, ".")
	circuit, err := store.ParseDigest(first)
	id, err2 := store.ParseDigest(second)
	if err != nil || err2 != nil {
		return
	}
	var k KeySet
	if value == nil || json.Unmarshal(value, &k) != nil || k.ID != id {
		delete(m.keySets[circuit], id)
		return
	}
	if m.keySets[circuit] == nil {
		m.keySets[circuit] = map[store.Digest]*KeySet{}
	}
	m.keySets[circuit][id] = &k
}

func (m *mirror) applyName(name string, value []byte) {
	var r nameRecord
	if value == nil || json.Unmarshal(value, &r) != nil {
		delete(m.names, name)
		return
	}
	m.names[name] = r
}

// circuit returns a copy of a circuit with its names.
func (m *mirror) circuit(id store.Digest) (Circuit, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c := m.circuits[id]
	if c == nil {
		return Circuit{}, false
	}
	out := *c
	out.Names = m.namesOf(id)
	return out, true
}

// namesOf returns the pointers to a circuit, sorted. The lock is held.
func (m *mirror) namesOf(id store.Digest) []string {
	var out []string
	for name, r := range m.names {
		for tag, to := range r.Tags {
			if to == id {
				out = append(out, pointer(name, tag))
			}
		}
	}
	slices.Sort(out)
	return out
}

// ids returns the hexadecimal ids of all circuits, sorted.
func (m *mirror) ids() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]string, 0, len(m.circuits))
	for id := range m.circuits {
		out = append(out, id.Hex())
	}
	slices.Sort(out)
	return out
}

// sets returns the key sets of a circuit, newest first.
func (m *mirror) sets(circuit store.Digest) []KeySet {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]KeySet, 0, len(m.keySets[circuit]))
	for _, k := range m.keySets[circuit] {
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b KeySet) int {
		if c := b.Created.Compare(a.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID.Hex(), b.ID.Hex())
	})
	return out
}

// tag returns what name:tag points to.
func (m *mirror) tag(name, tag string) (store.Digest, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	id, ok := m.names[name].Tags[tag]
	return id, ok
}

// named reports whether some tag of name points to the circuit.
func (m *mirror) named(name string, id store.Digest) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, to := range m.names[name].Tags {
		if to == id {
			return true
		}
	}
	return false
}

// pointing returns the names with a tag that points to the circuit.
func (m *mirror) pointing(id store.Digest) []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []string
	for name, r := range m.names {
		for _, to := range r.Tags {
			if to == id {
				out = append(out, name)
				break
			}
		}
	}
	return out
}

// referenced returns the blobs that any record refers to.
func (m *mirror) referenced() map[store.Digest]bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := map[store.Digest]bool{}
	for _, c := range m.circuits {
		for _, a := range c.artifacts() {
			out[a.Digest] = true
		}
	}
	for _, sets := range m.keySets {
		for _, k := range sets {
			for _, a := range k.artifacts() {
				out[a.Digest] = true
			}
		}
	}
	return out
}
