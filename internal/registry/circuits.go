package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"provery/internal/fault"
	"provery/internal/store"
)

// AddCircuit registers a circuit whose blobs are stored and checked. ID and
// Created are filled in. Where name isn't empty, name:tag for each tag, and
// name:latest, are made to point to it, also where the circuit existed before.
//
// It returns the circuit as it is registered and whether it was before; then
// the new record's other fields are ignored, since the same id means the same
// content. Errors: InvalidRequest, TooLarge; NotFound where a blob isn't there
// (any more): store it again.
func (r *Registry) AddCircuit(ctx context.Context, c Circuit, name string, tags ...string) (Circuit, bool, error) {
	if err := checkCircuit(&c); err != nil {
		return Circuit{}, false, err
	}
	if err := checkPointers(name, tags); err != nil {
		return Circuit{}, false, err
	}
	c.ID, c.Created, c.Names = c.Manifest().ID(), r.now().UTC(), nil
	existed, err := r.addOnce(ctx, circuitKey(c.ID), &c, c.artifacts())
	if err != nil {
		return Circuit{}, false, fault.Wrap(err, fault.Internal, "add circuit")
	}
	if name != "" {
		if err := r.point(ctx, c.ID, name, append(slices.Clone(tags), Latest)); err != nil {
			return Circuit{}, false, fault.Wrap(err, fault.Internal, "add circuit")
		}
	}
	out, err := r.Circuit(ctx, c.ID)
	return out, existed, err
}

// addOnce writes a record unless its key is there, after a look at its blobs.
func (r *Registry) addOnce(ctx context.Context, key string, record any, blobs []Artifact) (existed bool, err error) {
	r.change.Lock()
	defer r.change.Unlock()
	for _, a := range blobs {
		info, err := r.blobs.Stat(ctx, a.Digest)
		if err != nil {
			return false, err
		}
		if info.Size != a.Size {
			return false, fault.New(fault.InvalidArtifact, "blob %s has %d bytes, not %d", a.Digest, info.Size, a.Size)
		}
	}
	err = r.put(ctx, key, 0, record)
	if err == nil {
		return false, r.confirm(ctx, key, blobs)
	}
	if !errors.Is(err, errSwapped) {
		return false, err
	}
	_, _, err = r.get(ctx, key)
	return true, err
}

func checkPointers(name string, tags []string) error {
	if name == "" && len(tags) > 0 {
		return fault.New(fault.InvalidRequest, "add circuit: tags without a name")
	}
	if name == "" {
		return nil
	}
	if err := checkCircuitName(name); err != nil {
		return err
	}
	for _, t := range tags {
		if err := CheckName(t); err != nil {
			return err
		}
	}
	return nil
}

// Tag makes name:tag point to the circuit. Errors: InvalidRequest for a name
// or tag that isn't one, NotFound where there is no such circuit.
func (r *Registry) Tag(ctx context.Context, circuit store.Digest, name, tag string) error {
	if err := checkPointers(name, []string{tag}); err != nil {
		return err
	}
	if name == "" {
		return fault.New(fault.InvalidRequest, "tag circuit: no name")
	}
	if _, err := r.Circuit(ctx, circuit); err != nil {
		return err
	}
	return r.point(ctx, circuit, name, []string{tag})
}

// point moves tags of a name to a circuit.
func (r *Registry) point(ctx context.Context, circuit store.Digest, name string, tags []string) error {
	return r.editName(ctx, name, func(m map[string]store.Digest) bool {
		changed := false
		for _, t := range tags {
			if m[t] != circuit {
				m[t] = circuit
				changed = true
			}
		}
		return changed
	})
}

// unpoint removes all tags of a name that point to a circuit.
func (r *Registry) unpoint(ctx context.Context, circuit store.Digest, name string) error {
	return r.editName(ctx, name, func(m map[string]store.Digest) bool {
		before := len(m)
		for t, to := range m {
			if to == circuit {
				delete(m, t)
			}
		}
		return len(m) != before
	})
}

// editName changes a name's record by compare-and-swap.
func (r *Registry) editName(ctx context.Context, name string, edit func(map[string]store.Digest) bool) error {
	key := nameKey(name)
	for range 16 {
		rec := nameRecord{Tags: map[string]store.Digest{}}
		b, rev, err := r.get(ctx, key)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err == nil {
			if err := decode(b, &rec); err != nil {
				return err
			}
		}
		if !edit(rec.Tags) {
			return nil
		}
		if err := r.put(ctx, key, rev, rec); !errors.Is(err, errSwapped) {
			return err
		}
	}
	return fault.New(fault.Overloaded, "the name %s is being changed by others", name)
}

// Circuit returns a circuit by id. NotFound where there is none.
func (r *Registry) Circuit(ctx context.Context, id store.Digest) (Circuit, error) {
	if c, ok := r.mirror.circuit(id); ok {
		return c, nil
	}
	if _, _, err := r.get(ctx, circuitKey(id)); err == nil {
		if c, ok := r.mirror.circuit(id); ok {
			return c, nil
		}
	} else if !fault.Is(err, fault.NotFound) {
		return Circuit{}, err
	}
	return Circuit{}, noCircuit(id.String())
}

func noCircuit(ref string) error { return fault.New(fault.NotFound, "no circuit %s", ref) }

// Resolve returns the circuit that a reference stands for: see ParseRef.
// Errors: InvalidRequest for text that is no reference; NotFound; Conflict for
// a prefix of several ids.
func (r *Registry) Resolve(ctx context.Context, ref string) (Circuit, error) {
	p, err := ParseRef(ref)
	if err != nil {
		return Circuit{}, err
	}
	switch {
	case p.Prefix != "":
		return r.byPrefix(ctx, p.Prefix)
	case p.Name == "":
		return r.Circuit(ctx, p.ID)
	case !p.ID.IsZero():
		if !r.mirror.named(p.Name, p.ID) {
			return Circuit{}, noCircuit(ref)
		}
		return r.Circuit(ctx, p.ID)
	}
	id, ok := r.mirror.tag(p.Name, p.Tag)
	if !ok {
		// Another process may have set it a moment ago.
		if _, _, err := r.get(ctx, nameKey(p.Name)); err != nil && !fault.Is(err, fault.NotFound) {
			return Circuit{}, err
		}
		if id, ok = r.mirror.tag(p.Name, p.Tag); !ok {
			return Circuit{}, noCircuit(ref)
		}
	}
	return r.Circuit(ctx, id)
}

func (r *Registry) byPrefix(ctx context.Context, digits string) (Circuit, error) {
	found := withPrefix(r.mirror.ids(), digits)
	switch len(found) {
	case 0:
		return Circuit{}, noCircuit(digits)
	case 1:
		id, err := store.ParseDigest(found[0])
		if err != nil {
			return Circuit{}, err
		}
		return r.Circuit(ctx, id)
	}
	return Circuit{}, fault.New(fault.Conflict, "%d circuits have an id that begins with %s", len(found), digits)
}

// maxPage bounds List's limit.
const maxPage = 1000

// List returns up to limit circuits (1 to 1000; 0 means 100) in the order of
// their ids, and the cursor for the next page, empty at the end. A malformed
// cursor is InvalidRequest.
func (r *Registry) List(ctx context.Context, cursor string, limit int) ([]Circuit, string, error) {
	if limit == 0 {
		limit = 100
	}
	if limit < 0 || limit > maxPage {
		return nil, "", fault.New(fault.InvalidRequest, "list circuits: the limit must be 1 to %d", maxPage)
	}
	ids := r.mirror.ids()
	if cursor != "" {
		if _, err := store.ParseDigest(cursor); err != nil {
			return nil, "", fault.New(fault.InvalidRequest, "list circuits: malformed cursor")
		}
		i, found := slices.BinarySearch(ids, cursor)
		if found {
			i++
		}
		ids = ids[i:]
	}
	next := ""
	if len(ids) > limit {
		ids = ids[:limit]
		next = ids[limit-1]
	}
	out := make([]Circuit, 0, len(ids))
	for _, h := range ids {
		id, err := store.ParseDigest(h)
		if err != nil {
			return nil, "", fmt.Errorf("list circuits: %w", err)
		}
		if c, ok := r.mirror.circuit(id); ok {
			out = append(out, c)
		}
	}
	return out, next, ctx.Err()
}
