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
		err := Prepare(t.Context(), packageDir, dir)
		if fault.CodeOf(err) != tc.code || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: got %s %v, want %s with %q", tc.name, fault.CodeOf(err), err, tc.code, tc.text)
		}
		if err := Locate(dir); fault.CodeOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "toolchain install") {
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
	if err := Prepare(ctx, packageDir, dir); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("got %v, want %s", err, fault.Canceled)
	}
	if err := Locate(dir); err == nil {
		t.Error("got a complete directory, want it incomplete")
	}
}

func TestPrepared(t *testing.T) {
	t.Parallel()
	open(t, Config{})
	if err := Prepare(t.Context(), "/nonexistent", toolchainDir); err != nil {
		t.Errorf("got %v for a complete directory, want nothing done", err)
	}
	info, err := os.Stat(toolchainDir)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("got %v and error %v, want a directory for the owner only", info.Mode(), err)
	}
}

// TestChangedModule changes one byte of an installed module.
func TestChangedModule(t *testing.T) {
	t.Parallel()
	open(t, Config{})
	wasm, err := readModule(toolchainDir)
	if err != nil {
		t.Fatal(err)
	}
	wasm[len(wasm)/2]++
	dir := t.TempDir()
	for name, content := range map[string][]byte{moduleName: wasm, markName(): nil} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := New(Config{Toolchain: dir})
	if err != nil {
		t.Fatal(err)
	}
	if f := failing(t, c, request("main.zok", "")); !strings.Contains(f.Detail, moduleHash) {
		t.Errorf("got %v, want the hash refused", f)
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
	if err := Locate(dir); fault.CodeOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "others can write") {
		t.Errorf("got %v, want it refused", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"no toolchain":     {},
		"too much memory":  {Toolchain: "x", Limits: Limits{Memory: memoryMost + 1}},
		"too little":       {Toolchain: "x", Limits: Limits{Memory: 1}},
		"negative limit":   {Toolchain: "x", Limits: Limits{Files: -1}},
		"negative workers": {Toolchain: "x", Concurrency: -1},
	} {
		if _, err := New(cfg); fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("%s: got %v, want %s", name, err, fault.InvalidRequest)
		}
	}
	c, err := New(Config{Toolchain: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if f := failing(t, c, request("main.zok", "")); f.Code != fault.Unsupported || !strings.Contains(f.Detail, "not installed") {
		t.Errorf("got %s %q without a toolchain, want %s", f.Code, f.Detail, fault.Unsupported)
	}
}
