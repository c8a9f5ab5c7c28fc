package daemon

import (
	"context"
	"io"

	"provery/api"
	"provery/internal/httpapi"
	"provery/internal/store"
	"provery/internal/upload"
)

// openUploads opens what processes of the API take in pieces.
func (d *Daemon) openUploads(ctx context.Context) error {
	return d.await(ctx, "uploads", func(ctx context.Context) (err error) {
		d.uploads, err = upload.Open(ctx, d.engine, d.blobs, upload.Config{
			Replicas: d.cfg.Engine.Replicas, MaxBytes: int64(d.cfg.Limits.MaxUploadBytes),
			MinPiece: api.MinPiece, MaxPiece: api.MaxPiece, Now: now, Logger: d.log.With("part", "uploads"),
		})
		return err
	})
}

func uploadID(who httpapi.Caller, digest string) (upload.ID, error) {
	d, err := store.ParseDigest(digest)
	return upload.ID{Owner: who.Name, Digest: d}, err
}

func uploadOf(digest string, st upload.Status, err error) (api.Upload, error) {
	if err != nil {
		return api.Upload{}, err
	}
	return api.Upload{Digest: digest, Size: st.Size, Received: st.Received, Complete: st.Complete(), Expires: st.Expires}, nil
}

// Upload implements httpapi.Uploads.
func (s *services) Upload(ctx context.Context, who httpapi.Caller, digest string) (api.Upload, error) {
	id, err := uploadID(who, digest)
	if err != nil {
		return api.Upload{}, err
	}
	st, err := s.d.uploads.Status(ctx, id)
	return uploadOf(digest, st, err)
}

// AddPiece implements httpapi.Uploads.
func (s *services) AddPiece(ctx context.Context, who httpapi.Caller, digest string, p httpapi.Piece, content io.Reader) (api.Upload, error) {
	if err := s.space(); err != nil {
		return api.Upload{}, err
	}
	id, err := uploadID(who, digest)
	if err != nil {
		return api.Upload{}, err
	}
	st, err := s.d.uploads.Append(ctx, id, upload.Piece(p), content)
	return uploadOf(digest, st, err)
}

// OpenUpload implements httpapi.Uploads.
func (s *services) OpenUpload(ctx context.Context, who httpapi.Caller, digest string) (io.ReadCloser, error) {
	id, err := uploadID(who, digest)
	if err != nil {
		return nil, err
	}
	return s.d.uploads.Open(ctx, id)
}

// RemoveUpload implements httpapi.Uploads.
func (s *services) RemoveUpload(ctx context.Context, who httpapi.Caller, digest string) error {
	id, err := uploadID(who, digest)
	if err != nil {
		return err
	}
	return s.d.uploads.Remove(ctx, id)
}
