// Package cached makes a store.Blobs of a remote store and a local one in
// front of it: blobs are read from the disk, memory-mapped, whatever they come
// from. The local copies are bounded in bytes, go by least recent use, are
// hashed before their first use in the life of the process, and stay as long
// as somebody has them open.
package cached

import (
	"context"
	"io"
	"iter"
	"sync"

	"provery/internal/fault"
	"provery/internal/store"
)

// Remote is where the blobs live. The methods mean what they mean in
// store.Blobs, except that blobs move whole.
type Remote interface {
	// Upload stores size bytes of content as the blob d, durably.
	Upload(ctx context.Context, d store.Digest, content io.ReaderAt, size int64) error
	// Download opens a blob for reading from start to end; the caller hashes.
	Download(ctx context.Context, d store.Digest) (io.ReadCloser, int64, error)
	Stat(ctx context.Context, d store.Digest) (store.Info, error)
	Delete(ctx context.Context, d store.Digest) error
	List(ctx context.Context) iter.Seq2[store.Info, error]
}

// Local is the store on the disk. It should be one Store's alone: what others
// delete in it is fetched again, and what they put isn't counted.
type Local interface {
	store.Blobs
	// Free returns how many bytes can still be written.
	Free() (int64, error)
}

// Store is the pair. Its methods may be called concurrently. Other processes
// may use the same remote, each with a local store of its own.
type Store struct {
	remote  Remote
	local   Local
	lru     *lru
	mu      sync.Mutex // of fetches
	fetches map[store.Digest]*fetch
}

var _ store.Blobs = (*Store)(nil)

// Stats says how the local copies do.
type Stats struct {
	Bytes     int64 // of all copies
	Limit     int64
	Hits      int64 // opens that found a copy
	Misses    int64 // opens that had to download
	Evictions int64
}

// New returns a store over remote with copies in local, of limit bytes
// together. What local holds already are copies.
func New(ctx context.Context, remote Remote, local Local, limit int64) (*Store, error) {
	s := &Store{remote: remote, local: local, fetches: map[store.Digest]*fetch{}}
	s.lru = newLRU(limit, func(d store.Digest) { _ = local.Delete(context.WithoutCancel(ctx), d) })
	var copies []store.Info
	for info, err := range local.List(ctx) {
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "open blob cache")
		}
		copies = append(copies, info)
	}
	s.lru.load(copies)
	return s, nil
}

// Stats returns the present figures.
func (s *Store) Stats() Stats { return s.lru.stats() }

// Put implements store.Blobs. The content passes through the local store,
// beside the limit while it is uploaded, and stays there as a copy if it fits.
func (s *Store) Put(ctx context.Context, r io.Reader, limit int64) (store.Digest, int64, error) {
	d, size, err := s.local.Put(ctx, r, limit)
	if err != nil {
		return store.Digest{}, 0, err
	}
	e, fresh := s.lru.add(d, size, 0)
	if err := s.upload(ctx, d, size); err != nil {
		s.lru.release(e)
		if fresh {
			s.lru.forget(d)
		}
		return store.Digest{}, 0, fault.Wrap(err, fault.CodeOf(err), "put blob")
	}
	s.lru.release(e)
	return d, size, nil
}

func (s *Store) upload(ctx context.Context, d store.Digest, size int64) error {
	b, err := s.local.Open(ctx, d)
	if fault.Is(err, fault.NotFound) {
		// An older copy of the same content was evicted just when this one
		// took its place.
		return fault.New(fault.Overloaded, "the local copy was evicted: try again")
	}
	if err != nil {
		return err
	}
	defer b.Close()
	return s.remote.Upload(ctx, d, b, size)
}

// Stat implements store.Blobs.
func (s *Store) Stat(ctx context.Context, d store.Digest) (store.Info, error) {
	return s.remote.Stat(ctx, d)
}

// Delete implements store.Blobs. Copies of other processes stay until these
// open the blob again, or need the room.
func (s *Store) Delete(ctx context.Context, d store.Digest) error {
	if err := s.remote.Delete(ctx, d); err != nil {
		return err
	}
	s.lru.forget(d)
	return nil
}

// List implements store.Blobs.
func (s *Store) List(ctx context.Context) iter.Seq2[store.Info, error] { return s.remote.List(ctx) }
