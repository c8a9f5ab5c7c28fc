package cached_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"provery/internal/store"
	"provery/internal/store/cached"
	"provery/internal/store/file"
	"provery/internal/store/s3"
	"provery/internal/store/storetest"
)

// bucketConfig names the bucket of an in-process server. With
// PROVERY_S3_ENDPOINT and PROVERY_S3_BUCKET it names a real one, whose
// credentials are in the usual places: make test-s3.
func bucketConfig(t *testing.T) s3.Config {
	t.Helper()
	cfg := s3.Config{
		Endpoint: os.Getenv("PROVERY_S3_ENDPOINT"), Bucket: os.Getenv("PROVERY_S3_BUCKET"),
		Region: "us-east-1", PartSize: s3.MinPartSize,
	}
	if cfg.Bucket != "" {
		return cfg
	}
	cfg.Endpoint, cfg.Bucket = fakeServer(t)
	cfg.CredentialsFile = filepath.Join(t.TempDir(), "credentials")
	text := "[default]\naws_access_key_id = key\naws_secret_access_key = secret\n"
	if err := os.WriteFile(cfg.CredentialsFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// openStore returns a store with an empty cache over the bucket.
func openStore(t *testing.T, cfg s3.Config) *cached.Store {
	t.Helper()
	bucket, err := s3.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bucket.Close)
	local, err := file.Open(filepath.Join(t.TempDir(), "cache"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := local.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := cached.New(t.Context(), bucket, local, 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestS3Conformance runs the suite over the pair that a cluster uses.
func TestS3Conformance(t *testing.T) {
	t.Parallel()
	cfg := bucketConfig(t)
	storetest.Run(t, func(t *testing.T) store.Blobs {
		c := cfg
		c.Prefix = t.Name() + "-" + rand.Text() + "/" // a real server keeps what earlier runs left
		return openStore(t, c)
	})
}

// TestS3Parts has one process put blobs of several parts, which another reads.
func TestS3Parts(t *testing.T) {
	t.Parallel()
	for _, checksum := range []string{s3.ChecksumNone, s3.ChecksumCRC32C} {
		t.Run(checksum, func(t *testing.T) {
			t.Parallel()
			cfg := bucketConfig(t)
			cfg.Prefix, cfg.RequestChecksum = t.Name()+"-"+rand.Text()+"/", checksum
			content := bytes.Repeat([]byte("0123456789abcdef"), (2*s3.MinPartSize+48)/16)
			d, _, err := openStore(t, cfg).Put(t.Context(), bytes.NewReader(content), 1<<30)
			if err != nil {
				t.Fatalf("put: %v (%v)", err, errors.Unwrap(err))
			}
			other := openStore(t, cfg)
			b, err := other.Open(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if !bytes.Equal(b.Bytes(), content) {
				t.Error("got other content")
			}
			if err := other.Delete(t.Context(), d); err != nil {
				t.Error(err)
			}
		})
	}
}

func fakeServer(t *testing.T) (url, bucket string) {
	t.Helper()
	mem := s3mem.New()
	if err := mem.CreateBucket("blobs"); err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(gofakes3.New(mem, gofakes3.WithoutVersioning()).Server())
	t.Cleanup(h.Close)
	return h.URL, "blobs"
}
