// Package storetest is the suite that every implementation of store.Blobs
// passes.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/iotest"
	"unsafe"

	"provery/internal/fault"
	"provery/internal/store"
)

// noLimit is more than any blob of the suite.
const noLimit = 1 << 30

// Run runs the suite. open returns a fresh, empty store that is closed with
// the test; it is called once for each part, from parallel tests.
func Run(t *testing.T, open func(t *testing.T) store.Blobs) {
	tests := []struct {
		name string
		f    func(*testing.T, store.Blobs)
	}{
		{"RoundTrip", roundTrip},
		{"ReaderAt", readerAt},
		{"Limit", limit},
		{"FailedReader", failedReader},
		{"PutTwice", putTwice},
		{"Concurrent", concurrent},
		{"Absent", absent},
		{"Delete", deleteOpen},
		{"Close", closeBlob},
		{"List", list},
		{"ContextDone", contextDone},
		{"ContextDuringPut", contextDuringPut},
		{"Verify", verify},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.f(t, open(t))
		})
	}
}

// content returns n bytes that depend on n only.
func content(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	_, _ = r.Read(b)
	return b
}

// put stores b or fails the test.
func put(t *testing.T, s store.Blobs, b []byte) store.Digest {
	t.Helper()
	d, size, err := s.Put(t.Context(), bytes.NewReader(b), noLimit)
	if err != nil {
		t.Fatalf("put %d bytes: %v", len(b), err)
	}
	if d != store.Sum(b) || size != int64(len(b)) {
		t.Fatalf("put: got %s, %d bytes, want %s, %d bytes", d, size, store.Sum(b), len(b))
	}
	return d
}

// open opens a blob that is closed with the test, or fails the test.
func open(t *testing.T, s store.Blobs, d store.Digest) store.Blob {
	t.Helper()
	b, err := s.Open(t.Context(), d)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close blob: %v", err)
		}
	})
	return b
}

// all lists the store or fails the test.
func all(t *testing.T, s store.Blobs) []store.Info {
	t.Helper()
	var out []store.Info
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		out = append(out, info)
	}
	return out
}

func roundTrip(t *testing.T, s store.Blobs) {
	page := os.Getpagesize()
	for _, n := range []int{0, 1, page - 1, page, page + 1, 3<<20 + 7} {
		want := content(n)
		d := put(t, s, want)
		b := open(t, s, d)
		if b.Size() != int64(n) || !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%d bytes: got %d other bytes", n, b.Size())
		}
		if n > 0 && uintptr(unsafe.Pointer(unsafe.SliceData(b.Bytes())))%uintptr(page) != 0 {
			t.Errorf("%d bytes: not at a page boundary", n)
		}
		info, err := s.Stat(t.Context(), d)
		if err != nil || info.Size != int64(n) || info.Digest != d || info.Modified.IsZero() {
			t.Errorf("%d bytes: stat: got %+v, %v", n, info, err)
		}
	}
}

func readerAt(t *testing.T, s store.Blobs) {
	want := content(10_000)
	b := open(t, s, put(t, s, want))
	if err := iotest.TestReader(io.NewSectionReader(b, 0, b.Size()), want); err != nil {
		t.Error(err)
	}
	tests := []struct {
		name   string
		off    int64
		length int
		n      int
		err    error
	}{
		{"inside", 5, 10, 10, nil},
		{"over the end", 9_995, 10, 5, io.EOF},
		{"at the end", 10_000, 1, 0, io.EOF},
		{"past the end", 20_000, 1, 0, io.EOF},
	}
	for _, tc := range tests {
		p := make([]byte, tc.length)
		n, err := b.ReadAt(p, tc.off)
		if n != tc.n || !errors.Is(err, tc.err) && err != tc.err {
			t.Errorf("%s: got %d, %v, want %d, %v", tc.name, n, err, tc.n, tc.err)
		}
	}
	if _, err := b.ReadAt(make([]byte, 1), -1); err == nil || err == io.EOF {
		t.Errorf("negative offset: got %v, want an error", err)
	}
}

func limit(t *testing.T, s store.Blobs) {
	b := content(1000)
	for _, l := range []int64{0, 1, 999} {
		if _, _, err := s.Put(t.Context(), bytes.NewReader(b), l); !fault.Is(err, fault.TooLarge) {
			t.Errorf("limit %d: got %v, want too large", l, err)
		}
	}
	if got := all(t, s); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	if _, _, err := s.Put(t.Context(), bytes.NewReader(b), 1000); err != nil {
		t.Errorf("limit reached exactly: %v", err)
	}
	if _, _, err := s.Put(t.Context(), bytes.NewReader(nil), 0); err != nil {
		t.Errorf("nothing with limit 0: %v", err)
	}
}

func failedReader(t *testing.T, s store.Blobs) {
	b := content(400_000)
	tests := []struct {
		name string
		err  error
		code fault.Code
	}{
		{"foreign", errors.New("line cut"), fault.Internal},
		{"classified", fault.New(fault.InvalidRequest, "bad body"), fault.InvalidRequest},
		{"unexpected end", io.ErrUnexpectedEOF, fault.Internal},
	}
	for _, tc := range tests {
		r := io.MultiReader(bytes.NewReader(b), iotest.ErrReader(tc.err))
		if _, _, err := s.Put(t.Context(), r, noLimit); !fault.Is(err, tc.code) || !errors.Is(err, tc.err) {
			t.Errorf("%s: got %v, want %s and its cause", tc.name, err, tc.code)
		}
	}
	if got := all(t, s); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func putTwice(t *testing.T, s store.Blobs) {
	b := content(5000)
	d := put(t, s, b)
	reader := open(t, s, d)
	if again := put(t, s, b); again != d {
		t.Errorf("got %s, want %s", again, d)
	}
	if !bytes.Equal(reader.Bytes(), b) {
		t.Error("an open blob changed")
	}
	if got := all(t, s); len(got) != 1 {
		t.Errorf("got %d blobs, want 1", len(got))
	}
}

func concurrent(t *testing.T, s store.Blobs) {
	const writers = 8
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for _, n := range []int{70_000, 80_000 + i} { // one shared, one of its own
				b := content(n)
				d, _, err := s.Put(t.Context(), iotest.HalfReader(bytes.NewReader(b)), noLimit)
				if err != nil {
					t.Errorf("put: %v", err)
					return
				}
				got, err := s.Open(t.Context(), d)
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				if !bytes.Equal(got.Bytes(), b) {
					t.Errorf("%d bytes: got other content", n)
				}
				if err := got.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if got := all(t, s); len(got) != writers+1 {
		t.Errorf("got %d blobs, want %d", len(got), writers+1)
	}
}

func absent(t *testing.T, s store.Blobs) {
	d := store.Sum([]byte("absent"))
	if _, err := s.Open(t.Context(), d); !fault.Is(err, fault.NotFound) {
		t.Errorf("open: got %v, want not found", err)
	}
	if _, err := s.Stat(t.Context(), d); !fault.Is(err, fault.NotFound) {
		t.Errorf("stat: got %v, want not found", err)
	}
	if err := s.Delete(t.Context(), d); err != nil {
		t.Errorf("delete: got %v, want success", err)
	}
	if err := store.Verify(t.Context(), s, d); !fault.Is(err, fault.NotFound) {
		t.Errorf("verify: got %v, want not found", err)
	}
}

func deleteOpen(t *testing.T, s store.Blobs) {
	want := content(9000)
	d := put(t, s, want)
	b := open(t, s, d)
	if err := s.Delete(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat(t.Context(), d); !fault.Is(err, fault.NotFound) {
		t.Errorf("deleted: got %v, want not found", err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Error("an open blob changed when it was deleted")
	}
	put(t, s, want)
	if !bytes.Equal(open(t, s, d).Bytes(), want) {
		t.Error("put after delete: got other content")
	}
}

func closeBlob(t *testing.T, s store.Blobs) {
	for _, n := range []int{0, 5000} {
		b := open(t, s, put(t, s, content(n)))
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if _, err := b.ReadAt(make([]byte, 1), 0); err == nil || err == io.EOF {
			t.Errorf("%d bytes: read after close: got %v, want an error", n, err)
		}
		if err := b.Close(); err != nil {
			t.Errorf("close twice: %v", err)
		}
	}
}

func list(t *testing.T, s store.Blobs) {
	if got := all(t, s); len(got) != 0 {
		t.Fatalf("fresh store: got %v", got)
	}
	want := map[store.Digest]int64{}
	for n := range 40 {
		want[put(t, s, content(n))] = int64(n)
	}
	got := all(t, s)
	if !slices.IsSortedFunc(got, func(a, b store.Info) int { return bytes.Compare(a.Digest[:], b.Digest[:]) }) {
		t.Error("not in the order of digests")
	}
	for _, info := range got {
		if size, ok := want[info.Digest]; !ok || size != info.Size {
			t.Errorf("got %+v, which was not put", info)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d blobs, want %d", len(got), len(want))
	}
	n := 0
	for range s.List(t.Context()) {
		if n++; n == 3 {
			break
		}
	}
}

func contextDone(t *testing.T, s store.Blobs) {
	d := put(t, s, content(10))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	check := func(what string, err error) {
		t.Helper()
		if !fault.Is(err, fault.Canceled) {
			t.Errorf("%s: got %v, want canceled", what, err)
		}
	}
	_, _, err := s.Put(ctx, bytes.NewReader(content(10)), noLimit)
	check("put", err)
	_, err = s.Open(ctx, d)
	check("open", err)
	_, err = s.Stat(ctx, d)
	check("stat", err)
	check("delete", s.Delete(ctx, d))
	for _, err = range s.List(ctx) {
	}
	check("list", err)
	check("verify", store.Verify(ctx, s, d))
}

func contextDuringPut(t *testing.T, s store.Blobs) {
	ctx, cancel := context.WithCancel(t.Context())
	r := io.MultiReader(bytes.NewReader(content(600_000)), readerFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil // endless
	}))
	if _, _, err := s.Put(ctx, r, noLimit); !fault.Is(err, fault.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	if got := all(t, s); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func verify(t *testing.T, s store.Blobs) {
	for _, n := range []int{0, 1, 3<<20 + 1} {
		if err := store.Verify(t.Context(), s, put(t, s, content(n))); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
