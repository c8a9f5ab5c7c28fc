package seal

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"provery/internal/fault"
)

func TestCreateThenLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sub", "key")
	made, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil || got.keys[0] != made.keys[0] || len(got.keys) != 1 {
		t.Fatalf("got %v, want the key that was made", err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %o, want 0600", info.Mode().Perm())
	}
	if _, err := Create(path); !fault.Is(err, fault.Conflict) {
		t.Errorf("second create: got %v, want conflict", err)
	}
	if again, _ := Load(path); again.Primary() != made.Primary() {
		t.Error("the second create replaced the key")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	if _, err := Ensure(path, true); !fault.Is(err, fault.InvalidArtifact) || !strings.Contains(err.Error(), "restore") {
		t.Errorf("missing with sealed data: got %v, want a refusal", err)
	}
	rings := make([]*Ring, 8)
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() {
			r, err := Ensure(path, false)
			if err != nil {
				t.Errorf("ensure: %v", err)
				return
			}
			rings[i] = r
		})
	}
	wg.Wait()
	for _, r := range rings {
		if r == nil || r.Primary() != rings[0].Primary() {
			t.Fatal("concurrent starts ended with different keys")
		}
	}
	if _, err := Ensure(path, true); err != nil {
		t.Errorf("got %v, want the key", err)
	}
}

// TestLoadOfAGroup reads a file as Kubernetes mounts it.
func TestLoadOfAGroup(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	made, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o440); err != nil {
		t.Fatal(err)
	}
	if r, err := Load(path); err != nil || r.Primary() != made.Primary() {
		t.Errorf("got %v, want the key", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	k := ring(7).keys[0]
	line := k.id.String() + " " + hex.EncodeToString(k.secret[:])
	tests := []struct {
		name, content string
		mode          os.FileMode
		code          fault.Code
	}{
		{"empty", "", 0o600, fault.InvalidArtifact},
		{"comments only", header + "\n\n", 0o600, fault.InvalidArtifact},
		{"no id", hex.EncodeToString(k.secret[:]), 0o600, fault.InvalidArtifact},
		{"short key", line[:len(line)-2], 0o600, fault.InvalidArtifact},
		{"long key", line + "00", 0o600, fault.InvalidArtifact},
		{"altered key", line[:len(line)-1] + "8", 0o600, fault.InvalidArtifact},
		{"altered id", "0" + line[1:], 0o600, fault.InvalidArtifact},
		{"not hexadecimal", line[:len(line)-1] + "g", 0o600, fault.InvalidArtifact},
		{"twice", line + "\n" + line, 0o600, fault.InvalidArtifact},
		{"too large", strings.Repeat("#", maxFile+1), 0o600, fault.InvalidArtifact},
		{"writable by the group", line, 0o660, fault.Forbidden},
		{"readable by all", line, 0o604, fault.Forbidden},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.code == fault.Forbidden && runtime.GOOS == "windows" {
				t.Skip("modes have no meaning here")
			}
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, []byte(tc.content), tc.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tc.mode); err != nil { // whatever the umask
				t.Fatal(err)
			}
			_, err := Load(path)
			if !fault.Is(err, tc.code) {
				t.Errorf("got %v, want %s", err, tc.code)
			}
			if err != nil && strings.Contains(err.Error(), line[30:40]) {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); !fault.Is(err, fault.NotFound) {
		t.Errorf("missing: got %v, want not found", err)
	}
	if _, err := Load(t.TempDir()); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("directory: got %v, want invalid artifact", err)
	}
}

func FuzzParse(f *testing.F) {
	k := ring(7).keys[0]
	f.Add([]byte(k.id.String() + " " + hex.EncodeToString(k.secret[:])))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := parse(b); err == nil && len(r.keys) == 0 {
			t.Error("a ring without keys")
		}
	})
}
