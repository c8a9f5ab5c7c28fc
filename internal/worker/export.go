package worker

import (
	"context"
	"io"

	"provery/internal/registry"
)

// ProvingKey is an opened proving key. Close it.
type ProvingKey struct {
	handle *registry.Handle[*openProver]
}

// ProvingKey opens the proving key of a key set for export.
func (c *Catalogue) ProvingKey(ctx context.Context, k registry.KeySet) (*ProvingKey, error) {
	handle, err := c.provers.Acquire(ctx, proverKey{k.Circuit, k.ID})
	if err != nil {
		return nil, notTheClients(err)
	}
	return &ProvingKey{handle}, nil
}

// Export writes the key as scheme.ProvingKey does: in the layout that it came
// in, or in that of ZoKrates's ark backend if it was made here without one.
func (k *ProvingKey) Export(w io.Writer) (err error) {
	defer recoverTo(&err)
	open := k.handle.Value()
	return open.key.Export(w, open.program.Value().program.System())
}

// Close gives the key back.
func (k *ProvingKey) Close() { k.handle.Release() }
