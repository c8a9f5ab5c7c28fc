package file

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"provery/internal/fault"
	"provery/internal/store"
	"provery/internal/store/storetest"
)

// fresh opens a store in a directory of its own, through the disk d.
func fresh(t *testing.T, d disk) *Store {
	t.Helper()
	s, err := open(filepath.Join(t.TempDir(), "blobs"), d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Blobs { return fresh(t, osDisk{}) })
}

// files lists all regular files below root but the lock.
func files(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && e.Name() != lockFile {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// failingDisk fails at one step, after some bytes where that is "write".
type failingDisk struct {
	osDisk
	step string
	err  error
	room int
}

func (d *failingDisk) at(step string) error {
	if d.step == step {
		return d.err
	}
	return nil
}

func (d *failingDisk) CreateTemp(dir, pattern string) (tempFile, error) {
	if err := d.at("create"); err != nil {
		return nil, err
	}
	f, err := d.osDisk.CreateTemp(dir, pattern)
	return &failingFile{tempFile: f, d: d}, err
}

func (d *failingDisk) Rename(from, to string) error {
	if err := d.at("rename"); err != nil {
		return err
	}
	return d.osDisk.Rename(from, to)
}

func (d *failingDisk) Mkdir(path string) error {
	if err := d.at("mkdir"); err != nil {
		return err
	}
	return d.osDisk.Mkdir(path)
}

type failingFile struct {
	tempFile
	d *failingDisk
}

func (f *failingFile) Write(p []byte) (int, error) {
	if f.d.step != "write" {
		return f.tempFile.Write(p)
	}
	n := min(len(p), f.d.room)
	f.d.room -= n
	n, err := f.tempFile.Write(p[:n])
	if err == nil && n < len(p) {
		err = f.d.err
	}
	return n, err
}

func (f *failingFile) Sync() error {
	if err := f.d.at("sync"); err != nil {
		return err
	}
	return f.tempFile.Sync()
}

func (f *failingFile) Chmod(m fs.FileMode) error {
	if err := f.d.at("chmod"); err != nil {
		return err
	}
	return f.tempFile.Chmod(m)
}

func (f *failingFile) Close() error {
	return errors.Join(f.tempFile.Close(), f.d.at("close"))
}

func TestFailedPutLeavesNothing(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("content "), 100_000)
	for _, step := range []string{"create", "write", "chmod", "sync", "close", "mkdir", "rename"} {
		for _, tc := range []struct {
			err  error
			code fault.Code
		}{
			{syscall.ENOSPC, fault.InsufficientStorage},
			{syscall.EDQUOT, fault.InsufficientStorage},
			{syscall.EIO, fault.Internal},
			{syscall.EROFS, fault.Internal},
		} {
			t.Run(step+"/"+tc.err.Error(), func(t *testing.T) {
				t.Parallel()
				d := &failingDisk{step: step, err: &fs.PathError{Op: step, Path: "/private/path", Err: tc.err}, room: 300_000}
				s := fresh(t, d)
				_, _, err := s.Put(t.Context(), bytes.NewReader(content), 1<<30)
				if !fault.Is(err, tc.code) || !errors.Is(err, tc.err) {
					t.Errorf("got %v, want %s", err, tc.code)
				}
				if err != nil && bytes.Contains([]byte(err.Error()), []byte("/private")) {
					t.Errorf("the error shows a path: %v", err)
				}
				if left := files(t, s.root); len(left) != 0 {
					t.Errorf("left behind: %v", left)
				}
				d.step = "" // there is room again
				if _, _, err := s.Put(t.Context(), bytes.NewReader(content), 1<<30); err != nil {
					t.Errorf("with room again: %v", err)
				}
			})
		}
	}
}

func TestOpenSweepsLeftovers(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	first, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := first.Put(t.Context(), bytes.NewReader([]byte("kept")), 10)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(root, tempDir, tempPrefix+"123")
	if err := os.WriteFile(left, []byte("part of a bl"), 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := Open(root) // the first may be writing that file
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err != nil {
		t.Errorf("swept while another process had the directory: %v", err)
	}
	if err := errors.Join(first.Close(), second.Close()); err != nil {
		t.Fatal(err)
	}
	third, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want the leftover swept", err)
	}
	if _, err := third.Stat(t.Context(), d); err != nil {
		t.Errorf("the blob: %v", err)
	}
}

func TestVerifyFindsDamageAndPutMendsIt(t *testing.T) {
	t.Parallel()
	s := fresh(t, osDisk{})
	content := []byte("some content")
	d, _, err := s.Put(t.Context(), bytes.NewReader(content), 100)
	if err != nil {
		t.Fatal(err)
	}
	path := s.path(d)
	for _, damage := range [][]byte{[]byte("some c0ntent"), []byte("some"), nil} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, damage, 0o400); err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(t.Context(), d); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%q: got %v, want invalid artifact", damage, err)
		}
	}
	if _, _, err := s.Put(t.Context(), bytes.NewReader(content), 100); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), d); err != nil {
		t.Errorf("put again: %v", err)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	s := fresh(t, osDisk{})
	d, _, err := s.Put(t.Context(), bytes.NewReader(nil), 0)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{
		s.root: 0o700, filepath.Dir(s.path(d)): 0o700, s.path(d): 0o400, filepath.Join(s.root, lockFile): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: got %v, %v, want %o", path, info.Mode(), err, want)
		}
	}
}

func TestListPassesOverForeignFiles(t *testing.T) {
	t.Parallel()
	s := fresh(t, osDisk{})
	d, _, err := s.Put(t.Context(), bytes.NewReader([]byte("x")), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{filepath.Join(s.root, objectsDir, "README"), filepath.Join(filepath.Dir(s.path(d)), "note")} {
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for info, err := range s.List(t.Context()) {
		if n++; err != nil || info.Digest != d {
			t.Errorf("got %v, %v, want the blob", info, err)
		}
	}
	if n != 1 {
		t.Errorf("got %d blobs, want 1", n)
	}
}

func TestOpenRefusesAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(path); s != nil || !fault.Is(err, fault.Internal) {
		t.Errorf("got %v, want internal", err)
	}
}

func TestFree(t *testing.T) {
	t.Parallel()
	if free, err := fresh(t, osDisk{}).Free(); err != nil || free <= 0 {
		t.Errorf("got %d, %v, want some bytes", free, err)
	}
}
