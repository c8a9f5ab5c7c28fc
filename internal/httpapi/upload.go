package httpapi

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"provery/api"
	"provery/internal/fault"
)

const (
	// uploadIdle is how long an upload may stand still.
	uploadIdle = time.Minute
	// maxFieldBytes bounds a form field that isn't a file.
	maxFieldBytes = 1 << 10
	// uploadRetry is when to come back to a server with too many uploads.
	uploadRetry = 5 * time.Second
)

// form is a received multipart form.
type form struct {
	fields  map[string]string
	files   map[string]Upload
	sources sources
	spooled
	release func()                                     // gives the slot among the uploads back; nil if none was had
	open    func(digest string) (io.ReadCloser, error) // opens what was uploaded in pieces; nil where nothing can be
}

// formSpec says what a form may hold.
type formSpec struct {
	fields  []string // text
	files   []string // spooled
	sources bool     // source files and archives of them
}

// receive reads the request's form. The caller must pass it to discard, also
// when there is an error.
func (s *Server) receive(r *http.Request, spec formSpec) (*form, error) {
	f, err := s.newForm()
	if err != nil {
		return f, err
	}
	f.open = s.opener(r)
	x := exchangeOf(r.Context())
	total := 2 * s.limits.UploadBytes
	if r.ContentLength > total {
		return f, fault.New(fault.TooLarge, "the body is over %d bytes", total)
	}
	r.Body = http.MaxBytesReader(x.writer, &patientBody{r.Body, x}, total)
	parts, err := r.MultipartReader()
	if err != nil {
		return f, fault.New(fault.InvalidRequest, "malformed multipart/form-data: no boundary")
	}
	if err := f.read(parts, spec, s.limits.UploadBytes); err != nil {
		return f, bodyError(err)
	}
	x.clearReadDeadline()
	return f, nil
}

// newForm returns an empty form with a slot among the uploads.
func (s *Server) newForm() (*form, error) {
	f := &form{
		fields: map[string]string{}, files: map[string]Upload{}, spooled: spooled{spool: s.spool},
		sources: sources{limits: s.limits.Sources},
	}
	var err error
	f.release, err = s.takeUpload()
	return f, err
}

// discard removes the form's files. It may be called again.
func (s *Server) discard(f *form) {
	if err := f.remove(); err != nil {
		s.log.Warn("remove upload", "cause", err.Error())
	}
	if f.release != nil {
		f.release()
		f.release = nil
	}
}

func (f *form) read(parts *multipart.Reader, spec formSpec, limit int64) error {
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f.part(part, spec, limit); err != nil {
			return err
		}
	}
}

func (f *form) part(part *multipart.Part, spec formSpec, limit int64) error {
	name := part.FormName()
	path := "/" + safeName(name)
	isField, isFile := slices.Contains(spec.fields, name), slices.Contains(spec.files, name)
	if spec.sources && name == api.PartSource {
		return f.sources.add(part)
	}
	if spec.sources && name == api.PartArchive {
		isFile, limit = true, min(limit, f.sources.archive())
	}
	if !isField && !isFile {
		return fault.New(fault.InvalidRequest, "unknown part; known are %s", strings.Join(slices.Concat(spec.files, spec.fields), ", ")).At(path)
	}
	_, field := f.fields[name]
	_, file := f.files[name]
	if field || file {
		return fault.New(fault.InvalidRequest, "the part occurs twice").At(path)
	}
	if isField {
		text, err := io.ReadAll(io.LimitReader(part, maxFieldBytes+1))
		if err == nil && len(text) > maxFieldBytes {
			return fault.New(fault.TooLarge, "the field is over %d bytes", maxFieldBytes).At(path)
		}
		f.fields[name] = string(text)
		return err
	}
	content, err := f.named(part)
	if err != nil {
		return at(err, path)
	}
	defer content.Close()
	upload, err := f.store(content, limit)
	f.files[name] = upload
	return at(err, path)
}

// bodyError classifies what the reading of a multipart body can end with.
func bodyError(err error) error { return classify(err, "malformed or truncated multipart/form-data") }

// classify does it for any body; malformed is said of one that isn't as it
// should be.
func classify(err error, malformed string) error {
	var known *fault.Error
	var large *http.MaxBytesError
	var disk *os.PathError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &large):
		return fault.New(fault.TooLarge, "the body is over %d bytes", large.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(api.CodeRequestTimeout, "the upload stood still for too long")
	case errors.As(err, &disk):
		return err
	}
	return &fault.Error{Code: fault.InvalidRequest, Detail: malformed, Err: err}
}

// patientBody moves the read deadline with every read: a slow upload may take
// hours, one that stands still may not.
type patientBody struct {
	io.ReadCloser
	x *exchange
}

func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.x.writer.control.SetReadDeadline(time.Now().Add(uploadIdle))
	return b.ReadCloser.Read(p)
}

// isMultipart reports whether a request carries a form.
func isMultipart(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "multipart/form-data"
}
