package compiler

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"provery/internal/fault"
	"provery/internal/frontend/hosting"
	"provery/internal/frontend/hosting/hostingtest"
)

func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	pack := func(module []byte) string {
		var b bytes.Buffer
		z := zlib.NewWriter(&b)
		if _, err := z.Write(module); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return "const encoded = '" + base64.StdEncoding.EncodeToString(b.Bytes()) + "';"
	}
	cases := []struct {
		name, script string // no script: no package
		code         fault.Code
		text         string
	}{
		{"no package", "", fault.NotFound, "npm ci"},
		{"another script", "export default 1;", fault.InvalidArtifact, "want version 1.1.9"},
		{"no end", "const encoded = 'abc", fault.InvalidArtifact, "want version 1.1.9"},
		{"nothing", "const encoded = ", fault.InvalidArtifact, "want version 1.1.9"},
		{"not base64", "const encoded = '!!!';", fault.InvalidArtifact, "want version 1.1.9"},
		{"small module", pack([]byte("small")), fault.InvalidArtifact, "want version 1.1.9"},
		{"large module", pack(make([]byte, moduleSize+100)), fault.InvalidArtifact, "want version 1.1.9"},
		{"other module", pack(make([]byte, moduleSize)), fault.InvalidArtifact, moduleHash},
	}
	for _, tc := range cases {
		packageDir, dir := t.TempDir(), filepath.Join(t.TempDir(), "toolchain")
		if tc.script != "" {
			if err := os.WriteFile(filepath.Join(packageDir, "wasm.js"), []byte(tc.script), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		err := Language().Prepare(t.Context(), packageDir, dir)
		if fault.CodeOf(err) != tc.code || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: got %s %v, want %s with %q", tc.name, fault.CodeOf(err), err, tc.code, tc.text)
		}
		if err := Language().Locate(dir); fault.CodeOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "toolchain install") {
			t.Errorf("%s: got %v, want the directory not to be one", tc.name, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: got %d files and error %v, want none", tc.name, len(left), err)
		}
	}
}

// TestPrepareInterrupted stops before the cache is complete.
func TestPrepareInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if err := Language().Prepare(ctx, hostingtest.Package(root, Language()), dir); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("got %v, want %s", err, fault.Canceled)
	}
	if err := Language().Locate(dir); err == nil {
		t.Error("got a complete directory, want it incomplete")
	}
}

func TestPrepared(t *testing.T) {
	t.Parallel()
	open(t, hosting.Config{})
	if err := Language().Prepare(t.Context(), "/nonexistent", hostingtest.Toolchain(root)); err != nil {
		t.Errorf("got %v for a complete directory, want nothing done", err)
	}
	info, err := os.Stat(hostingtest.Toolchain(root))
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("got %v and error %v, want a directory for the owner only", info.Mode(), err)
	}
}
