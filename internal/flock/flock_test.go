package flock

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLock(t *testing.T) {
	t.Parallel()
	if !Supported {
		t.Skip("this system locks no files")
	}
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	first, second := open(), open() // two open files are as foreign to each other as two processes
	try := func(f *os.File, want bool) {
		t.Helper()
		if got, err := Try(f); got != want || err != nil {
			t.Errorf("got %t, %v, want %t", got, err, want)
		}
	}
	try(first, true)
	try(second, false)
	Release(first)
	try(second, true)
	try(first, false)
}
