package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"provery/api"
)

// UploadOptions change how a file is uploaded. The zero value is good.
type UploadOptions struct {
	// Digest is the file's, "sha256:…", if you know it: the file is read once
	// more otherwise, to compute it.
	Digest string
	// PieceBytes is how much is sent at a time, and so what a cut connection
	// costs at most: from api.MinPiece to api.MaxPiece, 8 MiB without it. Of
	// files over 4 GiB it is a 4096th of them at least.
	PieceBytes int64
	// Progress, if not nil, is told how many of the file's bytes have left,
	// those of earlier calls included. A piece that has to be sent again takes
	// the count back. It is called by one goroutine at a time, and must not
	// take long.
	Progress func(sent, total int64)
}

// Upload sends a file, from its start, in pieces, and returns the complete
// upload. Registration.Uploads and KeyUpload.Uploads name it by its digest; once
// it is of no more use DeleteUpload removes it, and otherwise the service does
// after a day.
//
// A piece whose connection breaks is sent again; as long as the file grows on
// the other side this goes on. An upload that was given up, also by another
// process, is taken up where it stopped when the same file is uploaded again.
func (c *Client) Upload(ctx context.Context, file io.ReadSeeker, o UploadOptions) (*api.Upload, error) {
	t, err := c.newTransfer(ctx, file, o)
	if err != nil {
		return nil, err
	}
	for failures := 0; ; failures++ {
		had := t.received
		u, err := t.run(ctx)
		if err == nil {
			return u, nil
		}
		if t.received > had {
			failures = 0
		}
		// A conflict may be with somebody who sends the same file.
		if failures >= c.retries || !again(ctx, err) && CodeOf(err) != api.CodeConflict || c.pause(ctx, failures, err) != nil {
			return nil, err
		}
	}
}

// UploadStatus returns how far an upload is. A digest that nothing was sent of is
// api.CodeNotFound.
func (c *Client) UploadStatus(ctx context.Context, digest string) (*api.Upload, error) {
	return fetch[api.Upload](ctx, c, get(path("uploads", digest)))
}

// DeleteUpload removes an upload. What was registered from it stays. Removing
// one that isn't there is no error.
func (c *Client) DeleteUpload(ctx context.Context, digest string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("uploads", digest), repeatable: true}, nil)
}

// defaultPiece is how much is sent at a time.
const defaultPiece = 8 << 20

// transfer is a file on its way.
type transfer struct {
	c        *Client
	file     io.ReadSeeker
	digest   string
	size     int64
	piece    int64
	received int64 // most that was there
	progress func(sent, total int64)
}

// newTransfer measures the file.
func (c *Client) newTransfer(ctx context.Context, file io.ReadSeeker, o UploadOptions) (*transfer, error) {
	t := &transfer{c: c, file: file, digest: o.Digest, piece: o.PieceBytes, progress: o.Progress}
	var err error
	if t.size, err = file.Seek(0, io.SeekEnd); err != nil {
		return nil, &sourceError{fmt.Errorf("client: upload: %w", err)}
	}
	if t.size == 0 {
		return nil, errors.New("client: upload: the file is empty")
	}
	if t.piece == 0 {
		t.piece = defaultPiece
	}
	const mostPieces = 4096
	t.piece = min(max(t.piece, api.MinPiece, (t.size+mostPieces-1)/mostPieces), api.MaxPiece)
	if t.progress == nil {
		t.progress = func(int64, int64) {}
	}
	if t.digest == "" {
		t.digest, err = t.sum(ctx)
	}
	return t, err
}

// sum computes the file's digest.
func (t *transfer) sum(ctx context.Context) (string, error) {
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return "", &sourceError{fmt.Errorf("client: upload: %w", err)}
	}
	h := sha256.New()
	if _, err := io.CopyBuffer(h, &cancellable{ctx, &source{t.file, "the file"}}, make([]byte, 256<<10)); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// cancellable ends with its context.
type cancellable struct {
	ctx context.Context // of the one call that it lives in
	io.Reader
}

// Read implements io.Reader.
func (c *cancellable) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(b)
}

// run asks how much is there, and sends the rest.
func (t *transfer) run(ctx context.Context) (*api.Upload, error) {
	u, err := t.status(ctx)
	for err == nil && !u.Complete {
		u, err = t.send(ctx, u.Received)
	}
	return u, err
}

func (t *transfer) status(ctx context.Context) (*api.Upload, error) {
	u, err := fetch[api.Upload](ctx, t.c, call{method: http.MethodGet, path: path("uploads", t.digest)}) // once: run is repeated
	if CodeOf(err) == api.CodeNotFound {
		u, err = &api.Upload{Digest: t.digest, Size: t.size}, nil
	}
	if err != nil {
		return nil, err
	}
	if u.Size != t.size {
		return nil, &sourceError{fmt.Errorf("client: upload: the file has %d bytes, and %s is being uploaded with %d", t.size, t.digest, u.Size)}
	}
	t.received = max(t.received, u.Received)
	t.progress(u.Received, t.size)
	return u, nil
}

// pieceSilence is how long a piece may take to move on by a byte, or its answer
// to come: the service writes it to disk, or into a bucket, first.
const pieceSilence = 2 * time.Minute

// send sends the piece that begins at an offset.
func (t *transfer) send(ctx context.Context, from int64) (*api.Upload, error) {
	if _, err := t.file.Seek(from, io.SeekStart); err != nil {
		return nil, &sourceError{fmt.Errorf("client: upload: %w", err)}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := time.AfterFunc(pieceSilence, cancel)
	defer idle.Stop()
	n := min(t.piece, t.size-from)
	body := &pieceBody{file: t.file, left: n, moved: func(left int64) {
		idle.Reset(pieceSilence)
		t.progress(from+n-left, t.size)
	}}
	req, err := t.c.request(ctx, http.MethodPut, path("uploads", t.digest), body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = n
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, from+n-1, t.size))
	u := &api.Upload{}
	_, err = t.c.send(req, 0, u)
	if failed := body.stop(); failed != nil && err != nil {
		err = failed // rather than that of the connection it broke
	}
	if err == nil && u.Received <= from {
		err = errors.New("client: upload: the service took a piece, and has no more bytes than before")
	}
	if err != nil {
		return nil, err
	}
	t.received = max(t.received, u.Received)
	return u, nil
}

// pieceBody is a part of a file as the body of a request. HTTP may read on while
// the answer is there already; after stop it doesn't touch the file any more.
type pieceBody struct {
	mu    sync.Mutex
	file  io.Reader // nil once it is stopped
	left  int64
	moved func(left int64)
	err   error // of the file
}

// Read implements io.Reader.
func (b *pieceBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.file == nil:
		return 0, errors.New("client: the request is over")
	case b.left == 0:
		return 0, io.EOF
	}
	n, err := b.file.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if n > 0 {
		b.moved(b.left)
	}
	if errors.Is(err, io.EOF) {
		err = nil
		if b.left > 0 {
			err = io.ErrUnexpectedEOF // the file became shorter
		}
	}
	if err != nil {
		b.err = &sourceError{fmt.Errorf("client: upload: read the file: %w", err)}
	}
	return n, err
}

// Close implements io.Closer.
func (b *pieceBody) Close() error { return nil }

// stop ends the reading, and returns the file's error.
func (b *pieceBody) stop() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.file = nil
	return b.err
}
