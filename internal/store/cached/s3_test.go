package cached_test

import (
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

// TestS3Conformance runs the suite over the pair that a cluster uses. With
// PROVERY_S3_ENDPOINT and PROVERY_S3_BUCKET it does so against a real server,
// whose credentials are in the usual places.
func TestS3Conformance(t *testing.T) {
	t.Parallel()
	cfg := s3.Config{Endpoint: os.Getenv("PROVERY_S3_ENDPOINT"), Bucket: os.Getenv("PROVERY_S3_BUCKET"), Region: "us-east-1", PartSize: s3.MinPartSize}
	if cfg.Bucket == "" {
		cfg.Endpoint, cfg.Bucket = fakeServer(t)
		cfg.CredentialsFile = filepath.Join(t.TempDir(), "credentials")
		text := "[default]\naws_access_key_id = key\naws_secret_access_key = secret\n"
		if err := os.WriteFile(cfg.CredentialsFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Run(t, func(t *testing.T) store.Blobs {
		c := cfg
		c.Prefix = t.Name() + "/"
		bucket, err := s3.Open(t.Context(), c)
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
	})
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
