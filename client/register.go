package client

import (
	"context"
	"io"
	"maps"
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
	// "abi". They are streamed. If all of them are io.Seekers, as *os.File and
	// *bytes.Reader are, they are sent again when the connection breaks.
	Artefacts map[string]io.Reader
	// Uploads are digests of complete uploads by role, for files that Upload
	// has sent already.
	Uploads map[string]string
}

// Register registers a circuit. The same files give the same circuit; existed
// reports that it was there before.
func (c *Client) Register(ctx context.Context, r Registration) (circuit *api.Circuit, existed bool, err error) {
	circuit = &api.Circuit{}
	status, err := c.upload(ctx, path("circuits"), circuit, form{
		fields: append([]field{{api.FieldFrontend, r.Frontend}, {api.FieldName, r.Name}, {api.FieldTag, r.Tag}}, uploaded(r.Uploads)...),
		parts:  partsOf(r.Artefacts),
	})
	if err != nil {
		return nil, false, err
	}
	return circuit, status == http.StatusOK, nil
}

// uploaded returns the fields that name complete uploads in the place of files.
func uploaded(digests map[string]string) []field {
	var fields []field
	for _, role := range slices.Sorted(maps.Keys(digests)) {
		fields = append(fields, field{role, digests[role]})
	}
	return fields
}

// KeyUpload is a proving key to add to a circuit.
type KeyUpload struct {
	Scheme string // found out without it
	Layout string // found out without it
	// ProvingKey and VerifyingKey are streamed as Registration.Artefacts are.
	// VerifyingKey may be nil; it is compared with the one in ProvingKey.
	ProvingKey, VerifyingKey io.Reader
	// Uploads are digests of complete uploads, by api.RoleProvingKey and
	// api.RoleVerifyingKey, for keys that Upload has sent already.
	Uploads map[string]string
	// Ceremony says which ceremony of several parties made the key, if one did.
	// It is recorded as the keys' provenance.
	Ceremony string
}

// AddKeys uploads keys. The same keys give the same key set; existed reports
// that it was there before.
func (c *Client) AddKeys(ctx context.Context, ref string, u KeyUpload) (keys *api.KeySet, existed bool, err error) {
	files := map[string]io.Reader{}
	for role, content := range map[string]io.Reader{api.RoleProvingKey: u.ProvingKey, api.RoleVerifyingKey: u.VerifyingKey} {
		if content != nil {
			files[role] = content
		}
	}
	keys = &api.KeySet{}
	status, err := c.upload(ctx, path("circuits", ref, "keys"), keys, form{
		fields: append([]field{{api.FieldScheme, u.Scheme}, {api.FieldLayout, u.Layout}, {api.FieldCeremony, u.Ceremony}}, uploaded(u.Uploads)...),
		parts:  partsOf(files),
	})
	if err != nil {
		return nil, false, err
	}
	return keys, status == http.StatusOK, nil
}
