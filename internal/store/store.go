// Package store keeps immutable blobs named by the SHA-256 of their content:
// compiled circuits, keys, large results. Implementations live in packages
// below it and pass the suite in storetest.
package store

import (
	"context"
	"io"
	"iter"
	"time"
)

// Info describes a stored blob.
type Info struct {
	Digest Digest
	Size   int64 // in bytes
	// Modified is when this content was last put. Putting content that is
	// already there moves it, so that a collector can spare fresh blobs.
	Modified time.Time
}

// Blobs is a content-addressed store. All methods may be called concurrently,
// also by several processes over the same storage. Errors are *fault.Error:
// NotFound for an absent blob, TooLarge from Put, InsufficientStorage where
// there is no room, Overloaded while the storage can't be reached, Canceled or
// DeadlineExceeded when ctx ends, Internal otherwise.
type Blobs interface {
	// Put stores everything that r yields, up to limit bytes, and returns its
	// digest and size. When it returns without an error the blob is durable;
	// when it returns an error nothing of it is visible or left behind. More
	// than limit bytes is TooLarge; a full disk is InsufficientStorage; an
	// error of r keeps its own code. Putting the same content again succeeds.
	Put(ctx context.Context, r io.Reader, limit int64) (Digest, int64, error)

	// Open returns a blob for reading. The content isn't hashed again: see
	// Verify. The blob stays readable until it is closed, even if it is
	// deleted meanwhile.
	Open(ctx context.Context, d Digest) (Blob, error)

	// Stat describes a blob without opening it.
	Stat(ctx context.Context, d Digest) (Info, error)

	// Delete removes a blob. Deleting an absent one succeeds.
	Delete(ctx context.Context, d Digest) error

	// List yields the stored blobs in ascending order of digest. A blob that
	// is put or deleted during the walk may or may not be seen. The walk ends
	// at the first error, which it yields with a zero Info.
	List(ctx context.Context) iter.Seq2[Info, error]
}

// Blob is an open blob. ReadAt may be called concurrently.
type Blob interface {
	io.ReaderAt

	// Size returns the length in bytes.
	Size() int64

	// Bytes returns the whole content: read-only (writing to it crashes the
	// process where it is mapped), starting at a page boundary, valid until
	// Close. It costs no copy where the content is memory-mapped.
	Bytes() []byte

	// Close releases the content; Bytes must not be used any more, and ReadAt
	// fails. Closing twice is harmless.
	Close() error
}
