package upload

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"

	"provery/internal/engine"
	"provery/internal/fault"
	"provery/internal/store"
	"provery/internal/store/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a store over a running engine, with a clock to turn.
type rig struct {
	*Store
	eng   *engine.Engine
	blobs *file.Store

	mu  sync.Mutex
	now time.Time
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) later(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func newRig(t *testing.T) *rig {
	t.Helper()
	eng, err := engine.Open(t.Context(), engine.Config{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := eng.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	blobs, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blobs.Close() })
	r := &rig{eng: eng, blobs: blobs, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	r.Store = r.reopen(t)
	return r
}

// reopen returns a store as another process has it.
func (r *rig) reopen(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), r.eng, r.blobs, Config{MaxBytes: 1000, MinPiece: 10, MaxPiece: 100, MaxUploads: 3, Now: r.clock})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// left counts the blobs.
func (r *rig) left(t *testing.T) int {
	t.Helper()
	n := 0
	for _, err := range r.blobs.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// content returns n bytes, and their id as an upload of owner.
func content(owner string, n int) ([]byte, ID) {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b, ID{owner, store.Sum(b)}
}

// add appends b[from:to].
func add(t *testing.T, s *Store, id ID, b []byte, from, to int) (Status, error) {
	t.Helper()
	return s.Append(t.Context(), id, Piece{int64(from), int64(to - from), int64(len(b))}, bytes.NewReader(b[from:to]))
}

func TestPiecesAcrossProcesses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b, id := content("a", 250)
	for _, cut := range [][2]int{{0, 100}, {100, 150}, {150, 240}, {240, 250}} {
		s := r.reopen(t)
		if _, err := s.Open(t.Context(), id); !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
			t.Errorf("before byte %d: got %v, want conflict or not_found", cut[0], err)
		}
		st, err := add(t, s, id, b, cut[0], cut[1])
		if err != nil || st.Received != int64(cut[1]) || st.Size != 250 || st.Complete() != (cut[1] == 250) {
			t.Fatalf("to byte %d: got %+v, %v", cut[1], st, err)
		}
		if again, err := add(t, s, id, b, cut[0], cut[1]); err != nil || again != st {
			t.Errorf("again to byte %d: got %+v, %v, want %+v", cut[1], again, err, st)
		}
	}
	f, err := r.reopen(t).Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(iotest.HalfReader(f)); err != nil || !bytes.Equal(got, b) {
		t.Errorf("got %d bytes, %v, want the content", len(got), err)
	}
	if _, err := r.Status(t.Context(), ID{"b", id.Digest}); !fault.Is(err, fault.NotFound) {
		t.Errorf("another owner: got %v, want not_found", err)
	}
	if err := errors.Join(r.Remove(t.Context(), id), r.Remove(t.Context(), id)); err != nil || r.left(t) != 0 {
		t.Errorf("remove: got %v and %d blobs, want none", err, r.left(t))
	}
}

func TestACutPieceLeavesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b, id := content("a", 150)
	if _, err := add(t, r.Store, id, b, 0, 100); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the connection broke")
	_, err := r.Append(t.Context(), id, Piece{100, 50, 150}, io.MultiReader(bytes.NewReader(b[100:120]), iotest.ErrReader(broken)))
	if err == nil {
		t.Fatal("got no error")
	}
	if _, err := r.Append(t.Context(), id, Piece{100, 50, 150}, bytes.NewReader(b[100:120])); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("a short body: got %v, want invalid_request", err)
	}
	if st, err := r.Status(t.Context(), id); err != nil || st.Received != 100 || r.left(t) != 1 {
		t.Errorf("got %+v, %v and %d blobs, want 100 bytes in one", st, err, r.left(t))
	}
	if st, err := add(t, r.Store, id, b, 100, 150); err != nil || !st.Complete() {
		t.Errorf("got %+v, %v, want all of it", st, err)
	}
}

func TestRefusedPieces(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b, id := content("a", 200)
	if _, err := add(t, r.Store, id, b, 0, 50); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		p    Piece
		want fault.Code
	}{
		{"a gap", Piece{60, 20, 200}, fault.Conflict},
		{"an overlap", Piece{40, 20, 200}, fault.Conflict},
		{"another total", Piece{50, 20, 210}, fault.Conflict},
		{"a short one", Piece{50, 9, 200}, fault.InvalidRequest},
		{"behind the end", Piece{150, 60, 200}, fault.InvalidRequest},
		{"behind all numbers", Piece{1 << 62, 1 << 62, 200}, fault.InvalidRequest},
		{"before the start", Piece{-1, 20, 200}, fault.InvalidRequest},
		{"nothing", Piece{50, 0, 200}, fault.InvalidRequest},
		{"a long one", Piece{50, 101, 200}, fault.TooLarge},
		{"a long file", Piece{0, 50, 1001}, fault.TooLarge},
	} {
		if _, err := r.Append(t.Context(), id, tc.p, iotest.ErrReader(errors.New("read"))); !fault.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.want)
		}
	}
	if n := r.left(t); n != 1 {
		t.Errorf("got %d blobs, want 1", n)
	}
}

func TestAnotherDigest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b, id := content("a", 120)
	if _, err := add(t, r.Store, id, b, 0, 100); err != nil {
		t.Fatal(err)
	}
	b[110] ^= 1
	if _, err := add(t, r.Store, id, b, 100, 120); !fault.Is(err, fault.InvalidArtifact) {
		t.Fatalf("got %v, want invalid_artifact", err)
	}
	if _, err := r.Status(t.Context(), id); !fault.Is(err, fault.NotFound) || r.left(t) != 0 {
		t.Errorf("got %v and %d blobs, want nothing", err, r.left(t))
	}
	if _, err := add(t, r.Store, id, b[:20], 0, 20); !fault.Is(err, fault.InvalidArtifact) || r.left(t) != 0 {
		t.Errorf("in one piece: got %v and %d blobs, want invalid_artifact and nothing", err, r.left(t))
	}
	b[110] ^= 1
	if _, err := add(t, r.Store, id, b, 0, 100); err != nil {
		t.Errorf("anew: %v", err)
	}
}

func TestOwnersHaveBounds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 3 {
		b, id := content("a", 200)
		if _, err := add(t, r.Store, id, b, 0, 100); err != nil {
			t.Fatalf("upload %d: %v", i, err)
		}
	}
	b, id := content("a", 200)
	if _, err := add(t, r.Store, id, b, 0, 100); !fault.Is(err, fault.Conflict) {
		t.Errorf("a fourth: got %v, want conflict", err)
	}
	if _, err := add(t, r.Store, ID{"b", id.Digest}, b, 0, 100); err != nil {
		t.Errorf("another owner's: %v", err)
	}
	for i := range 2 {
		b, id := content("c", 1000)
		if _, err := add(t, r.Store, id, b, 0, 100); err != nil {
			t.Fatalf("large upload %d: %v", i, err)
		}
	}
	b, id = content("c", 20)
	if _, err := add(t, r.Store, id, b, 0, 20); !fault.Is(err, fault.Conflict) {
		t.Errorf("beyond the bytes: got %v, want conflict", err)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old, oldID := content("a", 120)
	if _, err := add(t, r.Store, oldID, old, 0, 100); err != nil {
		t.Fatal(err)
	}
	r.later(13 * time.Hour)
	fresh, freshID := content("b", 120)
	if _, err := add(t, r.Store, freshID, fresh, 0, 120-20); err != nil {
		t.Fatal(err)
	}
	r.later(12 * time.Hour)
	if err := r.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Status(t.Context(), oldID); !fault.Is(err, fault.NotFound) {
		t.Errorf("the old one: got %v, want not_found", err)
	}
	if st, err := r.Status(t.Context(), freshID); err != nil || st.Received != 100 || r.left(t) != 1 {
		t.Errorf("the fresh one: got %+v, %v and %d blobs, want 100 bytes", st, err, r.left(t))
	}
}

// TestRemovalIsFinished begins a removal as a process does that dies in it.
func TestRemovalIsFinished(t *testing.T) {
	t.Parallel()
	for name, finish := range map[string]func(r *rig, b []byte, id ID) error{
		"by a sweep": func(r *rig, _ []byte, _ ID) error { return r.Sweep(context.Background()) },
		"by a question": func(r *rig, _ []byte, id ID) error {
			_, err := r.Status(context.Background(), id)
			if fault.Is(err, fault.NotFound) {
				return nil
			}
			return errors.Join(errors.New("it is still there"), err)
		},
	} {
		r := newRig(t)
		b, id := content("a", 120)
		if _, err := add(t, r.Store, id, b, 0, 100); err != nil {
			t.Fatal(err)
		}
		rec, err := r.load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		rec.Gone = true
		if err := r.write(t.Context(), id.key(), rec); err != nil {
			t.Fatal(err)
		}
		if err := finish(r, b, id); err != nil || r.left(t) != 0 {
			t.Errorf("%s: got %v and %d blobs, want none", name, err, r.left(t))
		}
		if st, err := add(t, r.Store, id, b, 0, 100); err != nil || st.Received != 100 {
			t.Errorf("%s: begun anew: got %+v, %v", name, st, err)
		}
	}
}

// TestOneOfTwoGoesOn has two requests add the same piece at once: each gets
// through, or a conflict, and the file is whole.
func TestOneOfTwoGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b, id := content("a", 60)
	for from := 0; from < 60; from += 20 {
		var wg sync.WaitGroup
		var errs [4]error
		for i := range errs {
			wg.Go(func() { _, errs[i] = add(t, r.Store, id, b, from, from+20) })
		}
		wg.Wait()
		good := 0
		for _, err := range errs {
			if err == nil {
				good++
			} else if !fault.Is(err, fault.Conflict) {
				t.Errorf("got %v, want conflict", err)
			}
		}
		if good == 0 {
			t.Error("nobody got through")
		}
	}
	f, err := r.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, b) || r.left(t) != 3 {
		t.Errorf("got %v, %v and %d blobs, want the content in 3", got, err, r.left(t))
	}
}
