package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"slices"
)

// form is what a registration sends.
type form struct {
	header http.Header
	fields []field // those without a value are left out
	parts  []part
}

type field struct{ name, value string }

// part is a file of a form.
type part struct {
	name, filename string
	content        io.Reader
}

// partsOf returns files by role in the order of their roles.
func partsOf(files map[string]io.Reader) []part {
	var parts []part
	for _, role := range slices.Sorted(maps.Keys(files)) {
		parts = append(parts, part{role, role, files[role]})
	}
	return parts
}

// upload streams a form and decodes the answer into out. It sends the form again
// when that makes sense and all of its files can be read again. The form must be
// one that is safe to repeat.
func (c *Client) upload(ctx context.Context, path string, out any, f form) (status int, err error) {
	rewind := f.rewinder()
	boundary := rand.Text() // one for all times, so that they are the same request
	for attempt := 0; ; attempt++ {
		status, err = c.sendForm(ctx, path, boundary, out, f)
		if err == nil || rewind == nil || attempt >= c.retries || !again(ctx, err) || c.pause(ctx, attempt, err) != nil {
			return status, err
		}
		if err := rewind(); err != nil {
			return 0, err
		}
	}
}

// rewinder returns what makes a form's files be read again from where they
// are, or nil if there is one that can't be.
func (f *form) rewinder() func() error {
	starts := make([]int64, len(f.parts))
	for i, p := range f.parts {
		s, ok := p.content.(io.Seeker)
		if !ok {
			return nil
		}
		var err error
		if starts[i], err = s.Seek(0, io.SeekCurrent); err != nil {
			return nil // a pipe, for example
		}
	}
	return func() error {
		for i, p := range f.parts {
			if _, err := p.content.(io.Seeker).Seek(starts[i], io.SeekStart); err != nil {
				return &sourceError{fmt.Errorf("client: upload %s: %w", p.filename, err)}
			}
		}
		return nil
	}
}

// sourceError is the error of a file that was to be sent. Sending it again
// doesn't help.
type sourceError struct{ error }

// Unwrap returns the error.
func (e *sourceError) Unwrap() error { return e.error }

// sendForm streams a form once.
func (c *Client) sendForm(ctx context.Context, path, boundary string, out any, f form) (status int, err error) {
	body, send := io.Pipe()
	writer := multipart.NewWriter(send)
	if err := writer.SetBoundary(boundary); err != nil {
		return 0, fmt.Errorf("client: %w", err)
	}
	req, err := c.request(ctx, http.MethodPost, path, body)
	if err != nil {
		return 0, err
	}
	maps.Copy(req.Header, f.header)
	req.Header.Set("Content-Type", writer.FormDataContentType())
	written := make(chan error, 1)
	go func() {
		err := writeForm(writer, f)
		_ = send.CloseWithError(err) // nil is the end of the body
		written <- err
	}()
	status, err = c.send(req, 0, out)
	_ = body.Close() // a refusal may come before everything was read
	var source *sourceError
	if errors.As(<-written, &source) && err != nil && CodeOf(err) == "" {
		err = source // rather than that of the connection it broke
	}
	return status, err
}

func writeForm(w *multipart.Writer, in form) error {
	for _, f := range in.fields {
		if f.value == "" {
			continue
		}
		if err := w.WriteField(f.name, f.value); err != nil {
			return err
		}
	}
	for _, p := range in.parts {
		part, err := w.CreateFormFile(p.name, p.filename)
		if err != nil {
			return err
		}
		if _, err := io.Copy(part, &source{p.content, p.filename}); err != nil {
			return err
		}
	}
	return w.Close()
}

// source marks the errors of a file that is sent.
type source struct {
	content io.Reader
	name    string
}

// Read implements io.Reader.
func (s *source) Read(b []byte) (int, error) {
	n, err := s.content.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &sourceError{fmt.Errorf("client: upload %s: %w", s.name, err)}
	}
	return n, err
}
