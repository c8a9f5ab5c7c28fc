// Package file keeps blobs as files of a directory.
//
// Layout: objects/ab/<64 hex digits> (0400, immutable), tmp/ (writes under
// way), lock (held shared by every process that uses the directory). A blob
// becomes visible by one rename after its content has reached the disk, so no
// reader ever sees a part of it, and a crash leaves at most a file in tmp/,
// which the next process to open the directory alone removes.
package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"provery/internal/fault"
	"provery/internal/store"
)

const (
	objectsDir = "objects"
	tempDir    = "tmp"
	lockFile   = "lock"
	tempPrefix = "put-"
)

// Store is a store.Blobs over a directory. Its methods may be called
// concurrently, and several processes may share the directory.
type Store struct {
	root string
	lock *os.File
	fs   disk
}

var _ store.Blobs = (*Store)(nil)

// Open makes the directory root ready (0700, created where it is absent) and
// removes what interrupted writes left behind, unless another process has the
// directory open. Close releases it.
func Open(root string) (*Store, error) { return open(root, osDisk{}) }

func open(root string, d disk) (*Store, error) {
	for _, dir := range []string{root, filepath.Join(root, objectsDir), filepath.Join(root, tempDir)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, ioFault(err, "open blob store")
		}
	}
	lock, err := os.OpenFile(filepath.Join(root, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, ioFault(err, "open blob store")
	}
	s := &Store{root: root, lock: lock, fs: d}
	if err := shareLock(lock, s.sweep); err != nil {
		lock.Close()
		return nil, ioFault(err, "open blob store")
	}
	return s, nil
}

// Close releases the directory. Open blobs stay readable.
func (s *Store) Close() error { return ioFault(s.lock.Close(), "close blob store") }

// sweep removes the leftovers of interrupted writes.
func (s *Store) sweep() error {
	dir := filepath.Join(s.root, tempDir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Open implements store.Blobs. The content is memory-mapped on Unix systems
// and read into memory elsewhere.
func (s *Store) Open(ctx context.Context, d store.Digest) (store.Blob, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(err, fault.CodeOf(err), "open blob %s", d)
	}
	f, err := os.Open(s.path(d))
	if err != nil {
		return nil, blobFault(err, "open", d)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, blobFault(err, "open", d)
	}
	data, release, err := mapFile(f, info.Size())
	if err != nil {
		return nil, blobFault(err, "map", d)
	}
	return &blob{data: data, release: release}, nil
}

// Stat implements store.Blobs.
func (s *Store) Stat(ctx context.Context, d store.Digest) (store.Info, error) {
	if err := ctx.Err(); err != nil {
		return store.Info{}, fault.Wrap(err, fault.CodeOf(err), "stat blob %s", d)
	}
	info, err := os.Stat(s.path(d))
	if err != nil {
		return store.Info{}, blobFault(err, "stat", d)
	}
	return store.Info{Digest: d, Size: info.Size(), Modified: info.ModTime()}, nil
}

// Delete implements store.Blobs.
func (s *Store) Delete(ctx context.Context, d store.Digest) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.CodeOf(err), "delete blob %s", d)
	}
	if err := os.Remove(s.path(d)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return blobFault(err, "delete", d)
	}
	return nil
}

// Verify hashes the blob d again, as store.Verify does.
func (s *Store) Verify(ctx context.Context, d store.Digest) error { return store.Verify(ctx, s, d) }

// path returns where the blob d lives, whether it is there or not.
func (s *Store) path(d store.Digest) string {
	h := d.Hex()
	return filepath.Join(s.root, objectsDir, h[:2], h)
}

// blobFault classifies an error of an operation on one blob.
func blobFault(err error, doing string, d store.Digest) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &fault.Error{Code: fault.NotFound, Detail: doing + " blob " + d.String() + ": not found", Err: err}
	}
	return ioFault(err, doing+" blob "+d.String())
}

// ioFault classifies an error of the operating system: a full disk or an
// exhausted quota is InsufficientStorage. The text of err stays in the cause,
// since it holds paths of this machine.
func ioFault(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, errQuota):
		return &fault.Error{Code: fault.InsufficientStorage, Detail: doing + ": the disk is full", Err: err}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, errReadOnly):
		return &fault.Error{Code: fault.Internal, Detail: doing + ": permission denied", Err: err}
	}
	return fault.Wrap(err, fault.CodeOf(err), "%s", doing)
}

// disk is the part of the operating system that a write goes through, so that
// tests can make it fail at each step.
type disk interface {
	CreateTemp(dir, pattern string) (tempFile, error)
	Rename(from, to string) error
	Remove(path string) error
	Mkdir(path string) error
	SyncDir(path string) error
}

// tempFile is a file being written.
type tempFile interface {
	io.WriteCloser
	Name() string
	Chmod(fs.FileMode) error
	Sync() error
}
