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
	existed, err = c.upload(ctx, path("circuits"), circuit, []field{
		{api.FieldFrontend, r.Frontend}, {api.FieldName, r.Name}, {api.FieldTag, r.Tag},
	}, r.Artefacts)
	if err != nil {
		return nil, false, err
	}
	return circuit, existed, nil
}

// KeyUpload is a proving key to add to a circuit.
type KeyUpload struct {
	Scheme       string // found out without it
	Layout       string // found out without it
	ProvingKey   io.Reader
	VerifyingKey io.Reader // may be nil
}

// AddKeys uploads keys. The same keys give the same key set; existed reports
// that it was there before.
func (c *Client) AddKeys(ctx context.Context, ref string, u KeyUpload) (keys *api.KeySet, existed bool, err error) {
	files := map[string]io.Reader{api.RoleProvingKey: u.ProvingKey}
	if u.VerifyingKey != nil {
		files[api.RoleVerifyingKey] = u.VerifyingKey
	}
	keys = &api.KeySet{}
	existed, err = c.upload(ctx, path("circuits", ref, "keys"), keys, []field{
		{api.FieldScheme, u.Scheme}, {api.FieldLayout, u.Layout},
	}, files)
	if err != nil {
		return nil, false, err
	}
	return keys, existed, nil
}

type field struct{ name, value string }

// upload streams a form and decodes the answer into out.
func (c *Client) upload(ctx context.Context, path string, out any, fields []field, files map[string]io.Reader) (existed bool, err error) {
	body, send := io.Pipe()
	form := multipart.NewWriter(send)
	req, err := c.request(ctx, http.MethodPost, path, body)
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	written := make(chan error, 1)
	go func() {
		err := writeForm(form, fields, files)
		_ = send.CloseWithError(err) // nil is the end of the body
		written <- err
	}()
	status, err := c.send(req, 0, out)
	_ = body.Close() // a refusal may come before everything was read
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, io.ErrClosedPipe) && err != nil && CodeOf(err) == "" {
		err = writeErr // the reader's error, rather than that of the connection it broke
	}
	return status == http.StatusOK, err
}

func writeForm(form *multipart.Writer, fields []field, files map[string]io.Reader) error {
	for _, f := range fields {
		if f.value == "" {
			continue
		}
		if err := form.WriteField(f.name, f.value); err != nil {
			return err
		}
	}
	for _, role := range slices.Sorted(maps.Keys(files)) {
		w, err := form.CreateFormFile(role, role)
		if err != nil {
			return err
		}
		if _, err := io.Copy(w, files[role]); err != nil {
			return fmt.Errorf("client: upload %s: %w", role, err)
		}
	}
	return form.Close()
}
