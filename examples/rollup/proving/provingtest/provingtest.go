// Package provingtest runs a proving service for tests.
package provingtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"provery/client"
	"provery/examples/rollup/proving"
)

// root is the repository's, above the test's folder.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "cmd", "provery")); err == nil {
			return dir
		}
	}
	t.Fatal("the test isn't below the repository's root")
	return ""
}

// Binary builds the service and returns its path.
func Binary(t testing.TB) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "provery")
	cmd := exec.Command("go", "build", "-C", root(t), "-o", out, "./cmd/provery")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the service: %v\n%s", err, text)
	}
	return out
}

// Circuit returns the folder of the compiled circuit with two transfers in a batch.
func Circuit(t testing.TB) string {
	t.Helper()
	cache := os.Getenv("PROVERY_CACHE")
	if cache == "" {
		cache = filepath.Join(root(t), "build", "cache")
	}
	dir := filepath.Join(cache, "payments2", "bn128")
	if _, err := os.Stat(filepath.Join(dir, "out")); err != nil {
		t.Fatal("the circuit isn't compiled: run `make setup`")
	}
	return dir
}

// Start starts a service until the test ends, and returns a client of it.
func Start(t testing.TB) (*proving.Server, *client.Client) {
	t.Helper()
	s, err := proving.Start(t.Context(), Binary(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	c, err := client.New(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}
