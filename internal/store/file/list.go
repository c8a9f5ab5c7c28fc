package file

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"provery/internal/fault"
	"provery/internal/store"
)

// List implements store.Blobs. Files that aren't blobs are passed over.
func (s *Store) List(ctx context.Context) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		root := filepath.Join(s.root, objectsDir)
		dirs, err := os.ReadDir(root) // sorted by name
		if err != nil {
			yield(store.Info{}, ioFault(err, "list blobs"))
			return
		}
		for _, dir := range dirs {
			if dir.IsDir() && !s.listDir(ctx, filepath.Join(root, dir.Name()), yield) {
				return
			}
		}
	}
}

// listDir yields the blobs of one directory and reports whether to go on.
func (s *Store) listDir(ctx context.Context, dir string, yield func(store.Info, error) bool) bool {
	if err := ctx.Err(); err != nil {
		yield(store.Info{}, fault.Wrap(err, fault.CodeOf(err), "list blobs"))
		return false
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		yield(store.Info{}, ioFault(err, "list blobs"))
		return false
	}
	for _, f := range files {
		d, err := store.ParseDigest(f.Name())
		if err != nil {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted since the directory was read
		}
		if err != nil {
			yield(store.Info{}, ioFault(err, "list blobs"))
			return false
		}
		if !yield(store.Info{Digest: d, Size: info.Size(), Modified: info.ModTime()}, nil) {
			return false
		}
	}
	return true
}
