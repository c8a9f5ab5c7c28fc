package store

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"

	"provery/internal/fault"
)

// verifyChunk is how much is hashed between two looks at the context.
const verifyChunk = 1 << 20

// Verify reads the blob d again and compares its hash. A mismatch is
// InvalidArtifact; an absent blob is NotFound.
func Verify(ctx context.Context, blobs Blobs, d Digest) error {
	b, err := blobs.Open(ctx, d)
	if err != nil {
		return err
	}
	defer b.Close()
	return VerifyBlob(ctx, b, d)
}

// VerifyBlob hashes an open blob and compares the result with d, as Verify
// does. The blob stays open.
func VerifyBlob(ctx context.Context, b Blob, d Digest) error {
	h := sha256.New()
	if err := hashAll(ctx, h, b); err != nil {
		return fault.Wrap(err, fault.CodeOf(err), "verify blob %s", d)
	}
	if Digest(h.Sum(nil)) != d {
		return fault.New(fault.InvalidArtifact, "verify blob %s: the content is damaged", d)
	}
	return nil
}

// hashAll goes through ReadAt, not Bytes: an unreadable sector is then an
// error where the implementation reads files, and a blob closed by its owner
// meanwhile fails cleanly.
func hashAll(ctx context.Context, h hash.Hash, b Blob) error {
	buf := make([]byte, min(verifyChunk, max(b.Size(), 1)))
	for off := int64(0); off < b.Size(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := b.ReadAt(buf[:min(int64(len(buf)), b.Size()-off)], off)
		h.Write(buf[:n])
		off += int64(n)
		if err != nil && !(err == io.EOF && off == b.Size()) {
			return err
		}
	}
	return nil
}
