package registry

import (
	"context"
	"errors"
	"time"

	"provery/internal/fault"
	"provery/internal/store"
)

// Several processes add and remove circuits that share blobs. Who is about to
// delete a blob first marks it in the bucket, and who refers to one first writes
// that record; only then does each look for what the others have written, in a
// mirror that has seen everything up to its own write. The bucket orders their
// writes, so that at least one of the two finds the other's: either the blob
// stays, or the record is taken back and the blob has to be stored again.

const (
	// defaultMarkWait is how long a mark is respected: a process that died may
	// have left it.
	defaultMarkWait = 15 * time.Second
	// deleteTimeout bounds the deletion of a marked blob, well within that.
	deleteTimeout = 5 * time.Second
	// lagTimeout bounds the wait for what this process wrote itself.
	lagTimeout = 10 * time.Second
)

// collect deletes the blobs that no record refers to. change is held.
func (r *Registry) collect(ctx context.Context, blobs []Artifact) error {
	for _, a := range blobs {
		if r.mirror.referenced()[a.Digest] {
			continue
		}
		if err := r.reap(ctx, a.Digest); err != nil {
			return fault.Wrap(err, fault.Internal, "remove blob")
		}
	}
	return nil
}

// reap deletes a blob that nobody is about to refer to.
func (r *Registry) reap(ctx context.Context, blob store.Digest) (err error) {
	key := markKey(blob)
	for {
		if err := r.unmarked(ctx, blob); err != nil {
			return err
		}
		err := r.put(ctx, key, 0, struct{}{})
		if err == nil {
			break
		}
		if !errors.Is(err, errSwapped) {
			return err
		}
	}
	defer func() { err = errors.Join(err, r.drop(context.WithoutCancel(ctx), key)) }()
	ctx, cancel := context.WithTimeout(ctx, deleteTimeout)
	defer cancel()
	if err := r.mirror.reach(ctx, r.mirror.rev(key)); err != nil {
		return err
	}
	if r.mirror.referenced()[blob] {
		return nil
	}
	return r.blobs.Delete(ctx, blob)
}

// confirm looks, after a record was written, whether its blobs are there to
// stay. If not the record is taken back. change is held.
func (r *Registry) confirm(ctx context.Context, key string, blobs []Artifact) error {
	err := r.stay(ctx, key, blobs)
	if err == nil {
		return nil
	}
	return errors.Join(err, r.drop(context.WithoutCancel(ctx), key))
}

func (r *Registry) stay(ctx context.Context, key string, blobs []Artifact) error {
	lag, cancel := context.WithTimeout(ctx, lagTimeout)
	defer cancel()
	if err := r.mirror.reach(lag, r.mirror.rev(key)); err != nil {
		return err
	}
	for _, a := range blobs {
		if err := r.unmarked(ctx, a.Digest); err != nil {
			return err
		}
		if _, err := r.blobs.Stat(ctx, a.Digest); err != nil {
			return err
		}
	}
	return nil
}

// unmarked waits until nobody is deleting the blob, and takes away a mark that
// was left behind.
func (r *Registry) unmarked(ctx context.Context, blob store.Digest) error {
	wait, cancel := context.WithTimeout(ctx, r.markWait)
	defer cancel()
	for {
		rev, changed := r.mirror.mark(blob)
		if rev == 0 {
			return nil
		}
		select {
		case <-changed:
			continue
		case <-wait.Done():
		}
		if err := ctx.Err(); err != nil {
			return fault.Wrap(err, fault.CodeOf(err), "wait for the deletion of a blob")
		}
		return r.drop(ctx, markKey(blob))
	}
}

// reach waits until the watch has brought everything up to a revision.
func (m *mirror) reach(ctx context.Context, rev uint64) error {
	for {
		m.mu.RLock()
		seen, changed := m.seen, m.changed
		m.mu.RUnlock()
		if seen >= rev {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return &fault.Error{Code: fault.Overloaded, Detail: "this process lags behind", RetryAfter: 2 * time.Second, Err: ctx.Err()}
		}
	}
}

// passed notes that the watch has come to a revision.
func (m *mirror) passed(rev uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = max(m.seen, rev)
	close(m.changed)
	m.changed = make(chan struct{})
}

// rev returns the revision of a key, 0 if it isn't known.
func (m *mirror) rev(key string) uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.revs[key]
}

// mark returns the revision of a blob's mark, 0 if it has none, and what is
// closed when that may have changed.
func (m *mirror) mark(blob store.Digest) (uint64, <-chan struct{}) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if !m.marks[markKey(blob)] {
		return 0, m.changed
	}
	return m.revs[markKey(blob)], m.changed
}
