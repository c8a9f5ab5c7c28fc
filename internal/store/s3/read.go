package s3

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"provery/internal/fault"
	"provery/internal/store"
)

// Stat describes a blob.
func (b *Bucket) Stat(ctx context.Context, d store.Digest) (store.Info, error) {
	if err := ctx.Err(); err != nil {
		return store.Info{}, fault.Wrap(err, fault.CodeOf(err), "stat blob %s", d)
	}
	info, err := b.core.StatObject(ctx, b.cfg.Bucket, b.name(d), minio.StatObjectOptions{})
	if err != nil {
		return store.Info{}, remoteFault(err, "stat blob "+d.String())
	}
	return store.Info{Digest: d, Size: info.Size, Modified: info.LastModified}, nil
}

// Delete removes a blob. Deleting an absent one succeeds.
func (b *Bucket) Delete(ctx context.Context, d store.Digest) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.CodeOf(err), "delete blob %s", d)
	}
	err := remoteFault(b.core.RemoveObject(ctx, b.cfg.Bucket, b.name(d), minio.RemoveObjectOptions{}), "delete blob "+d.String())
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// List yields the blobs in ascending order of digest, as store.Blobs says.
// Objects of other names are passed over.
func (b *Bucket) List(ctx context.Context) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		if err := ctx.Err(); err != nil {
			yield(store.Info{}, fault.Wrap(err, fault.CodeOf(err), "list blobs"))
			return
		}
		dir := b.cfg.Prefix + "sha256/"
		for o := range b.core.ListObjectsIter(ctx, b.cfg.Bucket, minio.ListObjectsOptions{Prefix: dir, Recursive: true}) {
			if o.Err != nil {
				yield(store.Info{}, remoteFault(o.Err, "list blobs"))
				return
			}
			d, err := store.ParseDigest(strings.TrimPrefix(o.Key, dir))
			if err != nil {
				continue
			}
			if !yield(store.Info{Digest: d, Size: o.Size, Modified: o.LastModified}, nil) {
				return
			}
		}
	}
}

// Download opens the blob d for reading from start to end, and says how long
// it is. A connection that breaks, or on which nothing comes for a minute, is
// taken up again where it broke. The
// content isn't hashed: the caller does that. Close the reader.
func (b *Bucket) Download(ctx context.Context, d store.Digest) (io.ReadCloser, int64, error) {
	r := &reader{b: b, ctx: ctx, d: d, left: b.cfg.Attempts - 1}
	if err := r.open(); err != nil {
		return nil, 0, err
	}
	return r, r.size, nil
}

// reader reads an object, over several requests if need be. It lives as long
// as one download, which is why it holds its context.
type reader struct {
	b    *Bucket
	ctx  context.Context
	d    store.Digest
	body io.ReadCloser
	end  context.CancelFunc // ends the request
	etag string
	off  int64 // of the next byte
	size int64
	left int // requests that may still be made
}

// errSilent is the cause where a server stopped in the middle of an answer.
var errSilent = errors.New("s3: nothing comes any more")

// open asks for the rest of the object.
func (r *reader) open() error {
	doing := "download blob " + r.d.String()
	if err := r.ctx.Err(); err != nil {
		return fault.Wrap(err, fault.CodeOf(err), "%s", doing)
	}
	var opts minio.GetObjectOptions
	if r.off > 0 {
		err := errors.Join(opts.SetRange(r.off, 0), opts.SetMatchETag(r.etag))
		if err != nil {
			return fault.Wrap(err, fault.Internal, "%s", doing)
		}
	}
	ctx, end := context.WithCancel(r.ctx)
	body, info, header, err := r.b.core.GetObject(ctx, r.b.cfg.Bucket, r.b.name(r.d), opts)
	if err != nil {
		end()
		return remoteFault(err, doing)
	}
	if r.off > 0 && header.Get("Content-Range") == "" {
		end()
		body.Close()
		return fault.New(fault.Internal, "%s: the server can't go on at byte %d", doing, r.off)
	}
	if r.off == 0 {
		r.etag, r.size = info.ETag, info.Size
	}
	r.body, r.end = body, end
	return nil
}

// next reads what comes next, and ends a request on which nothing comes.
func (r *reader) next(p []byte) (int, error) {
	silent := time.AfterFunc(r.b.silence, r.end)
	defer silent.Stop()
	n, err := r.body.Read(p)
	if errors.Is(err, context.Canceled) && r.ctx.Err() == nil {
		err = errSilent
	}
	return n, err
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for {
		n, err := r.next(p)
		r.off += int64(n)
		switch {
		case err == nil || n > 0:
			return n, nil // an error comes again with the next call
		case err == io.EOF && r.off >= r.size:
			return 0, io.EOF
		}
		if r.ctx.Err() != nil || r.left == 0 {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, remoteFault(err, "download blob "+r.d.String())
		}
		r.left--
		r.Close()
		r.body = http.NoBody // until there is another
		if err := r.open(); err != nil {
			return 0, err
		}
	}
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.end()
	return r.body.Close()
}
