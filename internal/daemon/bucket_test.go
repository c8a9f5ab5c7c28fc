package daemon

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"provery/internal/config"
	"provery/internal/fault"
)

// bucket is an S3 server that can be out of order.
type bucket struct {
	url, credentials string
	down             atomic.Bool
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	mem := s3mem.New()
	if err := mem.CreateBucket("provery"); err != nil {
		t.Fatal(err)
	}
	b := &bucket{credentials: filepath.Join(t.TempDir(), "credentials")}
	text := "[default]\naws_access_key_id = key\naws_secret_access_key = secret\n"
	if err := os.WriteFile(b.credentials, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h := gofakes3.New(mem, gofakes3.WithoutVersioning()).Server()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.down.Load() {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	b.url = s.URL
	return b
}

// use is for setup.config.
func (b *bucket) use(c *config.Config) {
	c.Store.S3.Bucket, c.Store.S3.Endpoint, c.Store.S3.Region = "provery", b.url, "us-east-1"
	c.Store.S3.Prefix, c.Store.S3.CredentialsFile = "blobs/", b.credentials
}

func TestBucket(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	r := start(t, setup{config: b.use})
	r.ready(mul)
	wantProduct(t, r.prove(times(6, 7)), 6, 7)
	r.stop()
	if _, err := os.Stat(filepath.Join(r.dir, "blobs")); !os.IsNotExist(err) {
		t.Errorf("got %v, want no directory of blobs", err)
	}
	// The copies may be lost at any time.
	if err := os.RemoveAll(filepath.Join(r.dir, "cache")); err != nil {
		t.Fatal(err)
	}
	again := start(t, setup{dir: r.dir, config: b.use})
	wantProduct(t, again.prove(times(8, 9)), 8, 9)
	if s := again.copies.Stats(); s.Misses == 0 || s.Bytes == 0 {
		t.Errorf("got %+v, want what was downloaded", s)
	}
	b.down.Store(true)
	again.eventually("the service isn't ready without its bucket", func() bool { return !again.isReady() })
	wantProduct(t, again.prove(times(2, 3)), 2, 3) // it has what it needs
	b.down.Store(false)
	again.eventually("the service is ready again", again.isReady)
}

// TestProcessesShareABucket has an API process and a worker that have nothing in
// common but NATS, the bucket and the sealing key, as on two machines.
func TestProcessesShareABucket(t *testing.T) {
	t.Parallel()
	b, url, secrets := newBucket(t), natsServer(t), t.TempDir()
	on := func(role string) setup {
		o := as(role, url, secrets)
		common := o.config
		o.config = func(c *config.Config) {
			common(c)
			b.use(c)
			c.BlobDir = ""
		}
		return o
	}
	front := start(t, on(config.RoleAPI))
	front.ready(mul)
	back := start(t, on(config.RoleWorker))
	wantProduct(t, front.prove(times(6, 7)), 6, 7)
	if back.dir == front.dir || back.copies.Stats().Misses == 0 {
		t.Errorf("got %+v: the worker downloaded nothing", back.copies.Stats())
	}
	back.stop()
	start(t, on(config.RoleWorker))
	wantProduct(t, front.prove(times(2, 3)), 2, 3)
}

// isReady reports whether /readyz says so.
func (r *rig) isReady() bool {
	ready, err := r.cl.Ready(r.ctx())
	return err == nil && ready.Ready
}

func TestBucketRefusesTheCredentials(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	b.down.Store(true)
	cfg := configure(t, &setup{config: b.use})
	if _, err := New(t.Context(), cfg, Build{}, slog.New(slog.DiscardHandler)); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("got %v, want invalid request", err)
	}
}
