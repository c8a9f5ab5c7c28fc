package registry

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"provery/internal/engine"
	"provery/internal/store"
	"provery/internal/store/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a registry on an engine and a blob store of its own.
type fixture struct {
	*Registry
	dir   string
	eng   *engine.Engine
	blobs *file.Store
}

// start opens a registry over dir (empty: a fresh one).
func start(t *testing.T, dir string) *fixture {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	f := &fixture{dir: dir}
	var err error
	if f.eng, err = engine.Open(t.Context(), engine.Config{StoreDir: dir + "/engine"}); err != nil {
		t.Fatal(err)
	}
	if f.blobs, err = file.Open(dir + "/blobs"); err != nil {
		t.Fatal(err)
	}
	f.Registry = f.another(t)
	t.Cleanup(f.stop)
	return f
}

// another opens the same registry once more, as another process would.
func (f *fixture) another(t *testing.T) *Registry {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r, err := Open(t.Context(), f.eng, f.blobs, Config{Now: func() time.Time { now = now.Add(time.Second); return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func (f *fixture) stop() {
	f.Close()
	_ = f.eng.Close(context.Background())
	_ = f.blobs.Close()
}

// blob stores text.
func (f *fixture) blob(t *testing.T, text string) Artifact {
	t.Helper()
	d, size, err := f.blobs.Put(t.Context(), strings.NewReader(text), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return Artifact{Digest: d, Size: size}
}

// circuit returns a circuit whose source is the text, with its blob stored.
func (f *fixture) circuit(t *testing.T, source string) Circuit {
	t.Helper()
	return Circuit{
		Frontend: "zokrates", Curve: "bn254", Sources: map[string]store.Digest{"program": store.Sum([]byte(source))},
		Compact: f.blob(t, "compact "+source), Stats: Stats{Constraints: 7}, ABI: []byte(`{"inputs":[]}`),
	}
}

// add registers a circuit or fails the test.
func (f *fixture) add(t *testing.T, source, name string, tags ...string) Circuit {
	t.Helper()
	c, _, err := f.AddCircuit(t.Context(), f.circuit(t, source), name, tags...)
	if err != nil {
		t.Fatalf("add circuit: %v", err)
	}
	return c
}

// keySet returns a key set of a circuit with its blobs stored.
func (f *fixture) keySet(t *testing.T, c Circuit, scheme, source string) KeySet {
	t.Helper()
	return KeySet{
		Circuit: c.ID, Scheme: scheme, Curve: c.Curve, Layout: "ark", Provenance: Uploaded,
		Source: Artifact{Digest: store.Sum([]byte(source)), Size: 3}, ProvingKey: f.blob(t, "pk "+source), VerifyingKey: f.blob(t, "vk "+source),
	}
}

// addKeys registers a key set or fails the test.
func (f *fixture) addKeys(t *testing.T, c Circuit, scheme, source string) KeySet {
	t.Helper()
	k, _, err := f.AddKeySet(t.Context(), f.keySet(t, c, scheme, source))
	if err != nil {
		t.Fatalf("add key set: %v", err)
	}
	return k
}
