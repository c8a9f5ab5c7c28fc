package httpapi

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
)

func (s *Server) keyRoutes() {
	s.keyUpload()
	s.provingKeyRoute()
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/circuits/{ref}/keys", OperationID: "list-keys", Tags: []string{tagKeys},
		Summary: "List a circuit's keys", Description: "Newest first.", Errors: []int{404},
	}, func(ctx context.Context, in *struct{ RefPath }) (*bodyOf[api.Page[api.KeySet]], error) {
		keys, err := s.services.Keys.Keys(ctx, in.Ref)
		return &bodyOf[api.Page[api.KeySet]]{wholePage(api.Page[api.KeySet]{Items: keys})}, err
	})
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/circuits/{ref}/keys/{id}/verifying-key", OperationID: "get-verifying-key", Tags: []string{tagKeys},
		Summary: "Export a verifying key", Errors: []int{404, 422},
		Responses: map[string]*huma.Response{"200": {
			Description: "The key in the format's own JSON",
			Content:     map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}},
		}},
	}, func(ctx context.Context, in *struct {
		RefPath
		ID     string `path:"id" doc:"Id of the key set, or a scheme for its newest." maxLength:"200" pattern:"^[A-Za-z0-9][A-Za-z0-9._:@-]*$" patternDescription:"key set id"`
		Format string `query:"format" doc:"Format of the key." enum:"zokrates,snarkjs" default:"zokrates"`
	}) (*jsonFile, error) {
		key, err := s.services.Keys.VerifyingKey(ctx, in.Ref, in.ID, in.Format)
		return &jsonFile{ContentType: "application/json", Body: key}, err
	})
}

// verifierRoute adds the export of verifier contracts.
func (s *Server) verifierRoute() {
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/circuits/{ref}/verifier", OperationID: "get-verifier", Tags: []string{tagKeys},
		Summary:     "Export a verifier contract",
		Description: "The contract is call-compatible with ZoKrates's verifyTx and, for a key in the layout of snarkjs, with the verifyProof of its contracts. It holds the digest of the verifying key.",
		Errors:      []int{404, 422},
		Responses: map[string]*huma.Response{"200": {
			Description: "The contract's source", Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
	}, func(ctx context.Context, in *struct {
		RefPath
		Target string `query:"target" doc:"Language of the contract." enum:"solidity" default:"solidity"`
		Keys   string `query:"keys" doc:"Id of the key set, or a scheme for its newest." maxLength:"200"`
		Name   string `query:"name" doc:"Name of the contract." maxLength:"64"`
		Pragma string `query:"pragma" doc:"Versions of the compiler." maxLength:"64"`
	}) (*textFile, error) {
		source, err := s.services.Keys.Verifier(ctx, in.Ref, Contract{Target: in.Target, Keys: in.Keys, Name: in.Name, Pragma: in.Pragma})
		return &textFile{ContentType: "text/plain; charset=utf-8", Body: []byte(source)}, err
	})
}

// textFile is a response that is plain text.
type textFile struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// jsonFile is a response that is JSON already.
type jsonFile struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// keyUpload adds the upload of keys, and the request to make them.
func (s *Server) keyUpload() {
	spec := formSpec{
		fields: []string{api.FieldScheme, api.FieldLayout, api.FieldCeremony},
		files:  []string{api.RoleProvingKey, api.RoleVerifyingKey},
	}
	s.raw(huma.Operation{
		Method: http.MethodPost, Path: "/v1/circuits/{ref}/keys", OperationID: "add-keys", Tags: []string{tagKeys},
		Summary: "Add keys to a circuit",
		Description: "Uploads a proving key, and checks that it belongs to the circuit and that its points are sound. " +
			"Or, with a JSON body, makes insecure-dev keys, which stay marked so for ever. " +
			"Idempotent for uploads: the same keys give the same key set, with status 200 instead of 201.",
		Parameters: []*huma.Param{refParameter()},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"multipart/form-data": {Schema: keyUploadSchema()},
			"application/json":    {Schema: schemaOf[api.SetupRequest](s)},
		}},
		Responses: s.created(jsonContent[api.KeySet](s), "Added", "Was added before"),
		Errors:    append([]int{404}, uploadErrors...),
	}, func(_ http.ResponseWriter, r *http.Request) {
		s.answer(r, func() (any, string, bool, error) {
			ref := r.PathValue("ref")
			if !refPattern.MatchString(ref) {
				return nil, "", false, fault.New(fault.InvalidRequest, "want a circuit reference").At("path.ref")
			}
			k, existed, err := s.addKeys(r, ref, spec)
			return k, api.BasePath + "/circuits/" + url.PathEscape(k.Circuit) + "/keys", existed, err
		})
	})
}

func (s *Server) addKeys(r *http.Request, ref string, spec formSpec) (api.KeySet, bool, error) {
	if !isMultipart(r) {
		u, err := s.setupOf(r)
		if err != nil {
			return api.KeySet{}, false, err
		}
		return s.services.Keys.AddKeys(r.Context(), ref, u)
	}
	f, err := s.receive(r, spec)
	defer s.discard(f)
	if err != nil {
		return api.KeySet{}, false, err
	}
	u, err := keyUploadOf(f)
	if err != nil {
		return api.KeySet{}, false, err
	}
	u.Caller = exchangeOf(r.Context()).caller.Name
	return s.services.Keys.AddKeys(r.Context(), ref, u)
}

func keyUploadOf(f *form) (KeyUpload, error) {
	u := KeyUpload{Scheme: f.fields[api.FieldScheme], Layout: f.fields[api.FieldLayout], Ceremony: f.fields[api.FieldCeremony]}
	if len(u.Ceremony) > api.MaxCeremony || !printable(u.Ceremony) {
		return u, fault.New(fault.InvalidRequest, "want up to %d printable ASCII characters", api.MaxCeremony).At("/" + api.FieldCeremony)
	}
	pk, ok := f.files[api.RoleProvingKey]
	if !ok {
		return u, fault.New(fault.InvalidRequest, "the part is missing").At("/" + api.RoleProvingKey)
	}
	u.ProvingKey = &pk
	if vk, ok := f.files[api.RoleVerifyingKey]; ok {
		u.VerifyingKey = &vk
	}
	if err := checkWord(u.Scheme, "/"+api.FieldScheme); err != nil {
		return u, err
	}
	return u, checkWord(u.Layout, "/"+api.FieldLayout)
}

// setupOf reads a request to make keys.
func (s *Server) setupOf(r *http.Request) (KeyUpload, error) {
	x := exchangeOf(r.Context())
	if err := checkJSON(r.Header.Get("Content-Type")); err != nil {
		return KeyUpload{}, refuse(api.CodeUnsupportedMediaType, "want Content-Type: multipart/form-data or application/json")
	}
	_ = x.writer.control.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(x.writer, r.Body, maxFieldBytes))
	if err != nil {
		return KeyUpload{}, bodyError(err)
	}
	x.clearReadDeadline()
	var in api.SetupRequest
	if err := decodeJSON(body, &in); err != nil {
		return KeyUpload{}, err
	}
	if in.Setup != string(api.ProvenanceInsecureDev) {
		return KeyUpload{}, fault.New(fault.InvalidRequest, "want insecure-dev").At("/setup")
	}
	if in.Scheme == "" {
		return KeyUpload{}, fault.New(fault.InvalidRequest, "the field is missing").At("/scheme")
	}
	return KeyUpload{Scheme: in.Scheme, Setup: true, Caller: x.caller.Name}, checkWord(in.Scheme, "/scheme")
}

// checkWord checks the alphabet of an optional keyword. Which words there are
// is the services' knowledge.
func checkWord(word, path string) error {
	if word != "" && !wordPattern.MatchString(word) {
		return fault.New(fault.InvalidRequest, "not a known name").At(path)
	}
	return nil
}
