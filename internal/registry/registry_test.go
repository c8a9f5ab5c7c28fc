package registry

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provery/internal/fault"
	"provery/internal/store"
)

// The ids of stored records and of clients' contracts: they must never change.
func TestManifestIDsAreFixed(t *testing.T) {
	t.Parallel()
	m := Manifest{Frontend: "zokrates", Curve: "bn254", Sources: map[string]store.Digest{"program": store.Sum(nil), "abi": store.Sum([]byte("a"))}}
	want := store.Sum([]byte(`{"curve":"bn254","frontend":"zokrates","sources":{"abi":"` + store.Sum([]byte("a")).String() +
		`","program":"` + store.Sum(nil).String() + `"},"v":"provery/circuit/1"}`))
	if got := m.ID(); got != want {
		t.Errorf("circuit: got %s, want %s", got, want)
	}
	k := KeyManifest{Circuit: want, Scheme: "groth16", Curve: "bn254", Source: store.Sum(nil)}
	want = store.Sum([]byte(`{"circuit":"` + want.String() + `","curve":"bn254","scheme":"groth16","source":"` + store.Sum(nil).String() + `","v":"provery/keyset/1"}`))
	if got := k.ID(); got != want {
		t.Errorf("key set: got %s, want %s", got, want)
	}
}

func TestAddCircuitIsIdempotent(t *testing.T) {
	t.Parallel()
	f := start(t, "")
	first, existed, err := f.AddCircuit(t.Context(), f.circuit(t, "a"), "mixer", "v1")
	if err != nil || existed {
		t.Fatalf("got existed=%v, %v", existed, err)
	}
	if want := []string{"mixer:latest", "mixer:v1"}; !slices.Equal(first.Names, want) {
		t.Errorf("got names %v, want %v", first.Names, want)
	}
	again := f.circuit(t, "a")
	again.Stats.Constraints = 99
	second, existed, err := f.AddCircuit(t.Context(), again, "")
	if err != nil || !existed {
		t.Fatalf("again: got existed=%v, %v", existed, err)
	}
	if d := cmp.Diff(first, second); d != "" {
		t.Errorf("the second registration changed the record: %s", d)
	}
}

func TestAddCircuitRefuses(t *testing.T) {
	t.Parallel()
	f := start(t, "")
	good := f.circuit(t, "a")
	with := func(edit func(*Circuit)) Circuit { c := good; edit(&c); return c }
	tests := []struct {
		name    string
		c       Circuit
		pointer string
		tags    []string
		code    fault.Code
	}{
		{"no front-end", with(func(c *Circuit) { c.Frontend = "" }), "", nil, fault.InvalidRequest},
		{"no sources", with(func(c *Circuit) { c.Sources = nil }), "", nil, fault.InvalidRequest},
		{"no compact form", with(func(c *Circuit) { c.Compact = Artifact{} }), "", nil, fault.InvalidRequest},
		{"blob not stored", with(func(c *Circuit) { c.Compact.Digest = store.Sum([]byte("x")) }), "", nil, fault.NotFound},
		{"wrong size", with(func(c *Circuit) { c.Compact.Size++ }), "", nil, fault.InvalidArtifact},
		{"long ABI", with(func(c *Circuit) { c.ABI = []byte(`"` + strings.Repeat("a", maxABI) + `"`) }), "", nil, fault.TooLarge},
		{"bad name", good, "Mixer", nil, fault.InvalidRequest},
		{"name like an id", good, "abcdef012345", nil, fault.InvalidRequest},
		{"bad tag", good, "mixer", []string{"v:1"}, fault.InvalidRequest},
		{"tag without a name", good, "", []string{"v1"}, fault.InvalidRequest},
	}
	for _, tc := range tests {
		if _, _, err := f.AddCircuit(t.Context(), tc.c, tc.pointer, tc.tags...); !fault.Is(err, tc.code) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.code)
		}
	}
	if got, _, err := f.List(t.Context(), "", 0); err != nil || len(got) != 0 {
		t.Errorf("got %d circuits, %v, want none", len(got), err)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	f := start(t, "")
	a := f.add(t, "a", "mixer", "v1")
	b := f.add(t, "b", "mixer", "v2.0-rc_1")
	tests := []struct {
		ref  string
		want store.Digest
		code fault.Code
	}{
		{a.ID.String(), a.ID, ""},
		{a.ID.Hex(), a.ID, ""},
		{a.ID.Hex()[:12], a.ID, ""},
		{a.ID.Hex()[:63], a.ID, ""},
		{"mixer", b.ID, ""}, // the latest
		{"mixer:latest", b.ID, ""},
		{"mixer:v1", a.ID, ""},
		{"mixer:v2.0-rc_1", b.ID, ""},
		{"mixer@" + a.ID.String(), a.ID, ""},
		{"mixer@" + store.Sum([]byte("?")).String(), store.Digest{}, fault.NotFound},
		{"other@" + a.ID.String(), store.Digest{}, fault.NotFound},
		{a.ID.Hex()[:11], store.Digest{}, fault.NotFound}, // too short for a prefix: a name
		{"000000000000", store.Digest{}, fault.NotFound},
		{"mixer:v3", store.Digest{}, fault.NotFound},
		{"other", store.Digest{}, fault.NotFound},
		{store.Sum([]byte("?")).String(), store.Digest{}, fault.NotFound},
		{"sha256:123", store.Digest{}, fault.InvalidRequest},
		{"Mixer", store.Digest{}, fault.InvalidRequest},
		{"mixer:", store.Digest{}, fault.InvalidRequest},
		{"mixer@" + a.ID.Hex(), store.Digest{}, fault.InvalidRequest},
		{"../etc", store.Digest{}, fault.InvalidRequest},
		{"", store.Digest{}, fault.InvalidRequest},
	}
	for _, tc := range tests {
		c, err := f.Resolve(t.Context(), tc.ref)
		if fault.CodeOf(err) != tc.code || c.ID != tc.want {
			t.Errorf("%q: got %s, %v, want %s, %q", tc.ref, c.ID, err, tc.want, tc.code)
		}
	}
	if err := f.Tag(t.Context(), a.ID, "mixer", "latest"); err != nil {
		t.Fatal(err)
	}
	if c, err := f.Resolve(t.Context(), "mixer"); err != nil || c.ID != a.ID {
		t.Errorf("after the tag moved: got %s, %v", c.ID, err)
	}
}

func TestPrefixOfSeveralIDs(t *testing.T) {
	t.Parallel()
	m := newMirror()
	r := &Registry{mirror: m}
	for _, last := range []string{"00", "01"} {
		id, err := store.ParseDigest(strings.Repeat("ab", 31) + last)
		if err != nil {
			t.Fatal(err)
		}
		m.circuits[id] = &Circuit{ID: id}
	}
	if _, err := r.Resolve(t.Context(), strings.Repeat("ab", 6)); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v, want conflict", err)
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	for s, ok := range map[string]bool{
		"a": true, "a1": true, "a.b_c-d": true, "v1..2": true, strings.Repeat("a", 128): true,
		"": false, "-a": false, "a-": false, ".a": false, "a.": false, "A": false, "a b": false, "a/b": false, "a=b": false,
		"é": false, "a\n": false, strings.Repeat("a", 129): false,
	} {
		if err := CheckName(s); (err == nil) != ok {
			t.Errorf("%q: got %v, want ok=%v", s, err, ok)
		}
	}
}

func FuzzParseRef(f *testing.F) {
	for _, s := range []string{"mixer", "mixer:v1", "mixer@sha256:" + strings.Repeat("0", 64), strings.Repeat("a", 12)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRef(s)
		if err == nil && r.ID.IsZero() && r.Prefix == "" && r.Name == "" && !strings.HasSuffix(s, strings.Repeat("0", 64)) {
			t.Errorf("%q stands for nothing", s)
		}
	})
}

func TestListPages(t *testing.T) {
	t.Parallel()
	f := start(t, "")
	want := map[store.Digest]bool{}
	for i := range 7 {
		want[f.add(t, fmt.Sprint(i), "").ID] = true
	}
	var pages int
	for cursor := ""; ; pages++ {
		page, next, err := f.List(t.Context(), cursor, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page {
			if !want[c.ID] {
				t.Errorf("%s is seen twice", c.ID)
			}
			delete(want, c.ID)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if len(want) != 0 || pages != 2 {
		t.Errorf("%d circuits not seen, %d further pages", len(want), pages)
	}
	for _, c := range []string{"x", "sha256:1"} {
		if _, _, err := f.List(t.Context(), c, 3); !fault.Is(err, fault.InvalidRequest) {
			t.Errorf("cursor %q: got %v, want invalid request", c, err)
		}
	}
	if _, _, err := f.List(t.Context(), "", maxPage+1); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("limit: got %v, want invalid request", err)
	}
}

func TestKeySets(t *testing.T) {
	t.Parallel()
	f := start(t, "")
	c := f.add(t, "a", "")
	old := f.addKeys(t, c, "groth16", "1")
	gm := f.addKeys(t, c, "gm17", "2")
	newest := f.addKeys(t, c, "groth16", "3")
	if again, existed, err := f.AddKeySet(t.Context(), f.keySet(t, c, "groth16", "1")); err != nil || !existed || again.ID != old.ID {
		t.Errorf("again: got %s, existed=%v, %v", again.ID, existed, err)
	}
	var ids []store.Digest
	for _, k := range f.KeySets(c.ID) {
		ids = append(ids, k.ID)
	}
	if want := []store.Digest{newest.ID, gm.ID, old.ID}; !slices.Equal(ids, want) {
		t.Errorf("got %v, want newest first", ids)
	}
	for scheme, want := range map[string]store.Digest{"groth16": newest.ID, "gm17": gm.ID, "": newest.ID} {
		if k, err := f.DefaultKeySet(c.ID, scheme); err != nil || k.ID != want {
			t.Errorf("default for %q: got %s, %v, want %s", scheme, k.ID, err, want)
		}
	}
	if _, err := f.DefaultKeySet(c.ID, "plonk"); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want not found", err)
	}
	bad := f.keySet(t, c, "groth16", "4")
	bad.Curve = "bls12-381"
	if _, _, err := f.AddKeySet(t.Context(), bad); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("other curve: got %v, want invalid artifact", err)
	}
	bad.Circuit = store.Sum([]byte("none"))
	if _, _, err := f.AddKeySet(t.Context(), bad); !fault.Is(err, fault.NotFound) {
		t.Errorf("no circuit: got %v, want not found", err)
	}
	if err := f.RemoveKeySet(t.Context(), c.ID, gm.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.KeySet(t.Context(), c.ID, gm.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("removed: got %v, want not found", err)
	}
}

func TestRemoveSparesSharedBlobs(t *testing.T) {
	t.Parallel()
	f := start(t, "")
	shared := f.blob(t, "shared")
	var cs [2]Circuit
	for i := range cs {
		c := f.circuit(t, fmt.Sprint(i))
		c.Extra = map[string]Artifact{"wasm": shared}
		var err error
		if cs[i], _, err = f.AddCircuit(t.Context(), c, "name", fmt.Sprintf("v%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	k := f.addKeys(t, cs[0], "groth16", "k")
	if err := f.Remove(t.Context(), cs[0].ID); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []Artifact{cs[0].Compact, k.ProvingKey, k.VerifyingKey} {
		if _, err := f.blobs.Stat(t.Context(), gone.Digest); !fault.Is(err, fault.NotFound) {
			t.Errorf("got %v, want the blob gone", err)
		}
	}
	for _, kept := range []Artifact{shared, cs[1].Compact} {
		if _, err := f.blobs.Stat(t.Context(), kept.Digest); err != nil {
			t.Errorf("got %v, want the blob kept", err)
		}
	}
	for _, ref := range []string{"name:v0", cs[0].ID.String()} {
		if _, err := f.Resolve(t.Context(), ref); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: got %v, want not found", ref, err)
		}
	}
	if c, err := f.Resolve(t.Context(), "name"); err != nil || c.ID != cs[1].ID {
		t.Errorf("latest: got %s, %v, want the other circuit", c.ID, err)
	}
	if err := f.Remove(t.Context(), cs[0].ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("again: got %v, want not found", err)
	}
	f.add(t, "0", "") // the same source can come back
	if len(f.KeySets(cs[0].ID)) != 0 {
		t.Error("the keys of the removed circuit came back with it")
	}
}

func TestRestartAndOtherProcesses(t *testing.T) {
	t.Parallel()
	f := start(t, "")
	other := f.another(t)
	c := f.add(t, "a", "mixer")
	k := f.addKeys(t, c, "groth16", "1")
	if got, err := other.Circuit(t.Context(), c.ID); err != nil || got.ID != c.ID {
		t.Errorf("other process, by id: %v", err)
	}
	if got, err := other.Resolve(t.Context(), "mixer"); err != nil || got.ID != c.ID {
		t.Errorf("other process, by name: %v", err)
	}
	if got, err := other.KeySet(t.Context(), c.ID, k.ID); err != nil || got.ID != k.ID {
		t.Errorf("other process, key set: %v", err)
	}
	other.Close()
	f.stop()
	g := start(t, f.dir)
	got, err := g.Resolve(t.Context(), "mixer")
	if d := cmp.Diff(c, got); err != nil || d != "" {
		t.Errorf("after a restart: %v %s", err, d)
	}
	if got := g.KeySets(c.ID); len(got) != 1 || cmp.Diff(k, got[0]) != "" {
		t.Errorf("after a restart: got %v", got)
	}
}

func TestConcurrentTags(t *testing.T) {
	t.Parallel()
	f := start(t, "")
	c := f.add(t, "a", "")
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			if err := f.Tag(t.Context(), c.ID, "mixer", fmt.Sprintf("v%d", i)); err != nil {
				t.Errorf("tag: %v", err)
			}
		})
	}
	wg.Wait()
	if c, err := f.Circuit(t.Context(), c.ID); err != nil || len(c.Names) != 6 {
		t.Errorf("got %v, %v, want 6 names", c.Names, err)
	}
}

// damage overwrites a stored blob's file.
func (f *fixture) damage(t *testing.T, d store.Digest, content string) {
	t.Helper()
	path := filepath.Join(f.dir, "blobs", "objects", d.Hex()[:2], d.Hex())
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o400); err != nil {
		t.Fatal(err)
	}
}

func TestDamageIsNamed(t *testing.T) {
	t.Parallel()
	f := start(t, "")
	good, bad := f.add(t, "good", "good"), f.add(t, "bad", "bad", "v1")
	k := f.addKeys(t, bad, "groth16", "1")
	if b, err := f.OpenBlob(t.Context(), good.ID, good.Compact); err != nil || b.Close() != nil {
		t.Fatalf("open: %v", err)
	}
	f.damage(t, bad.Compact.Digest, "compact b4d")
	if _, err := f.OpenBlob(t.Context(), bad.ID, bad.Compact); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("damaged: got %v, want invalid artifact", err)
	}
	if err := f.blobs.Delete(t.Context(), k.VerifyingKey.Digest); err != nil {
		t.Fatal(err)
	}
	if _, err := f.OpenBlob(t.Context(), bad.ID, k.VerifyingKey); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("missing: got %v, want invalid artifact", err)
	}
	f.damage(t, k.ProvingKey.Digest, "p")
	if err := f.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	health := f.Health()
	if len(health) != 3 {
		t.Fatalf("got %v, want three damages", health)
	}
	for _, d := range health {
		if d.Circuit != bad.ID || !slices.Contains(d.Names, "bad:v1") || d.Detail == "" || d.Seen.Before(time.Unix(0, 0)) {
			t.Errorf("got %+v, want the bad circuit named", d)
		}
	}
	f.blob(t, "compact bad") // putting the content again mends it
	f.blob(t, "vk 1")
	f.blob(t, "pk 1")
	if err := f.Verify(t.Context()); err != nil || len(f.Health()) != 0 {
		t.Errorf("mended: got %v, %v", f.Health(), err)
	}
	f.damage(t, bad.Compact.Digest, "x")
	if _, err := f.OpenBlob(t.Context(), bad.ID, bad.Compact); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("cut: got %v, want invalid artifact by its size", err)
	}
	if err := f.Remove(t.Context(), bad.ID); err != nil || len(f.Health()) != 0 {
		t.Errorf("removed: got %v, %v", f.Health(), err)
	}
}
