package cached

import (
	"context"
	"sync"

	"provery/internal/fault"
	"provery/internal/store"
)

// Open implements store.Blobs. The remote is asked first whether the blob is
// still there; while it can't answer, a local copy serves, since content never
// changes. The first use of a copy in the life of the process hashes it, and a
// damaged one is fetched again.
func (s *Store) Open(ctx context.Context, d store.Digest) (store.Blob, error) {
	info, err := s.remote.Stat(ctx, d)
	switch {
	case fault.Is(err, fault.NotFound):
		s.lru.forget(d)
		return nil, err
	case ctx.Err() != nil:
		return nil, fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "open blob %s", d)
	}
	away := err // the remote can't answer; nil if it did
	for first := true; ; first = false {
		e := s.lru.pin(d)
		if first {
			s.lru.count(e != nil)
		}
		if e == nil && away != nil {
			return nil, away
		}
		if e == nil {
			if e, err = s.fetch(ctx, d, info.Size); err != nil {
				return nil, fault.Wrap(err, fault.CodeOf(err), "open blob %s", d)
			}
		}
		if e == nil {
			continue // somebody else has fetched it
		}
		if b, err := s.openCopy(ctx, e); b != nil || err != nil {
			return b, err
		}
	}
}

// openCopy opens a pinned local copy, and takes over the pin; nil if the copy
// isn't whole.
func (s *Store) openCopy(ctx context.Context, e *entry) (store.Blob, error) {
	b, err := s.local.Open(ctx, e.d)
	if err == nil && !s.lru.verified(e) {
		if err = store.VerifyBlob(ctx, b, e.d); err != nil {
			_ = b.Close() // the damage is what matters
		}
	}
	if err == nil {
		s.lru.setVerified(e)
		return &pinned{Blob: b, release: sync.OnceFunc(func() { s.lru.release(e) })}, nil
	}
	s.lru.release(e)
	if ctx.Err() != nil {
		return nil, fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "open blob %s", e.d)
	}
	s.lru.forget(e.d) // damaged, unreadable or removed behind our back: have another
	return nil, nil
}

// pinned is an open copy.
type pinned struct {
	store.Blob
	release func()
}

// Close implements store.Blob.
func (p *pinned) Close() error {
	err := p.Blob.Close()
	p.release()
	return err
}

// fetch is a download under way.
type fetch struct {
	done chan struct{}
	err  error
}

// fetch downloads a blob, once for all who wait for it, and returns its copy
// pinned to the one who did; nil to the others.
func (s *Store) fetch(ctx context.Context, d store.Digest, size int64) (*entry, error) {
	s.mu.Lock()
	f := s.fetches[d]
	if f == nil {
		f = &fetch{done: make(chan struct{})}
		s.fetches[d] = f
		s.mu.Unlock()
		var e *entry
		e, f.err = s.download(ctx, d, size)
		s.mu.Lock()
		delete(s.fetches, d)
		s.mu.Unlock()
		close(f.done)
		return e, f.err
	}
	s.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if fault.Is(f.err, fault.Canceled) || fault.Is(f.err, fault.DeadlineExceeded) {
		return nil, nil // the other gave up: try oneself
	}
	return nil, f.err
}

// spare is what a download leaves free on the disk, for everything else that
// writes there.
const spare = 64 << 20

// download brings a blob into the local store, checks its digest, and returns
// its copy pinned.
func (s *Store) download(ctx context.Context, d store.Digest, size int64) (*entry, error) {
	if err := s.lru.reserve(size); err != nil {
		return nil, err
	}
	if err := s.receive(ctx, d, size); err != nil {
		s.lru.unreserve(size)
		return nil, err
	}
	e, _ := s.lru.add(d, size, size)
	return e, nil
}

func (s *Store) receive(ctx context.Context, d store.Digest, size int64) error {
	if free, err := s.local.Free(); err == nil && free-spare < size {
		return fault.New(fault.InsufficientStorage, "%d bytes don't fit on the disk of the cache of blobs, which has %d free", size, free)
	}
	r, sent, err := s.remote.Download(ctx, d)
	if err != nil {
		return err
	}
	defer r.Close()
	if sent != size {
		return fault.New(fault.Overloaded, "the blob is being replaced: %d bytes became %d", size, sent)
	}
	got, n, err := s.local.Put(ctx, r, size)
	if err != nil {
		return err
	}
	if got != d || n != size {
		_ = s.local.Delete(context.WithoutCancel(ctx), got) // no blob of anybody's
		return fault.New(fault.InvalidArtifact, "the stored content is damaged: it has another digest")
	}
	return nil
}
