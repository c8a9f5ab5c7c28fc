package file

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"provery/internal/fault"
	"provery/internal/store"
)

// copyChunk is how much is written between two looks at the context.
const copyChunk = 1 << 18

// Put implements store.Blobs: temporary file, fsync, rename, fsync of the
// directory. Content that is already there is replaced by the new copy, which
// mends a damaged blob; open readers keep the old one.
func (s *Store) Put(ctx context.Context, r io.Reader, limit int64) (store.Digest, int64, error) {
	t, err := s.fs.CreateTemp(filepath.Join(s.root, tempDir), tempPrefix)
	if err != nil {
		return store.Digest{}, 0, ioFault(err, "put blob")
	}
	d, size, err := s.fill(ctx, t, r, limit)
	if cerr := t.Close(); err == nil && cerr != nil {
		err = ioFault(cerr, "put blob")
	}
	if err == nil {
		err = s.publish(t.Name(), d)
	}
	if err != nil {
		// Nothing else can be done about a file that doesn't go away: the
		// next Open sweeps it.
		_ = s.fs.Remove(t.Name())
		return store.Digest{}, 0, err
	}
	return d, size, nil
}

// fill copies r to t and makes it durable.
func (s *Store) fill(ctx context.Context, t tempFile, r io.Reader, limit int64) (store.Digest, int64, error) {
	h := sha256.New()
	size, err := copyLimited(ctx, t, h, r, limit)
	if err != nil {
		return store.Digest{}, 0, err
	}
	if err := t.Chmod(0o400); err != nil {
		return store.Digest{}, 0, ioFault(err, "put blob")
	}
	if err := t.Sync(); err != nil {
		return store.Digest{}, 0, ioFault(err, "put blob")
	}
	return store.Digest(h.Sum(nil)), size, nil
}

// publish gives the finished file its name.
func (s *Store) publish(temp string, d store.Digest) error {
	path := s.path(d)
	dir := filepath.Dir(path)
	err := s.fs.Mkdir(dir)
	if err == nil {
		err = s.fs.SyncDir(filepath.Dir(dir))
	} else if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err == nil {
		err = s.fs.Rename(temp, path)
	}
	if err == nil {
		err = s.fs.SyncDir(dir)
	}
	return ioFault(err, "put blob")
}

// copyLimited copies r to w and h, at most limit bytes of it.
func copyLimited(ctx context.Context, w io.Writer, h hash.Hash, r io.Reader, limit int64) (int64, error) {
	buf := make([]byte, copyChunk)
	var size int64
	for {
		if err := ctx.Err(); err != nil {
			return 0, fault.Wrap(err, fault.CodeOf(err), "put blob")
		}
		n, rerr := r.Read(buf)
		if size += int64(n); size > limit {
			return 0, fault.New(fault.TooLarge, "put blob: more than %d bytes", limit)
		}
		h.Write(buf[:n])
		if _, err := w.Write(buf[:n]); err != nil {
			return 0, ioFault(err, "put blob")
		}
		if rerr == io.EOF {
			return size, nil
		}
		if rerr != nil {
			return 0, fault.Wrap(rerr, fault.CodeOf(rerr), "put blob: read content")
		}
	}
}

// osDisk is the real disk.
type osDisk struct{}

func (osDisk) CreateTemp(dir, pattern string) (tempFile, error) {
	f, err := os.CreateTemp(dir, pattern) // mode 0600
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (osDisk) Rename(from, to string) error { return os.Rename(from, to) }
func (osDisk) Remove(path string) error     { return os.Remove(path) }
func (osDisk) Mkdir(path string) error      { return os.Mkdir(path, 0o700) }

func (osDisk) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return syncDir(d)
}
