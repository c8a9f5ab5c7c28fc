package s3

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"provery/internal/fault"
	"provery/internal/store"
)

var noPart minio.ObjectPart

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

func itoa(n int) string { return strconv.Itoa(n) }

// refuse answers every request that matches with an S3 error.
func refuse(method string, status int, code string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if method != "" && r.Method != method {
			return false
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		io.WriteString(w, "<Error><Code>"+code+"</Code><Message>the key AKIASECRET</Message></Error>")
		return true
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*Config)
		answer func(http.ResponseWriter, *http.Request) bool
		code   fault.Code
		text   string
	}{
		{"no bucket named", func(c *Config) { c.Bucket = "" }, nil, fault.InvalidRequest, "no bucket"},
		{"prefix", func(c *Config) { c.Prefix = "x" }, nil, fault.InvalidRequest, "prefix"},
		{"small parts", func(c *Config) { c.PartSize = MinPartSize - 1 }, nil, fault.InvalidRequest, "part size"},
		{"encryption", func(c *Config) { c.Encryption = "rot13" }, nil, fault.InvalidRequest, "encryption"},
		{"key without kms", func(c *Config) { c.KMSKey = "k" }, nil, fault.InvalidRequest, "KMS"},
		{"endpoint", func(c *Config) { c.Endpoint = "ftp://x" }, nil, fault.InvalidRequest, "endpoint"},
		{"no credentials file", func(c *Config) { c.CredentialsFile = empty + "x" }, nil, fault.InvalidRequest, "credentials file"},
		{"no credentials in it", func(c *Config) { c.CredentialsFile = empty }, nil, fault.InvalidRequest, "no credentials"},
		{"no CA file", func(c *Config) { c.CAFile = empty + "x" }, nil, fault.InvalidRequest, "CA file"},
		{"empty CA file", func(c *Config) { c.CAFile = empty }, nil, fault.InvalidRequest, "no certificate"},
		{"no such bucket", func(c *Config) { c.Bucket = "other" }, nil, fault.InvalidRequest, "bucket doesn't exist"},
		{"read-only", nil, refuse(http.MethodPut, 403, "AccessDenied"), fault.InvalidRequest, "refuses access"},
		{"can't delete", nil, refuse(http.MethodDelete, 403, "AccessDenied"), fault.InvalidRequest, "refuses access"},
		{"wrong key", nil, refuse("", 403, "InvalidAccessKeyId"), fault.InvalidRequest, "InvalidAccessKeyId"},
		{"clock", nil, refuse("", 403, "RequestTimeTooSkewed"), fault.InvalidRequest, "clock"},
		{"busy", nil, refuse("", 503, "SlowDown"), fault.Overloaded, "SlowDown"},
		{"nobody listens", func(c *Config) { c.Endpoint = "http://127.0.0.1:1" }, nil, fault.Overloaded, "can't be reached"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			s.intercept(tc.answer)
			cfg := config(t, s)
			cfg.Attempts = 1
			if tc.change != nil {
				tc.change(&cfg)
			}
			_, err := Open(t.Context(), cfg)
			if !fault.Is(err, tc.code) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v, want %s with %q", err, tc.code, tc.text)
			}
			if err != nil && strings.Contains(err.Error(), "AKIA") {
				t.Errorf("the server's text is shown: %v", err)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := serve(t)
	cfg := config(t, s)
	cfg.Attempts = 1
	b := open(t, cfg)
	c := []byte("content")
	d := store.Sum(c)
	tests := []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request) bool
		code   fault.Code
	}{
		{"key taken away", refuse("", 403, "AccessDenied"), fault.Overloaded},
		{"bucket gone", refuse("", 404, "NoSuchBucket"), fault.Overloaded},
		{"full", refuse("", 507, "XMinioStorageFull"), fault.InsufficientStorage},
		{"broken", refuse("", 500, "InternalError"), fault.Overloaded},
		{"not understood", refuse("", 400, "InvalidArgument"), fault.Internal},
	}
	for _, tc := range tests {
		s.intercept(tc.answer)
		if err := b.Upload(t.Context(), d, bytes.NewReader(c), int64(len(c))); !fault.Is(err, tc.code) {
			t.Errorf("%s: upload: got %v, want %s", tc.name, err, tc.code)
		}
		if _, err := download(t, b, d); !fault.Is(err, tc.code) {
			t.Errorf("%s: download: got %v, want %s", tc.name, err, tc.code)
		}
		for _, err := range b.List(t.Context()) {
			if !fault.Is(err, tc.code) {
				t.Errorf("%s: list: got %v, want %s", tc.name, err, tc.code)
			}
		}
		if err := b.Healthy(t.Context()); err == nil {
			t.Errorf("%s: healthy", tc.name)
		}
	}
	s.intercept(nil)
	if err := b.Healthy(t.Context()); err != nil {
		t.Errorf("healed: %v", err)
	}
	if _, _, err := b.Download(t.Context(), d); !fault.Is(err, fault.NotFound) {
		t.Errorf("absent: got %v, want not found", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Upload(ctx, d, bytes.NewReader(c), int64(len(c))); !fault.Is(err, fault.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}

// TestUploadChecksTheSize has a server that keeps less than it was sent.
func TestUploadChecksTheSize(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := open(t, config(t, s))
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodHead {
			return false
		}
		w.Header().Set("Content-Length", "3")
		w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		return true
	})
	c := []byte("content")
	if err := b.Upload(t.Context(), store.Sum(c), bytes.NewReader(c), int64(len(c))); !fault.Is(err, fault.Internal) || !strings.Contains(err.Error(), "3 bytes of 7") {
		t.Errorf("got %v, want internal", err)
	}
}
