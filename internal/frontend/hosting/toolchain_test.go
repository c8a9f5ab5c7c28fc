package hosting

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"provery/internal/fault"
)

// empty is a module with nothing in it.
var empty = []byte("\x00asm\x01\x00\x00\x00")

func toyModule() Module {
	sum := sha256.Sum256(empty)
	return Module{Title: "Toy", Name: "toy", Package: "toy-js", Version: "1", SHA256: hex.EncodeToString(sum[:])}
}

func give(wasm []byte) func() ([]byte, error) {
	return func() ([]byte, error) { return wasm, nil }
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	m, dir := toyModule(), filepath.Join(t.TempDir(), "toolchain")
	none := func() ([]byte, error) { return nil, errors.New("no package") }
	if err := m.Prepare(t.Context(), dir, none); err == nil {
		t.Error("got no error without a package")
	}
	if err := m.Prepare(t.Context(), dir, give([]byte("other"))); !fault.Is(err, fault.InvalidArtifact) || !strings.Contains(err.Error(), m.SHA256) {
		t.Errorf("got %v for another module, want its hash refused", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Prepare(cancelled, dir, give(empty)); err == nil && m.Locate(dir) != nil {
		t.Errorf("got no error, but no module")
	}
	if err := m.Prepare(t.Context(), dir, give(empty)); err != nil {
		t.Fatal(err)
	}
	if err := m.Locate(dir); err != nil {
		t.Error(err)
	}
	if err := m.Prepare(t.Context(), dir, none); err != nil {
		t.Errorf("got %v for a complete directory, want nothing done", err)
	}
	info, err := os.Stat(dir)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("got %v and error %v, want a directory for the owner only", info.Mode(), err)
	}
	other := m
	other.Version = "2"
	if err := other.Locate(dir); !fault.Is(err, fault.Unsupported) || !strings.Contains(err.Error(), "provery toolchain install toy") {
		t.Errorf("got %v for another version, want it not to be there", err)
	}
	if err := os.WriteFile(filepath.Join(dir, m.file()), []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Read(dir); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("got %v for a changed module, want it refused", err)
	}
}

func TestOpenDirectory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("its directories have no such mode")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := toyModule().Locate(dir); fault.CodeOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "others can write") {
		t.Errorf("got %v, want it refused", err)
	}
}
