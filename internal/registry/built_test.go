package registry

import (
	"testing"

	"provery/internal/fault"
	"provery/internal/store"
)

// TestBuilt remembers what was compiled, also in another process, until the
// circuit is removed; then it can be compiled anew.
func TestBuilt(t *testing.T) {
	t.Parallel()
	f := start(t, "")
	from := store.Sum([]byte("sources"))
	if _, err := f.Built(t.Context(), from); !fault.Is(err, fault.NotFound) {
		t.Errorf("nothing was compiled: got %v", err)
	}
	c, _, err := f.AddCircuit(t.Context(), f.circuit(t, "a"), "")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time changes nothing
		if err := f.SetBuilt(t.Context(), from, c.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := f.another(t).Built(t.Context(), from); err != nil || got.ID != c.ID {
		t.Errorf("got %v, %v, want the circuit", got.ID, err)
	}
	if err := f.Remove(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Built(t.Context(), from); !fault.Is(err, fault.NotFound) {
		t.Errorf("after its removal: got %v", err)
	}
	d, _, err := f.AddCircuit(t.Context(), f.circuit(t, "b"), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetBuilt(t.Context(), from, d.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Built(t.Context(), from); err != nil || got.ID != d.ID {
		t.Errorf("got %v, %v, want the new circuit", got.ID, err)
	}
}
