package engine_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"provery/internal/engine"
	"provery/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open starts an engine that is closed with the test.
func open(t *testing.T, cfg engine.Config) *engine.Engine {
	t.Helper()
	e, err := engine.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("open engine: %v", err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Errorf("close engine: %v", err)
		}
	})
	return e
}

// roundTrip stores a value through e and reads it back.
func roundTrip(t *testing.T, e *engine.Engine, key, value string) {
	t.Helper()
	kv, err := e.JetStream().CreateOrUpdateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "b", Storage: jetstream.FileStorage})
	if err != nil {
		t.Fatal(err)
	}
	if value != "" {
		if _, err := kv.PutString(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := kv.Get(t.Context(), key)
	if err != nil || string(got.Value()) != "kept" {
		t.Fatalf("got %v, %v, want the value", got, err)
	}
}

func TestEmbeddedKeepsDataOverARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	first, err := engine.Open(t.Context(), engine.Config{StoreDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(t, first, "k", "kept")
	if err := first.Healthy(t.Context()); err != nil || !first.Embedded() {
		t.Errorf("got %v, embedded=%v, want healthy and embedded", err, first.Embedded())
	}
	for range 2 {
		if err := first.Close(t.Context()); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	if err := first.Healthy(t.Context()); !fault.Is(err, fault.Overloaded) {
		t.Errorf("closed: got %v, want overloaded", err)
	}
	roundTrip(t, open(t, engine.Config{StoreDir: dir}), "k", "")
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v, want mode 0700", info.Mode(), err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	used := t.TempDir()
	open(t, engine.Config{StoreDir: used})
	plain := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		cfg  engine.Config
		code fault.Code
		text string
	}{
		{"nothing set", engine.Config{}, fault.InvalidRequest, "exactly one"},
		{"both set", engine.Config{StoreDir: "x", URL: "nats://127.0.0.1:1"}, fault.InvalidRequest, "exactly one"},
		{"credentials without URL", engine.Config{StoreDir: "x", Credentials: "y"}, fault.InvalidRequest, "credentials"},
		{"negative", engine.Config{StoreDir: "x", MaxStore: -1}, fault.InvalidRequest, "negative"},
		{"directory in use", engine.Config{StoreDir: used}, fault.Conflict, "another process"},
		{"directory is a file", engine.Config{StoreDir: plain}, fault.Internal, "store directory"},
		{"nobody listens", engine.Config{URL: "nats://127.0.0.1:1"}, fault.Overloaded, "can't be reached"},
		{"no credentials file", engine.Config{URL: "nats://127.0.0.1:1", Credentials: plain + "x"}, fault.InvalidRequest, "credentials file"},
		{"empty credentials file", engine.Config{URL: "nats://127.0.0.1:1", Credentials: plain}, fault.InvalidRequest, "credentials"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e, err := engine.Open(t.Context(), tc.cfg)
			if e != nil || !fault.Is(err, tc.code) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v, want %s with %q", err, tc.code, tc.text)
			}
		})
	}
}

func TestOpenStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if _, err := engine.Open(ctx, engine.Config{StoreDir: dir}); !fault.Is(err, fault.Canceled) {
		t.Fatalf("got %v, want canceled", err)
	}
	open(t, engine.Config{StoreDir: dir}) // the directory was given back
}

// external runs a listening server, as an operator would.
func external(t *testing.T, jetStream bool) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: jetStream, StoreDir: t.TempDir(), SyncAlways: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("external server is not ready")
	}
	return s.ClientURL()
}

func TestExternal(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{URL: external(t, true)})
	roundTrip(t, e, "k", "kept")
	roundTrip(t, e, "k", "")
	if err := e.Healthy(t.Context()); err != nil || e.Embedded() {
		t.Errorf("got %v, embedded=%v, want healthy and external", err, e.Embedded())
	}
}

func TestExternalWithoutJetStream(t *testing.T) {
	t.Parallel()
	_, err := engine.Open(t.Context(), engine.Config{URL: external(t, false), StartTimeout: 10 * time.Second})
	if !fault.Is(err, fault.Unsupported) {
		t.Errorf("got %v, want unsupported", err)
	}
}

// syncBuffer is a buffer that goroutines may share.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestServerLogsThroughSlog(t *testing.T) {
	t.Parallel()
	var buf syncBuffer
	log := slog.New(slog.NewJSONHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug}))
	e := open(t, engine.Config{StoreDir: t.TempDir(), Logger: log})
	if err := e.Healthy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := buf.String(); !strings.Contains(got, `"msg":"engine"`) || !strings.Contains(got, "Server is ready") {
		t.Errorf("got %s, want the server's messages", got)
	}
}
