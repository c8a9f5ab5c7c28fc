package registry

import (
	"context"
	"errors"

	"provery/internal/fault"
	"provery/internal/store"
)

// builtRecord says which circuit a compilation gave.
type builtRecord struct {
	Circuit store.Digest `json:"circuit"`
}

// Built returns the circuit that was compiled from what the digest stands for.
// NotFound where nothing was, or where the circuit has been removed.
func (r *Registry) Built(ctx context.Context, from store.Digest) (Circuit, error) {
	b, _, err := r.get(ctx, builtKey(from))
	if err != nil {
		return Circuit{}, err
	}
	var rec builtRecord
	if err := decode(b, &rec); err != nil {
		return Circuit{}, err
	}
	return r.Circuit(ctx, rec.Circuit)
}

// SetBuilt remembers which circuit was compiled from what the digest stands
// for. The compiler being deterministic, a record of before is replaced only
// where its circuit was removed.
func (r *Registry) SetBuilt(ctx context.Context, from, circuit store.Digest) error {
	for range 16 {
		_, rev, err := r.get(ctx, builtKey(from))
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := r.put(ctx, builtKey(from), rev, builtRecord{circuit}); !errors.Is(err, errSwapped) {
			return err
		}
	}
	return fault.New(fault.Overloaded, "the record of a compilation is being changed by others")
}
