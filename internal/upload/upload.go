// Package upload keeps files that clients send in pieces, so that a large one
// survives a cut connection and the end of the process that took it. Pieces are
// blobs; a record in the job engine says which there are. Any process over the
// same engine and blobs takes the next piece.
//
// An upload belongs to the client that sends it and is named by the SHA-256 of
// the whole file. The hash is carried from piece to piece in the record, and
// compared when the last one has come. Uploads that nothing was added to for a
// day are removed.
package upload

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/fault"
	"provery/internal/store"
)

// Config configures a Store. The zero value of a field means its default.
type Config struct {
	// Namespace separates stores that share an engine. Default: provery.
	Namespace string
	// Replicas is how many servers of a cluster hold each record. Default: 1.
	Replicas int
	// MaxBytes bounds one upload, and, doubled, those of one owner together.
	// Default: 4 GiB.
	MaxBytes int64
	// MinPiece and MaxPiece bound a piece; the last one may be shorter. Of a
	// very large file a piece is a 4096th at least, whatever MinPiece says.
	// Default: 1 MiB and 64 MiB.
	MinPiece, MaxPiece int64
	// MaxUploads is how many an owner may have. Default: 16.
	MaxUploads int
	// TTL is how long an upload is kept after its last piece. Default: 24 h.
	TTL time.Duration
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Logger is told of removals that fail. Default: slog.DiscardHandler.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Namespace = cmp.Or(c.Namespace, "provery")
	c.Replicas = cmp.Or(c.Replicas, 1)
	c.MaxBytes = cmp.Or(c.MaxBytes, 4<<30)
	c.MinPiece = cmp.Or(c.MinPiece, 1<<20)
	c.MaxPiece = cmp.Or(c.MaxPiece, 64<<20)
	c.MaxUploads = cmp.Or(c.MaxUploads, 16)
	c.TTL = cmp.Or(c.TTL, 24*time.Hour)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// ID names an upload.
type ID struct {
	Owner  string
	Digest store.Digest // of the whole file
}

// Piece is a range of a file.
type Piece struct {
	First int64 // offset of its first byte
	Bytes int64
	Total int64 // length of the file
}

func (p Piece) end() int64 { return p.First + p.Bytes }

// Status says how far an upload is.
type Status struct {
	Size     int64 // of the file
	Received int64 // bytes from its start
	Expires  time.Time
}

// Complete reports whether all has come.
func (s Status) Complete() bool { return s.Received == s.Size }

// Store holds uploads. Its methods may be called concurrently, also by several
// processes. Errors are *fault.Error.
type Store struct {
	cfg   Config
	kv    jetstream.KeyValue
	blobs store.Blobs
}

// JetStream is what the store needs of the job engine.
type JetStream interface{ JetStream() jetstream.JetStream }

// Open opens the uploads of cfg.Namespace. ctx bounds the call only.
func Open(ctx context.Context, eng JetStream, blobs store.Blobs, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	kv, err := eng.JetStream().CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: cfg.Namespace + "-uploads", Description: "unfinished uploads to Provery", History: 1, Replicas: cfg.Replicas,
		Storage: jetstream.FileStorage, LimitMarkerTTL: time.Hour,
	})
	if err != nil {
		return nil, engineFault(ctx, err, "open uploads")
	}
	return &Store{cfg: cfg, kv: kv, blobs: blobs}, nil
}

// Status returns how far an upload is. NotFound where nothing of it is there.
func (s *Store) Status(ctx context.Context, id ID) (Status, error) {
	r, err := s.load(ctx, id)
	if err != nil {
		return Status{}, err
	}
	return s.status(r), nil
}

func (s *Store) status(r *record) Status {
	return Status{Size: r.Size, Received: r.received(), Expires: r.Updated.Add(s.cfg.TTL)}
}

// Append takes the next piece of a file, whose bytes are content; the first one
// begins the upload. It is durable when Append returns. A piece that was received
// before is passed over without reading it. Conflict for one that isn't the next,
// and where another request adds to the upload at the same time; TooLarge and
// InvalidRequest for pieces beyond the bounds; InvalidArtifact if the file,
// complete, has another digest: then all of it is removed.
func (s *Store) Append(ctx context.Context, id ID, p Piece, content io.Reader) (Status, error) {
	if err := s.check(p); err != nil {
		return Status{}, err
	}
	r, err := s.load(ctx, id)
	if fault.Is(err, fault.NotFound) {
		r, err = s.begin(ctx, id, p)
	}
	if err != nil {
		return Status{}, err
	}
	switch received := r.received(); {
	case r.Size != p.Total:
		return Status{}, fault.New(fault.Conflict, "the upload was begun with %d bytes in all", r.Size)
	case p.end() <= received:
		return s.status(r), nil
	case p.First != received:
		return Status{}, fault.New(fault.Conflict, "%d bytes are there: go on behind them", received)
	}
	sum, err := r.sum()
	if err != nil {
		return Status{}, err
	}
	piece, err := s.put(ctx, io.TeeReader(content, sum), p.Bytes)
	if err != nil {
		return Status{}, err
	}
	r.Pieces, r.Updated = append(r.Pieces, piece), s.cfg.Now()
	if r.received() == r.Size && store.Digest(sum.Sum(nil)) != id.Digest {
		s.forget(ctx, []piecePart{piece})
		r.Pieces = r.Pieces[:len(r.Pieces)-1]
		return Status{}, errors.Join(fault.New(fault.InvalidArtifact, "the file's SHA-256 isn't the upload's"), s.remove(ctx, id.key(), r))
	}
	if r.Hash, err = sum.(encoding.BinaryMarshaler).MarshalBinary(); err != nil {
		return Status{}, fault.Wrap(err, fault.Internal, "keep the hash of an upload")
	}
	if err := s.write(ctx, id.key(), r); err != nil {
		s.forget(ctx, []piecePart{piece})
		return Status{}, err
	}
	return s.status(r), nil
}

// check refuses pieces beyond the bounds.
func (s *Store) check(p Piece) error {
	switch {
	case p.First < 0 || p.Bytes < 1 || p.Bytes > p.Total-p.First:
		return fault.New(fault.InvalidRequest, "the piece isn't a part of the file")
	case p.Total > s.cfg.MaxBytes:
		return fault.New(fault.TooLarge, "the file is over %d bytes", s.cfg.MaxBytes)
	case p.Bytes > s.cfg.MaxPiece:
		return fault.New(fault.TooLarge, "the piece is over %d bytes", s.cfg.MaxPiece)
	}
	if least := max(s.cfg.MinPiece, p.Total/maxPieces); p.Bytes < least && p.end() != p.Total {
		return fault.New(fault.InvalidRequest, "only the last piece may be under %d bytes", least)
	}
	return nil
}

// maxPieces bounds the pieces of a file, and so the size of its record.
const maxPieces = 4096

// begin makes the record of a new upload, in memory, if its owner may have one
// more.
func (s *Store) begin(ctx context.Context, id ID, p Piece) (*record, error) {
	n, total := 0, p.Total
	err := s.each(ctx, id.prefix()+".*", func(_ string, r *record) error {
		if !r.Gone {
			n, total = n+1, total+r.Size
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case n >= s.cfg.MaxUploads || total > 2*s.cfg.MaxBytes:
		return nil, fault.New(fault.Conflict, "there are %d uploads already: use or delete one, or wait until they expire", n)
	}
	return &record{Size: p.Total, Updated: s.cfg.Now()}, nil
}

// saltBytes precede every piece in its blob. They are random, so that a piece is
// never the same blob as a circuit's file or another's piece, and can be deleted
// without asking who else needs it.
const saltBytes = 16

// put stores a piece of n bytes.
func (s *Store) put(ctx context.Context, content io.Reader, n int64) (piecePart, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	blob, size, err := s.blobs.Put(ctx, io.MultiReader(bytes.NewReader(salt), io.LimitReader(content, n)), saltBytes+n)
	if err != nil {
		return piecePart{}, fault.Wrap(err, fault.Internal, "keep a piece")
	}
	if size != saltBytes+n {
		s.forget(ctx, []piecePart{{Blob: blob}})
		return piecePart{}, fault.New(fault.InvalidRequest, "the body ends before the piece does")
	}
	return piecePart{Blob: blob, Bytes: n}, nil
}

// Open returns the content of a complete upload. Conflict while some is missing.
func (s *Store) Open(ctx context.Context, id ID) (io.ReadCloser, error) {
	r, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if st := s.status(r); !st.Complete() {
		return nil, fault.New(fault.Conflict, "the upload has %d of %d bytes", st.Received, st.Size)
	}
	return &reader{ctx: ctx, blobs: s.blobs, pieces: r.Pieces}, nil
}

// reader reads pieces one after another.
type reader struct {
	ctx    context.Context // of the one call that the reader lives in
	blobs  store.Blobs
	pieces []piecePart // still to be opened
	open   store.Blob
	rest   io.Reader // of open
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for {
		if r.rest != nil {
			n, err := r.rest.Read(p)
			if n > 0 || !errors.Is(err, io.EOF) {
				return n, err
			}
		}
		if err := r.Close(); err != nil {
			return 0, err
		}
		if len(r.pieces) == 0 {
			return 0, io.EOF
		}
		blob, err := r.blobs.Open(r.ctx, r.pieces[0].Blob)
		if err != nil {
			return 0, fault.Wrap(err, fault.Internal, "read an upload")
		}
		r.open, r.rest = blob, io.NewSectionReader(blob, saltBytes, r.pieces[0].Bytes)
		r.pieces = r.pieces[1:]
	}
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.open == nil {
		return nil
	}
	err := r.open.Close()
	r.open, r.rest = nil, nil
	return err
}

// Remove removes an upload. Removing an absent one succeeds.
func (s *Store) Remove(ctx context.Context, id ID) error {
	r, err := s.load(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.remove(ctx, id.key(), r)
}

// sum returns the hash of what was received.
func (r *record) sum() (hash.Hash, error) {
	h := sha256.New()
	if r.Hash == nil {
		return h, nil
	}
	return h, fault.Wrap(h.(encoding.BinaryUnmarshaler).UnmarshalBinary(r.Hash), fault.Internal, "go on with the hash of an upload")
}

// prefix separates owners' keys; names of owners aren't keys by themselves.
func (id ID) prefix() string {
	sum := sha256.Sum256([]byte(id.Owner))
	return hex.EncodeToString(sum[:16])
}

func (id ID) key() string { return id.prefix() + "." + id.Digest.Hex() }
