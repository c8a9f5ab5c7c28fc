package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"go.uber.org/goleak"

	"provery/internal/fault"
	"provery/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const bucketName = "blobs"

// server is an S3 server whose requests the test sees first.
type server struct {
	url string

	mu     sync.Mutex
	before func(w http.ResponseWriter, r *http.Request) bool // true: answered
	seen   []*http.Request
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request, next http.Handler) {
	s.mu.Lock()
	s.seen = append(s.seen, r)
	before := s.before
	s.mu.Unlock()
	if before == nil || !before(w, r) {
		next.ServeHTTP(w, r)
	}
}

func (s *server) intercept(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// parts counts the requests that sent a part.
func (s *server) parts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.seen {
		if r.Method == http.MethodPut && r.URL.Query().Has("partNumber") {
			n++
		}
	}
	return n
}

func serve(t *testing.T) *server {
	t.Helper()
	mem := s3mem.New()
	if err := mem.CreateBucket(bucketName); err != nil {
		t.Fatal(err)
	}
	fake := gofakes3.New(mem, gofakes3.WithoutVersioning()).Server()
	s := &server{}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r, fake) }))
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

// config names the server's bucket, with credentials in a file.
func config(t *testing.T, s *server) Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	text := "[default]\naws_access_key_id = key\naws_secret_access_key = secret\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Config{
		Endpoint: s.url, Bucket: bucketName, Prefix: "provery/", Region: "us-east-1", CredentialsFile: path,
		PartSize: MinPartSize, Attempts: 2,
	}
}

func open(t *testing.T, cfg Config) *Bucket {
	t.Helper()
	b, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("open: %v (%v)", err, errors.Unwrap(err))
	}
	t.Cleanup(b.Close)
	return b
}

// content returns n bytes without a pattern of small period.
func content(n int) []byte {
	out := make([]byte, n)
	x := uint64(n) + 1
	for i := range out {
		x = x*6364136223846793005 + 1442695040888963407
		out[i] = byte(x >> 56)
	}
	return out
}

// etagOf is the server's name for the content's version: its MD5.
func etagOf(c []byte) string { return fmt.Sprintf("%q", fmt.Sprintf("%x", md5.Sum(c))) }

func upload(t *testing.T, b *Bucket, c []byte) store.Digest {
	t.Helper()
	d := store.Sum(c)
	if err := b.Upload(t.Context(), d, bytes.NewReader(c), int64(len(c))); err != nil {
		t.Fatalf("upload %d bytes: %v (%v)", len(c), err, errors.Unwrap(err))
	}
	return d
}

func download(t *testing.T, b *Bucket, d store.Digest) ([]byte, error) {
	t.Helper()
	r, size, err := b.Download(t.Context(), d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err == nil && int64(len(got)) != size {
		t.Errorf("got %d bytes of %d", len(got), size)
	}
	return got, err
}

func TestUploadDownload(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*Config)
	}{
		{"plain", func(*Config) {}},
		{"checksums", func(c *Config) { c.RequestChecksum = ChecksumCRC32C }},
		{"encrypted", func(c *Config) { c.Encryption = EncryptAES }},
		{"one part at a time", func(c *Config) { c.Parallel = 1 }},
		{"no prefix", func(c *Config) { c.Prefix = "" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t, serve(t))
			tc.change(&cfg)
			b := open(t, cfg)
			want := map[store.Digest]int{}
			for _, n := range []int{0, 1, MinPartSize, MinPartSize + 1, 2*MinPartSize + 12345} {
				c := content(n)
				d := upload(t, b, c)
				want[d] = n
				got, err := download(t, b, d)
				if err != nil || !bytes.Equal(got, c) {
					t.Errorf("%d bytes: got %d other bytes, %v", n, len(got), err)
				}
			}
			for info, err := range b.List(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if n, ok := want[info.Digest]; !ok || int64(n) != info.Size || info.Modified.IsZero() {
					t.Errorf("got %+v, which was not put so", info)
				}
				delete(want, info.Digest)
			}
			if len(want) != 0 {
				t.Errorf("not listed: %v", want)
			}
		})
	}
}

func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	s := serve(t)
	cfg := config(t, s)
	cfg.RequestChecksum, cfg.Encryption, cfg.KMSKey = ChecksumCRC32C, EncryptKMS, "key-1"
	b := open(t, cfg)
	s.mu.Lock()
	s.seen = nil
	s.mu.Unlock()
	upload(t, b, []byte("123456789"))
	upload(t, b, content(MinPartSize+1))
	s.mu.Lock()
	defer s.mu.Unlock()
	var bodies int
	for _, r := range s.seen {
		if r.Method == http.MethodPut {
			bodies++
			if sha := r.Header.Get("X-Amz-Content-Sha256"); len(sha) != 64 {
				t.Errorf("%s: content hash %q isn't signed", r.URL, sha)
			}
			if r.Header.Get(crcHeader) == "" {
				t.Errorf("%s: no checksum", r.URL)
			}
		}
		starts := r.Method == http.MethodPost && r.URL.Query().Has("uploads")
		whole := r.Method == http.MethodPut && !r.URL.Query().Has("partNumber")
		if (starts || whole) && r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") != "key-1" {
			t.Errorf("%s: no encryption is asked for", r.URL)
		}
		if starts && r.Header.Get(crcAlgorithmHeader) != "CRC32C" {
			t.Errorf("%s: the upload doesn't announce its checksums", r.URL)
		}
		if whole && r.Header.Get(crcHeader) != "4waSgw==" { // of "123456789": RFC 3720's check value E3069283
			t.Errorf("got CRC32C %s", r.Header.Get(crcHeader))
		}
	}
	if bodies != 3 {
		t.Errorf("got %d bodies, want one whole object and two parts", bodies)
	}
}

func TestUploadResumes(t *testing.T) {
	t.Parallel()
	s := serve(t)
	cfg := config(t, s)
	cfg.Parallel, cfg.Attempts = 1, 1
	b := open(t, cfg)
	c := content(4*MinPartSize + 1)
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("partNumber") != "4" {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	d := store.Sum(c)
	if err := b.Upload(t.Context(), d, bytes.NewReader(c), int64(len(c))); !fault.Is(err, fault.Overloaded) {
		t.Fatalf("got %v, want overloaded", err)
	}
	if _, err := b.Stat(t.Context(), d); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unfinished upload: got %v, want not found", err)
	}
	s.intercept(nil)
	before := s.parts()
	upload(t, b, c)
	if got := s.parts() - before; got != 2 {
		t.Errorf("sent %d parts again, want the 2 that were missing", got)
	}
	if got, err := download(t, b, d); err != nil || !bytes.Equal(got, c) {
		t.Errorf("got %d other bytes, %v", len(got), err)
	}
}

func TestUploadDoesNotTrustForeignParts(t *testing.T) {
	t.Parallel()
	b := open(t, config(t, serve(t)))
	c := content(2 * MinPartSize)
	d := store.Sum(c)
	id, err := b.core.NewMultipartUpload(t.Context(), bucketName, b.name(d), b.putOptions())
	if err != nil {
		t.Fatal(err)
	}
	wrong := content(MinPartSize - 1)
	wrong = append(wrong, 0)
	if _, err := b.uploadPart(t.Context(), partOf{b.name(d), id, 1}, section(wrong), noPart); err != nil {
		t.Fatal(err)
	}
	upload(t, b, c)
	if got, err := download(t, b, d); err != nil || !bytes.Equal(got, c) {
		t.Errorf("got %d other bytes, %v", len(got), err)
	}
}

// TestUploadLosesItsUpload has another process end the upload in between.
func TestUploadLosesItsUpload(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := open(t, config(t, s))
	var once sync.Once
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || r.URL.Query().Get("uploadId") == "" {
			return false
		}
		once.Do(func() {
			err := b.core.AbortMultipartUpload(context.WithoutCancel(r.Context()), bucketName, strings.TrimPrefix(r.URL.Path, "/"+bucketName+"/"), r.URL.Query().Get("uploadId"))
			if err != nil {
				t.Errorf("abort: %v", err)
			}
		})
		return false
	})
	c := content(MinPartSize + 1)
	d := upload(t, b, c)
	if got, err := download(t, b, d); err != nil || !bytes.Equal(got, c) {
		t.Errorf("got %d other bytes, %v", len(got), err)
	}
}

// TestDownloadGoesOn cuts each answer after some bytes.
func TestDownloadGoesOn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	cfg := config(t, s)
	cfg.Attempts = 4
	b := open(t, cfg)
	c := content(300_000)
	d := upload(t, b, c)
	cut := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, d.Hex()) {
			return false
		}
		from := 0
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		if v := r.Header.Get("Range"); v != "" {
			if r.Header.Get("If-Match") != `"e"` {
				t.Errorf("went on without a look at the version: %v", r.Header)
			}
			for _, ch := range strings.TrimSuffix(strings.TrimPrefix(v, "bytes="), "-") {
				from = from*10 + int(ch-'0')
			}
			w.Header().Set("Content-Range", "bytes")
		}
		w.Header().Set("Content-Length", itoa(len(c)-from))
		if from > 0 {
			w.WriteHeader(http.StatusPartialContent)
		}
		w.Write(c[from:min(len(c), from+100_000)])
		return true // the server closes the connection: fewer bytes than announced
	}
	s.intercept(cut)
	if got, err := download(t, b, d); err != nil || !bytes.Equal(got, c) {
		t.Errorf("got %d bytes, %v, want all %d", len(got), err, len(c))
	}
	b.cfg.Attempts = 2
	if _, err := download(t, b, d); !fault.Is(err, fault.Overloaded) {
		t.Errorf("cut too often: got %v, want overloaded", err)
	}
}

// TestDownloadStalls has the server stop in the middle of its first answer, with
// the connection open.
func TestDownloadStalls(t *testing.T) {
	t.Parallel()
	s := serve(t)
	cfg := config(t, s)
	cfg.Attempts = 1000 // a slow machine may pause, too
	b := open(t, cfg)
	b.silence = 50 * time.Millisecond
	c := content(100_000)
	d := upload(t, b, c)
	var stalls atomic.Int32
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || stalls.Add(1) > 1 {
			return false
		}
		w.Header().Set("ETag", etagOf(c))
		w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		w.Header().Set("Content-Length", itoa(len(c)))
		w.Write(c[:1000])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	})
	if got, err := download(t, b, d); err != nil || !bytes.Equal(got, c) || stalls.Load() < 2 {
		t.Errorf("got %d bytes, %v, after %d requests, want all %d", len(got), err, stalls.Load(), len(c))
	}
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		w.Header().Set("ETag", etagOf(c))
		w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		w.Header().Set("Content-Length", itoa(len(c)))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	})
	b.cfg.Attempts = 1
	if _, err := download(t, b, d); !fault.Is(err, fault.Overloaded) {
		t.Errorf("stalled too often: got %v, want overloaded", err)
	}
}
