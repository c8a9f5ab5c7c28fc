package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"strings"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
)

func (f *fake) Upload(_ context.Context, who httpapi.Caller, digest string) (api.Upload, error) {
	return api.Upload{Digest: digest, Size: 10, Received: 4, Expires: created}, f.got(who.Name, digest)
}

func (f *fake) AddPiece(_ context.Context, who httpapi.Caller, digest string, p httpapi.Piece, content io.Reader) (api.Upload, error) {
	b, err := io.ReadAll(content)
	if err != nil {
		return api.Upload{}, err
	}
	return api.Upload{Digest: digest, Size: p.Total, Received: p.First + p.Bytes, Complete: p.First+p.Bytes == p.Total, Expires: created},
		f.got(who.Name, digest, fmt.Sprint(p), string(b))
}

// OpenUpload has the uploads of f.uploads.
func (f *fake) OpenUpload(_ context.Context, _ httpapi.Caller, digest string) (io.ReadCloser, error) {
	content, ok := f.uploads[digest]
	if !ok {
		return nil, fault.New(fault.NotFound, "no such upload")
	}
	return io.NopCloser(strings.NewReader(content)), nil
}

func (f *fake) RemoveUpload(_ context.Context, who httpapi.Caller, digest string) error {
	return f.got(who.Name, digest)
}
