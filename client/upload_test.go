package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"provery/api"
)

// keeper is a service that takes uploads in pieces.
type keeper struct {
	mu     sync.Mutex
	total  int64
	have   []byte
	pieces int
	fail   func(piece int, body []byte) int // bytes of a piece that arrive before the connection breaks; -1: all
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	digest := strings.TrimPrefix(r.URL.Path, "/v1/uploads/")
	answer := func(status int) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(api.Upload{Digest: digest, Size: k.total, Received: int64(len(k.have)), Complete: int64(len(k.have)) == k.total})
	}
	refuse := func(code api.Code) {
		p := api.NewProblem(code, "as scripted")
		w.WriteHeader(p.Status)
		_ = json.NewEncoder(w).Encode(p)
	}
	if r.Method == http.MethodGet {
		if k.total == 0 {
			refuse(api.CodeNotFound)
			return
		}
		answer(http.StatusOK)
		return
	}
	var first, last, total int64
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &total); err != nil || r.ContentLength != last-first+1 {
		refuse(api.CodeInvalidRequest)
		return
	}
	if first != int64(len(k.have)) {
		refuse(api.CodeConflict)
		return
	}
	body, _ := io.ReadAll(r.Body)
	k.pieces++
	k.total = total
	arrives := -1
	if k.fail != nil {
		arrives = k.fail(k.pieces, body)
	}
	if arrives >= 0 {
		k.have = append(k.have, body[:arrives]...)
		panic(http.ErrAbortHandler)
	}
	k.have = append(k.have, body...)
	answer(http.StatusOK)
}

func playUploads(t *testing.T, k *keeper) *Client {
	t.Helper()
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	c, err := New(server.URL, WithHTTPClient(server.Client()))
	if err != nil {
		t.Fatal(err)
	}
	c.backoff = func(int) time.Duration { return time.Microsecond }
	return c
}

func someFile(size int) (content []byte, digest string) {
	content = make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	sum := sha256.Sum256(content)
	return content, "sha256:" + hex.EncodeToString(sum[:])
}

func TestUpload(t *testing.T) {
	t.Parallel()
	content, digest := someFile(5*api.MinPiece + 7)
	for _, tc := range []struct {
		name   string
		had    int // bytes that an earlier call left there
		fail   func(piece int, body []byte) int
		pieces int
	}{
		{"in one go", 0, nil, 6},
		{"taken up", 3*api.MinPiece + 1, nil, 3},
		{"complete already", len(content), nil, 0},
		{"connections break, and a part arrives", 0, func(piece int, body []byte) int {
			if piece <= 12 { // more often in all than calls are repeated
				return min(len(body), api.MinPiece/3)
			}
			return -1
		}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			k := &keeper{fail: tc.fail, have: bytes.Clone(content[:tc.had])}
			if tc.had > 0 {
				k.total = int64(len(content))
			}
			var seen []int64
			u, err := playUploads(t, k).Upload(t.Context(), bytes.NewReader(content), UploadOptions{PieceBytes: api.MinPiece, Progress: func(sent, total int64) {
				if total != int64(len(content)) {
					t.Errorf("told of a total of %d", total)
				}
				seen = append(seen, sent)
			}})
			if err != nil || !u.Complete || u.Digest != digest || !bytes.Equal(k.have, content) {
				t.Fatalf("got %+v, %v and %d bytes there, want all %d of %s", u, err, len(k.have), len(content), digest)
			}
			if tc.fail == nil && k.pieces != tc.pieces {
				t.Errorf("sent %d pieces, want %d", k.pieces, tc.pieces)
			}
			if len(seen) == 0 || seen[0] != int64(tc.had) || seen[len(seen)-1] != int64(len(content)) {
				t.Errorf("progress was %v, want it from %d to %d", seen, tc.had, len(content))
			}
		})
	}
}

// shrinking is a file that ends earlier than it said.
type shrinking struct {
	*bytes.Reader
	at int64
}

func (s *shrinking) Read(b []byte) (int, error) {
	if at, _ := s.Seek(0, io.SeekCurrent); at >= s.at {
		return 0, io.EOF
	}
	return s.Reader.Read(b)
}

func TestUploadRefuses(t *testing.T) {
	t.Parallel()
	content, digest := someFile(2 * api.MinPiece)
	given := UploadOptions{Digest: digest, PieceBytes: api.MinPiece}
	never := func(int, []byte) int { return 0 }
	for _, tc := range []struct {
		name   string
		keeper *keeper
		file   io.ReadSeeker
		o      UploadOptions
		want   string
		pieces int
	}{
		{"an empty file", &keeper{}, bytes.NewReader(nil), given, "empty", 0},
		{"another size", &keeper{total: 5}, bytes.NewReader(content), given, "with 5", 0},
		{"a file that shrinks", &keeper{}, &shrinking{bytes.NewReader(content), 1000}, given, io.ErrUnexpectedEOF.Error(), 1},
		{"nothing ever arrives", &keeper{fail: never}, bytes.NewReader(content), given, "client: ", 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			u, err := playUploads(t, tc.keeper).Upload(t.Context(), tc.file, tc.o)
			tc.keeper.mu.Lock()
			defer tc.keeper.mu.Unlock()
			if err == nil || !strings.Contains(err.Error(), tc.want) || tc.keeper.pieces > tc.pieces {
				t.Errorf("got %v, %v after %d pieces, want an error with %q after at most %d", u, err, tc.keeper.pieces, tc.want, tc.pieces)
			}
		})
	}
}

// TestUploadEndsWithItsContext checks that it does so before the file was read.
func TestUploadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	content, _ := someFile(api.MinPiece)
	if _, err := playUploads(t, &keeper{}).Upload(ctx, bytes.NewReader(content), UploadOptions{}); !errors.Is(err, ctx.Err()) {
		t.Errorf("got %v, want the context's error", err)
	}
}
