package httpapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
)

// provingKeyRoute adds the export of proving keys, which are streamed: they may
// be as large as uploads.
func (s *Server) provingKeyRoute() {
	s.raw(huma.Operation{
		Method: http.MethodGet, Path: "/v1/circuits/{ref}/keys/{id}/proving-key", OperationID: "get-proving-key", Tags: []string{tagKeys},
		Summary: "Export a proving key",
		Description: "For other provers: in the format and layout that the key was uploaded in or made for. Keys for ZoKrates that were made " +
			"here are in the layout of its ark backend.",
		Parameters: []*huma.Param{refParameter(), keysParameter(), {
			Name: "format", In: "query", Description: "Format that is wanted; one that the key doesn't have is refused.", Schema: text("", "zokrates", "snarkjs"),
		}},
		Responses: map[string]*huma.Response{"200": {
			Description: "The key", Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: file("Proving key.")}},
			Headers: map[string]*huma.Param{api.HeaderKeyLayout: {Description: "Layout of the key: ark, bellman or snarkjs.", Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
		Errors: []int{400, 404, 422},
	}, func(_ http.ResponseWriter, r *http.Request) {
		if err := s.exportKey(r); err != nil {
			exchangeOf(r.Context()).fail(err)
		}
	})
}

// exportKey writes a key. What fails after the first byte breaks the
// connection off, so that nobody takes half a key for whole.
func (s *Server) exportKey(r *http.Request) error {
	ref, id := r.PathValue("ref"), r.PathValue("id")
	switch {
	case !refPattern.MatchString(ref):
		return fault.New(fault.InvalidRequest, "want a circuit reference").At("path.ref")
	case !refPattern.MatchString(id):
		return fault.New(fault.InvalidRequest, "want a key set's id, or a scheme").At("path.id")
	}
	key, err := s.services.Keys.ProvingKey(r.Context(), ref, id, r.URL.Query().Get("format"))
	if err != nil {
		return err
	}
	defer key.Close()
	x := exchangeOf(r.Context())
	h := x.writer.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="proving.key"`)
	h.Set(api.HeaderKeyLayout, key.Layout)
	if err := key.Write(x.writer); err != nil {
		if x.writer.status == 0 {
			h.Del("Content-Disposition")
			h.Del(api.HeaderKeyLayout)
			return err
		}
		s.log.Warn("export a proving key", "request_id", x.id, "cause", causes(err))
		panic(http.ErrAbortHandler)
	}
	return nil
}

// keysParameter documents the id of a key set in a path.
func keysParameter() *huma.Param {
	length := 200
	return &huma.Param{
		Name: "id", In: "path", Required: true, Description: "Id of the key set, or a scheme for its newest.",
		Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &length, Pattern: refPattern.String()},
	}
}
