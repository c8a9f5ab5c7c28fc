package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestGeneratedFilesAreCurrent(t *testing.T) {
	t.Parallel()
	files, err := Generate("..")
	if err != nil {
		t.Fatal(err)
	}
	if want := len(forG1) + 3*(len(forCurve)+1) - 1; len(files) != want {
		t.Errorf("got %d files, want %d", len(files), want)
	}
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what gen makes of package bn254: run go generate ./internal/curve/gen", path)
		}
	}
}

func TestEveryFileOfAnAdapterIsKnown(t *testing.T) {
	t.Parallel()
	files, err := Generate("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range targets() {
		present, err := filepath.Glob(filepath.Join("..", target.pkg, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range present {
			name := filepath.Base(path)
			_, generated := files[filepath.Join(target.pkg, name)]
			if !generated && !target.isByHand(name) && !isTest(name) {
				t.Errorf("%s is neither generated nor listed as written by hand", path)
			}
		}
	}
}

func isTest(name string) bool {
	matched, _ := filepath.Match("*_test.go", name)
	return matched
}
