package worker

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/registry"
	"provery/internal/store"
)

// damage flips a byte of a stored file.
func (r *rig) damage(d store.Digest) {
	r.t.Helper()
	h := hex.EncodeToString(d[:])
	path := filepath.Join(r.dir, "blobs", "objects", h[:2], h)
	b, err := os.ReadFile(path)
	r.check(err)
	b[len(b)/2] ^= 1
	r.check(os.Remove(path))
	r.check(os.WriteFile(path, b, 0o400))
}

func (r *rig) open(c registry.Circuit, k registry.KeySet) (*registry.Handle[*openProver], error) {
	return r.catalogue.provers.Acquire(r.t.Context(), proverKey{c.ID, k.ID})
}

// TestOpensOnce asks for a circuit from many sides at once.
func TestOpensOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	r.catalogue = NewCatalogue(r.kit, r.registry, 1<<20)
	t.Cleanup(r.catalogue.Close)
	r.front.opened.Store(0)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			h, err := r.open(c, k)
			if err != nil {
				t.Error(err)
				return
			}
			defer h.Release()
			if h.Value().keySet.ID != k.ID {
				t.Error("got other keys")
			}
		})
	}
	wg.Wait()
	if n := r.front.opened.Load(); n != 1 {
		t.Errorf("opened %d times, want once", n)
	}
	programs, provers := r.catalogue.Stats()
	if programs.Entries != 1 || provers.Entries != 1 || programs.Bytes != c.Compact.Size || provers.Bytes != k.ProvingKey.Size {
		t.Errorf("got %+v and %+v", programs, provers)
	}
	r.catalogue.Forget(c.ID, []registry.KeySet{k})
	if programs, provers := r.catalogue.Stats(); programs.Entries != 0 || provers.Entries != 0 || programs.Bytes != 0 || provers.Bytes != 0 {
		t.Errorf("after Forget: got %+v and %+v", programs, provers)
	}
}

// TestCacheIsBounded opens two circuits where there is room for none.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	d, l := r.ready("inout")
	r.catalogue = NewCatalogue(r.kit, r.registry, 0)
	t.Cleanup(r.catalogue.Close)
	for range 2 {
		one, err := r.open(c, k)
		r.check(err)
		two, err := r.open(d, l)
		r.check(err)
		one.Release()
		two.Release()
	}
	if programs, provers := r.catalogue.Stats(); programs.Bytes != 0 || provers.Bytes != 0 || provers.Evictions != 4 {
		t.Errorf("got %+v and %+v, want nothing left open", programs, provers)
	}
}

// TestDamageIsInternal opens damaged files: the fault isn't the request's, and
// the registry names the circuit.
func TestDamageIsInternal(t *testing.T) {
	t.Parallel()
	for name, which := range map[string]func(registry.Circuit, registry.KeySet) store.Digest{
		"program":       func(c registry.Circuit, _ registry.KeySet) store.Digest { return c.Compact.Digest },
		"proving key":   func(_ registry.Circuit, k registry.KeySet) store.Digest { return k.ProvingKey.Digest },
		"verifying key": func(_ registry.Circuit, k registry.KeySet) store.Digest { return k.VerifyingKey.Digest },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			c, k := r.ready("mul")
			r.catalogue.Forget(c.ID, []registry.KeySet{k})
			r.damage(which(c, k))
			r.check(r.registry.Verify(t.Context())) // or it is trusted, having been hashed
			h, err := r.open(c, k)
			if name == "verifying key" {
				r.check(err)
				h.Release()
				_, err = r.catalogue.VerifyingKey(t.Context(), k)
			}
			if !fault.Is(err, fault.Internal) || !strings.Contains(err.Error(), "damaged or missing") {
				t.Errorf("got %v, want internal", err)
			}
			if damages := r.registry.Health(); len(damages) != 1 || damages[0].Circuit != c.ID {
				t.Errorf("got %+v, want the circuit", damages)
			}
			if programs, provers := r.catalogue.Stats(); name == "proving key" && provers.Entries != 0 || name == "program" && programs.Entries != 0 {
				t.Errorf("a failed opening is kept: %+v %+v", programs, provers)
			}
			// Registering again mends it.
			c, existed, err := r.registrar.Circuit(t.Context(), "zokrates", programOf(t, "mul"), "", "")
			if err != nil || !existed {
				t.Fatalf("register again: got existed %v, %v", existed, err)
			}
			_, existed, err = r.registrar.Keys(t.Context(), c, KeyUpload{ProvingKey: upload(t, "mul", "ark-g16/proving.key")})
			if err != nil || !existed {
				t.Fatalf("register keys again: got existed %v, %v", existed, err)
			}
			h, err = r.open(c, k)
			r.check(err)
			h.Release()
			if damages := r.registry.Health(); len(damages) != 0 {
				t.Errorf("after it was mended: got %+v", damages)
			}
		})
	}
}

// TestPanicWhileOpening leaves nothing behind.
func TestPanicWhileOpening(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	r.catalogue.Forget(c.ID, []registry.KeySet{k})
	r.front.onOpen.set(func(context.Context) error { panic(secret) })
	_, err := r.open(c, k)
	if !fault.Is(err, fault.Internal) || strings.Contains(err.Error(), secret) || strings.Contains(errors.Unwrap(err).Error(), secret) {
		t.Errorf("got %v, want an internal error without the value", err)
	}
	r.front.onOpen.set(fine)
	h, err := r.open(c, k)
	r.check(err)
	h.Release()
}

// TestABI returns it from the record, or from the program if it is too long.
func TestABI(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.register("mul")
	inline, err := r.catalogue.ABI(t.Context(), &c)
	r.check(err)
	c.ABI = nil
	read, err := r.catalogue.ABI(t.Context(), &c)
	if err != nil || string(read) != string(inline) || len(read) == 0 {
		t.Errorf("got %s, %v, want %s", read, err, inline)
	}
	c.ID = store.Sum([]byte("nobody"))
	if _, err := r.catalogue.ABI(t.Context(), &c); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown circuit: got %v, want not_found", err)
	}
}

func TestUnknownParts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	r.catalogue.Forget(c.ID, []registry.KeySet{k})
	if _, err := r.open(c, registry.KeySet{ID: store.Sum([]byte("nobody"))}); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown keys: got %v", err)
	}
	without := NewCatalogue(&Kit{Frontends: []frontend.Frontend{r.front}}, r.registry, 0)
	t.Cleanup(without.Close)
	if _, err := without.provers.Acquire(t.Context(), proverKey{c.ID, k.ID}); !fault.Is(err, fault.Unsupported) {
		t.Errorf("unknown scheme: got %v", err)
	}
	none := NewCatalogue(&Kit{}, r.registry, 0)
	t.Cleanup(none.Close)
	if _, err := none.programs.Acquire(t.Context(), c.ID); !fault.Is(err, fault.Unsupported) {
		t.Errorf("unknown front-end: got %v", err)
	}
}

// TestHot tells which circuits are open with keys.
func TestHot(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	r.catalogue.Forget(c.ID, []registry.KeySet{k})
	if r.catalogue.Hot(c.ID) {
		t.Error("hot before it was opened")
	}
	h, err := r.catalogue.provers.Acquire(t.Context(), proverKey{c.ID, k.ID})
	r.check(err)
	if !r.catalogue.Hot(c.ID) {
		t.Error("cold while in use")
	}
	h.Release()
	if !r.catalogue.Hot(c.ID) {
		t.Error("cold right after use")
	}
	r.catalogue.Forget(c.ID, []registry.KeySet{k})
	if r.catalogue.Hot(c.ID) || r.catalogue.Hot(store.Digest{1}) {
		t.Error("hot after it was closed")
	}
}
