package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"slices"

	"provery/api"
)

// Registration is a circuit to register.
type Registration struct {
	Frontend string // may be empty where the service has only one
	Name     string // may be empty
	Tag      string // "latest" without it
	// Artefacts are the circuit's files by role, such as "program" and
	// "abi". They are read once and streamed.
	Artefacts map[string]io.Reader
}

// Register registers a circuit. The same files give the same circuit; existed
// reports that it was there before. A failed registration isn't repeated,
// since the readers are spent.
func (c *Client) Register(ctx context.Context, r Registration) (circuit *api.Circuit, existed bool, err error) {
	circuit = &api.Circuit{}
	status, err := c.upload(ctx, path("circuits"), circuit, form{
		fields: []field{{api.FieldFrontend, r.Frontend}, {api.FieldName, r.Name}, {api.FieldTag, r.Tag}},
		parts:  partsOf(r.Artefacts),
	})
	if err != nil {
		return nil, false, err
	}
	return circuit, status == http.StatusOK, nil
}

// KeyUpload is a proving key to add to a circuit.
type KeyUpload struct {
	Scheme       string // found out without it
	Layout       string // found out without it
	ProvingKey   io.Reader
	VerifyingKey io.Reader // may be nil
	// Ceremony says which ceremony of several parties made the key, if one did.
	// It is recorded as the keys' provenance.
	Ceremony string
}

// AddKeys uploads keys. The same keys give the same key set; existed reports
// that it was there before.
func (c *Client) AddKeys(ctx context.Context, ref string, u KeyUpload) (keys *api.KeySet, existed bool, err error) {
	files := map[string]io.Reader{api.RoleProvingKey: u.ProvingKey}
	if u.VerifyingKey != nil {
		files[api.RoleVerifyingKey] = u.VerifyingKey
	}
	keys = &api.KeySet{}
	status, err := c.upload(ctx, path("circuits", ref, "keys"), keys, form{
		fields: []field{{api.FieldScheme, u.Scheme}, {api.FieldLayout, u.Layout}, {api.FieldCeremony, u.Ceremony}},
		parts:  partsOf(files),
	})
	if err != nil {
		return nil, false, err
	}
	return keys, status == http.StatusOK, nil
}

// form is what an upload sends.
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

// upload streams a form and decodes the answer into out.
func (c *Client) upload(ctx context.Context, path string, out any, f form) (status int, err error) {
	body, send := io.Pipe()
	writer := multipart.NewWriter(send)
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
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, io.ErrClosedPipe) && err != nil && CodeOf(err) == "" {
		err = writeErr // the reader's error, rather than that of the connection it broke
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
		if _, err := io.Copy(part, p.content); err != nil {
			return fmt.Errorf("client: upload %s: %w", p.filename, err)
		}
	}
	return w.Close()
}
