package cached

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"provery/internal/fault"
	"provery/internal/store"
	"provery/internal/store/file"
	"provery/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a remote store in memory whose calls can be made to fail or wait.
type memory struct {
	mu        sync.Mutex
	blobs     map[store.Digest][]byte
	away      error // what every call returns
	downloads int
	gate      chan struct{} // if not nil, downloads wait until it is closed
}

func newMemory() *memory { return &memory{blobs: map[store.Digest][]byte{}} }

func (m *memory) err(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Internal, "remote")
	}
	return m.away
}

func (m *memory) Upload(ctx context.Context, d store.Digest, content io.ReaderAt, size int64) error {
	b, err := io.ReadAll(io.NewSectionReader(content, 0, size))
	m.mu.Lock()
	defer m.mu.Unlock()
	if err = errors.Join(err, m.err(ctx)); err == nil {
		m.blobs[d] = b
	}
	return err
}

func (m *memory) Download(ctx context.Context, d store.Digest) (io.ReadCloser, int64, error) {
	m.mu.Lock()
	m.downloads++
	gate, b, err := m.gate, m.blobs[d], m.err(ctx)
	m.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, 0, fault.Wrap(ctx.Err(), fault.Internal, "remote")
		}
	}
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), err
}

func (m *memory) Stat(ctx context.Context, d store.Digest) (store.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.err(ctx); err != nil {
		return store.Info{}, err
	}
	b, ok := m.blobs[d]
	if !ok {
		return store.Info{}, fault.New(fault.NotFound, "no such blob")
	}
	return store.Info{Digest: d, Size: int64(len(b)), Modified: time.Unix(1, 0)}, nil
}

func (m *memory) Delete(ctx context.Context, d store.Digest) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.blobs, d)
	return m.err(ctx)
}

func (m *memory) List(ctx context.Context) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		if err := m.err(ctx); err != nil {
			yield(store.Info{}, err)
			return
		}
		m.mu.Lock()
		keys := slices.SortedFunc(maps.Keys(m.blobs), func(a, b store.Digest) int { return bytes.Compare(a[:], b[:]) })
		m.mu.Unlock()
		for _, d := range keys {
			info, err := m.Stat(ctx, d)
			if err == nil && !yield(info, nil) {
				return
			}
		}
	}
}

// rig is a store over a memory and a directory.
type rig struct {
	*Store
	remote *memory
	local  *file.Store
	dir    string
}

func newRig(t *testing.T, dir string, remote *memory, limit int64) *rig {
	t.Helper()
	local, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := local.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := New(t.Context(), remote, local, limit)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{s, remote, local, dir}
}

func fresh(t *testing.T, limit int64) *rig {
	t.Helper()
	return newRig(t, filepath.Join(t.TempDir(), "cache"), newMemory(), limit)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"all fits": math.MaxInt64 / 2, "some fit": 4 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) store.Blobs { return fresh(t, limit) })
		})
	}
}

// blob returns 1000 bytes that depend on i.
func blob(i byte) []byte { return bytes.Repeat([]byte{i}, 1000) }

// seed puts blobs into the remote only.
func (r *rig) seed(ids ...byte) {
	for _, i := range ids {
		r.remote.blobs[store.Sum(blob(i))] = blob(i)
	}
}

// read opens and closes a blob.
func (r *rig) read(t *testing.T, i byte) {
	t.Helper()
	if err := r.use(t, i).Close(); err != nil {
		t.Error(err)
	}
}

// use opens a blob.
func (r *rig) use(t *testing.T, i byte) store.Blob {
	t.Helper()
	b, err := r.Open(t.Context(), store.Sum(blob(i)))
	if err != nil {
		t.Fatalf("open %d: %v", i, err)
	}
	if !bytes.Equal(b.Bytes(), blob(i)) {
		t.Errorf("open %d: got other content", i)
	}
	return b
}

// copies lists the local copies by their first byte.
func (r *rig) copies(t *testing.T) string {
	t.Helper()
	var out []string
	for info, err := range r.local.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for i := byte('a'); i <= 'z'; i++ {
			if store.Sum(blob(i)) == info.Digest {
				out = append(out, string(rune(i)))
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

func TestLeastRecentlyUsedGoes(t *testing.T) {
	t.Parallel()
	r := fresh(t, 3000)
	r.seed('a', 'b', 'c', 'd', 'e')
	for _, step := range []struct {
		open byte
		want string
	}{{'a', "a"}, {'b', "ab"}, {'c', "abc"}, {'a', "abc"}, {'d', "acd"}, {'e', "ade"}, {'a', "ade"}, {'b', "abe"}} {
		r.read(t, step.open)
		if got := r.copies(t); got != step.want {
			t.Fatalf("after %c: got copies %s, want %s", step.open, got, step.want)
		}
	}
	want := Stats{Bytes: 3000, Limit: 3000, Hits: 2, Misses: 6, Evictions: 3}
	if got := r.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOpenBlobsStay(t *testing.T) {
	t.Parallel()
	r := fresh(t, 2000)
	r.seed('a', 'b', 'c', 'd')
	a, b := r.use(t, 'a'), r.use(t, 'b')
	_, err := r.Open(t.Context(), store.Sum(blob('c')))
	if !fault.Is(err, fault.InsufficientStorage) || !strings.Contains(err.Error(), "in use") {
		t.Fatalf("got %v, want insufficient storage", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil { // counts once
		t.Fatal(err)
	}
	r.read(t, 'c')
	if got := r.copies(t); got != "bc" {
		t.Errorf("got copies %s, want bc", got)
	}
	// Deleted while it is open: its bytes count until it is closed.
	if err := r.Delete(t.Context(), store.Sum(blob('b'))); err != nil {
		t.Fatal(err)
	}
	if got := r.Stats().Bytes; got != 2000 {
		t.Errorf("got %d bytes, want those of the deleted blob too", got)
	}
	if !bytes.Equal(b.Bytes(), blob('b')) {
		t.Error("an open blob changed")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if got := r.Stats().Bytes; got != 1000 {
		t.Errorf("got %d bytes, want 1000", got)
	}
}

func TestTooLargeForTheCache(t *testing.T) {
	t.Parallel()
	r := fresh(t, 999)
	r.seed('a')
	if _, err := r.Open(t.Context(), store.Sum(blob('a'))); !fault.Is(err, fault.InsufficientStorage) || !strings.Contains(err.Error(), "bounded to 999") {
		t.Errorf("got %v, want insufficient storage", err)
	}
	// An upload passes through all the same.
	d, n, err := r.Put(t.Context(), bytes.NewReader(blob('b')), 2000)
	if err != nil || n != 1000 || !bytes.Equal(r.remote.blobs[d], blob('b')) {
		t.Errorf("put: got %d, %v", n, err)
	}
	if got := r.copies(t); got != "" || r.Stats().Bytes != 0 {
		t.Errorf("got copies %q of %d bytes, want none", got, r.Stats().Bytes)
	}
}

func TestDamagedCopyIsFetchedAgain(t *testing.T) {
	t.Parallel()
	dir, remote := filepath.Join(t.TempDir(), "cache"), newMemory()
	first := newRig(t, dir, remote, 5000)
	first.seed('a', 'b')
	first.read(t, 'a')
	first.read(t, 'b')
	d := store.Sum(blob('a'))
	path := filepath.Join(dir, "objects", d.Hex()[:2], d.Hex())
	if err := errors.Join(os.Remove(path), os.WriteFile(path, blob('x'), 0o400)); err != nil {
		t.Fatal(err)
	}
	second := newRig(t, dir, remote, 5000)
	if got := second.Stats(); got.Bytes != 2000 {
		t.Errorf("got %+v, want the copies of the earlier process", got)
	}
	second.read(t, 'a')
	second.read(t, 'b')
	if remote.downloads != 3 {
		t.Errorf("got %d downloads, want the damaged copy's again", remote.downloads)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second.read(t, 'a') // removed behind its back
}

func TestStartEvicts(t *testing.T) {
	t.Parallel()
	dir, remote := filepath.Join(t.TempDir(), "cache"), newMemory()
	r := newRig(t, dir, remote, 5000)
	r.seed('a', 'b', 'c')
	for i, name := range []byte("cab") {
		r.read(t, name)
		d := store.Sum(blob(name))
		at := time.Unix(int64(1000+i), 0)
		if err := os.Chtimes(filepath.Join(dir, "objects", d.Hex()[:2], d.Hex()), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if got := newRig(t, dir, remote, 2500).copies(t); got != "ab" {
		t.Errorf("got copies %s, want the two newest", got)
	}
}

func TestDamagedRemote(t *testing.T) {
	t.Parallel()
	r := fresh(t, 5000)
	d := store.Sum(blob('a'))
	r.remote.blobs[d] = blob('x')
	if _, err := r.Open(t.Context(), d); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("got %v, want invalid artifact", err)
	}
	if got := r.copies(t); got != "" || r.Stats().Bytes != 0 {
		t.Errorf("got copies %q of %d bytes, want none", got, r.Stats().Bytes)
	}
	if _, _, err := r.Put(t.Context(), bytes.NewReader(blob('a')), 2000); err != nil { // mends it
		t.Fatal(err)
	}
	r.read(t, 'a')
}

func TestRemoteAway(t *testing.T) {
	t.Parallel()
	r := fresh(t, 5000)
	r.seed('a', 'b')
	r.read(t, 'a')
	r.remote.away = fault.New(fault.Overloaded, "not today")
	r.read(t, 'a') // content never changes: the copy is as good
	if _, err := r.Open(t.Context(), store.Sum(blob('b'))); !fault.Is(err, fault.Overloaded) {
		t.Errorf("got %v, want overloaded", err)
	}
	if _, _, err := r.Put(t.Context(), bytes.NewReader(blob('c')), 2000); !fault.Is(err, fault.Overloaded) {
		t.Errorf("put: got %v, want overloaded", err)
	}
	if got := r.copies(t); got != "a" {
		t.Errorf("got copies %s, want a alone", got)
	}
	r.remote.away = nil
	delete(r.remote.blobs, store.Sum(blob('a'))) // another process deleted it
	if _, err := r.Open(t.Context(), store.Sum(blob('a'))); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want not found", err)
	}
	if got := r.copies(t); got != "" {
		t.Errorf("got copies %s, want none", got)
	}
}

// TestOneDownloadForAll opens a blob many times at once; the one who started
// the download gives up in the middle.
func TestOneDownloadForAll(t *testing.T) {
	t.Parallel()
	r := fresh(t, 5000)
	r.seed('a')
	gate := make(chan struct{})
	r.remote.gate = gate
	d := store.Sum(blob('a'))
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := r.Open(ctx, d)
		gone <- err
	}()
	started := func(n int) {
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			r.remote.mu.Lock()
			got := r.remote.downloads
			r.remote.mu.Unlock()
			if got == n {
				return
			}
		}
		t.Errorf("download %d didn't start", n)
	}
	started(1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			b, err := r.Open(t.Context(), d)
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	cancel()
	if err := <-gone; !fault.Is(err, fault.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	started(2)
	close(gate)
	wg.Wait()
	if r.remote.downloads != 2 {
		t.Errorf("got %d downloads, want 2", r.remote.downloads)
	}
	if got := r.Stats(); got.Bytes != 1000 {
		t.Errorf("got %+v, want one copy", got)
	}
}

// full is a local store on a full disk.
type full struct{ *file.Store }

func (full) Free() (int64, error) { return spare + 999, nil }

func TestFullDisk(t *testing.T) {
	t.Parallel()
	r := fresh(t, 5000)
	r.seed('a')
	s, err := New(t.Context(), r.remote, full{r.local}, 5000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), store.Sum(blob('a'))); !fault.Is(err, fault.InsufficientStorage) || !strings.Contains(err.Error(), "disk") {
		t.Errorf("got %v, want insufficient storage", err)
	}
	if s.Stats().Bytes != 0 || r.remote.downloads != 0 {
		t.Errorf("got %+v after %d downloads, want nothing begun", s.Stats(), r.remote.downloads)
	}
}
