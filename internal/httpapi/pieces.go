package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
)

// Uploads keeps files that come in pieces, each caller's apart from the others'.
// A digest is "sha256:" and 64 hexadecimal digits.
type Uploads interface {
	// Upload tells how far an upload is; fault.NotFound where there is none.
	Upload(ctx context.Context, who Caller, digest string) (api.Upload, error)
	// AddPiece takes the next piece, durably, and reads p.Bytes of content.
	AddPiece(ctx context.Context, who Caller, digest string, p Piece, content io.Reader) (api.Upload, error)
	// OpenUpload returns the content of a complete upload; fault.Conflict
	// while some is missing.
	OpenUpload(ctx context.Context, who Caller, digest string) (io.ReadCloser, error)
	// RemoveUpload removes an upload, if it is there.
	RemoveUpload(ctx context.Context, who Caller, digest string) error
}

// Piece is a range of a file.
type Piece struct {
	First int64 // offset of its first byte
	Bytes int64
	Total int64 // length of the file
}

var uploadDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// UploadPath names an upload in the path.
type UploadPath struct {
	Digest string `path:"digest" doc:"SHA-256 of the whole file." maxLength:"71" pattern:"^sha256:[0-9a-f]{64}$" patternDescription:"sha256: and 64 lower-case hexadecimal digits"`
}

func (s *Server) pieceRoutes() {
	s.pieceRoute()
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/uploads/{digest}", OperationID: "get-upload", Tags: []string{tagUploads},
		Summary: "Show how far an upload is", Errors: []int{404},
	}, func(ctx context.Context, in *UploadPath) (*bodyOf[api.Upload], error) {
		u, err := s.services.Uploads.Upload(ctx, exchangeOf(ctx).caller, in.Digest)
		return &bodyOf[api.Upload]{u}, err
	})
	register(s, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/uploads/{digest}", OperationID: "delete-upload", Tags: []string{tagUploads},
		Summary: "Remove an upload", Description: "What was registered from it stays. Removing one that isn't there changes nothing.",
		DefaultStatus: http.StatusNoContent, Errors: []int{409},
	}, func(ctx context.Context, in *UploadPath) (*struct{}, error) {
		return nil, s.services.Uploads.RemoveUpload(ctx, exchangeOf(ctx).caller, in.Digest)
	})
}

// pieceRoute adds the upload of a piece, which is streamed.
func (s *Server) pieceRoute() {
	header := &huma.Param{
		Name: "Content-Range", In: "header", Required: true, Schema: &huma.Schema{Type: huma.TypeString, Pattern: contentRange.String()},
		Description: "Which bytes of the file these are, and its length: bytes 0-8388607/123456789.",
	}
	s.raw(huma.Operation{
		Method: http.MethodPut, Path: "/v1/uploads/{digest}", OperationID: "add-piece", Tags: []string{tagUploads},
		Summary: "Upload a piece of a file",
		Description: fmt.Sprintf("Pieces come in order, of %d to %d bytes but for the last. ", api.MinPiece, api.MaxPiece) +
			"A piece whose connection breaks is dropped and can be sent again; one that is there already is passed over. " +
			"When the last one has come the digest is checked: if it differs all of it is removed. " +
			"A complete upload stands for the file in the forms of circuits and keys: send its digest as the value of the field that the file has, without a filename. " +
			"It belongs to the API key, and is removed a day after its last piece.",
		Parameters: []*huma.Param{{
			Name: "digest", In: "path", Required: true, Description: "SHA-256 of the whole file.",
			Schema: &huma.Schema{Type: huma.TypeString, Pattern: uploadDigest.String()},
		}, header},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: file("The piece.")}}},
		Responses:   map[string]*huma.Response{"200": {Description: "Received", Content: jsonContent[api.Upload](s)}},
		Errors:      []int{400, 408, 409, 413, 422, 503, 507},
	}, func(_ http.ResponseWriter, r *http.Request) {
		x := exchangeOf(r.Context())
		u, err := s.addPiece(r)
		if err != nil {
			x.fail(err)
			return
		}
		writeJSON(x.writer, http.StatusOK, "application/json", u)
	})
}

func (s *Server) addPiece(r *http.Request) (api.Upload, error) {
	digest := r.PathValue("digest")
	if !uploadDigest.MatchString(digest) {
		return api.Upload{}, fault.New(fault.InvalidRequest, "want sha256: and 64 lower-case hexadecimal digits").At("path.digest")
	}
	p, err := parseRange(r.Header.Get("Content-Range"))
	if err != nil {
		return api.Upload{}, err
	}
	if r.ContentLength >= 0 && r.ContentLength != p.Bytes {
		return api.Upload{}, fault.New(fault.InvalidRequest, "the body's length isn't that of the range").At("header.Content-Range")
	}
	release, err := s.takeUpload()
	if err != nil {
		return api.Upload{}, err
	}
	defer release()
	x := exchangeOf(r.Context())
	body := http.MaxBytesReader(x.writer, &patientBody{r.Body, x}, p.Bytes)
	u, err := s.services.Uploads.AddPiece(r.Context(), x.caller, digest, p, &pieceReader{body})
	x.clearReadDeadline()
	return u, err
}

// pieceReader classifies the errors of a body.
type pieceReader struct{ io.Reader }

// Read implements io.Reader.
func (p *pieceReader) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	return n, classify(err, "the body ends before the piece does")
}

var contentRange = regexp.MustCompile(`^bytes (\d{1,18})-(\d{1,18})/(\d{1,18})$`)

// parseRange reads a Content-Range.
func parseRange(text string) (Piece, error) {
	m := contentRange.FindStringSubmatch(text)
	if m == nil {
		return Piece{}, fault.New(fault.InvalidRequest, "want a range such as bytes 0-8388607/123456789").At("header.Content-Range")
	}
	var n [3]int64
	for i := range n {
		n[i], _ = strconv.ParseInt(m[i+1], 10, 64) // 18 digits fit
	}
	p := Piece{First: n[0], Bytes: n[1] - n[0] + 1, Total: n[2]}
	if p.Bytes < 1 || n[1] >= p.Total {
		return Piece{}, fault.New(fault.InvalidRequest, "the range isn't a part of the file").At("header.Content-Range")
	}
	return p, nil
}

// takeUpload takes a slot among the uploads.
func (s *Server) takeUpload() (release func(), err error) {
	select {
	case s.uploads <- struct{}{}:
		return func() { <-s.uploads }, nil
	default:
		err := fault.New(fault.Overloaded, "too many uploads are in progress")
		err.RetryAfter = uploadRetry
		return nil, err
	}
}

// named returns the content that a part stands for: that of a complete upload,
// if it names one in place of a file, and else its own.
func (f *form) named(part *multipart.Part) (io.ReadCloser, error) {
	if part.FileName() != "" || f.open == nil {
		return io.NopCloser(part), nil
	}
	const length = int64(len("sha256:") + 64)
	text, err := io.ReadAll(io.LimitReader(part, length+1))
	if err != nil {
		return nil, err
	}
	if !uploadDigest.Match(text) {
		return io.NopCloser(io.MultiReader(strings.NewReader(string(text)), part)), nil
	}
	content, err := f.open(string(text))
	switch fault.CodeOf(err) {
	case fault.NotFound, fault.Conflict:
		return nil, &fault.Error{Code: fault.InvalidRequest, Detail: "the upload of this digest isn't there, or not complete", Err: err}
	}
	return content, err
}

// opener returns what opens the uploads of a request's caller.
func (s *Server) opener(r *http.Request) func(digest string) (io.ReadCloser, error) {
	if s.services.Uploads == nil {
		return nil
	}
	x := exchangeOf(r.Context())
	return func(digest string) (io.ReadCloser, error) {
		_ = x.writer.control.SetReadDeadline(time.Time{}) // the copy isn't the client's to hurry
		return s.services.Uploads.OpenUpload(r.Context(), x.caller, digest)
	}
}
