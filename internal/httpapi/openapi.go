package httpapi

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
)

// The groups of operations in the document.
const (
	tagCircuits = "Circuits"
	tagKeys     = "Keys"
	tagProofs   = "Proofs"
	tagBatches  = "Batches"
	tagJobs     = "Jobs"
	tagUploads  = "Uploads"
	tagSystem   = "System"
)

// securityScheme names the API key in the document.
const securityScheme = "apiKey"

func openAPIConfig(version string) huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	registry.RegisterTypeAlias(reflect.TypeFor[problemError](), reflect.TypeFor[api.Problem]())
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI:    "3.1.0",
			Info:       &huma.Info{Title: "Provery", Version: version},
			Components: &huma.Components{Schemas: registry},
		},
		Formats:                      map[string]huma.Format{"application/json": jsonFormat(), "json": jsonFormat()},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
}

// describe adds what belongs to the document as a whole.
func describe(doc *huma.OpenAPI) {
	doc.Info.Description = "Provery is a proving service for zk-SNARKs. Register a circuit with its keys once; " +
		"then send arguments, and get back a verified proof with the computation's output.\n\n" +
		"Errors are RFC 9457 problems. No answer, error or log line repeats a value that was sent as an argument."
	doc.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	doc.Servers = []*huma.Server{{URL: "/"}}
	doc.Tags = []*huma.Tag{
		{Name: tagCircuits, Description: "Immutable versions of circuits, addressed by digest, with movable names and tags."},
		{Name: tagKeys, Description: "Proving and verifying keys of a circuit, for a scheme, with their provenance."},
		{Name: tagProofs, Description: "Jobs that make proofs, and the proofs they made."},
		{Name: tagBatches, Description: "Many proofs of one circuit under one id."},
		{Name: tagJobs, Description: "Jobs of every kind, as operators see them. A key sees its own; an admin's sees all."},
		{Name: tagUploads, Description: "Large files in pieces, so that a cut connection doesn't cost what was sent."},
		{Name: tagSystem, Description: "The service itself."},
	}
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		securityScheme: {Type: "http", Scheme: "bearer", BearerFormat: "pvk_…",
			Description: "An API key from the service's configuration. Not needed where none are configured."},
	}
	doc.Extensions = map[string]any{"x-errors": api.Catalogue()}
}

// documentRoutes adds the document itself and the page that shows it. It must
// come last. The document is written when somebody first asks for it: that takes
// longer than all the rest of a start.
func (s *Server) documentRoutes() {
	relax(s.api.OpenAPI().Components.Schemas.Map())
	page, policy := docsPage()
	s.openAPIRoute("/openapi.json", "openapi", "This document, OpenAPI 3.1", func() ([]byte, error) { return json.Marshal(s.api.OpenAPI()) })
	s.openAPIRoute("/openapi-3.0.json", "openapi-3-0", "This document, OpenAPI 3.0", func() ([]byte, error) { return downgrade(s.api.OpenAPI()) })
	s.document("/docs", "docs", "Documentation to read", "text/html", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		_, _ = w.Write(page)
	})
}

// openAPIRoute serves a form of the document, which is written once.
func (s *Server) openAPIRoute(path, id, summary string, write func() ([]byte, error)) {
	const media = "application/openapi+json"
	text := sync.OnceValues(write)
	s.document(path, id, summary, media, func(w http.ResponseWriter, r *http.Request) {
		b, err := text()
		if err != nil {
			exchangeOf(r.Context()).fail(fault.Wrap(err, fault.Internal, "write the OpenAPI document"))
			return
		}
		w.Header().Set("Content-Type", media)
		_, _ = w.Write(b)
	})
}

// downgrade returns the document in OpenAPI 3.0, without the keywords of 3.1
// that huma leaves in.
func downgrade(doc *huma.OpenAPI) ([]byte, error) {
	text, err := doc.Downgrade()
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	prune(tree)
	return json.Marshal(tree)
}

func prune(node any) {
	switch node := node.(type) {
	case map[string]any:
		delete(node, "contentMediaType")
		delete(node, "identifier")
		delete(node, "patternDescription") // huma's own
		for _, child := range node {
			prune(child)
		}
	case []any:
		for _, child := range node {
			prune(child)
		}
	}
}

// relax corrects what huma says of the schemas. Answers may get new fields in
// later versions, so only requests are closed; and lists are never null.
func relax(schemas map[string]*huma.Schema) {
	for name, schema := range schemas {
		if !strings.HasSuffix(name, "Request") {
			schema.AdditionalProperties = nil
		}
		for _, p := range schema.Properties {
			if p.Type == huma.TypeArray {
				p.Nullable = false
			}
		}
	}
}

// document adds a public operation that serves a document.
func (s *Server) document(path, id, summary, contentType string, handle http.HandlerFunc) {
	s.raw(huma.Operation{
		Method: http.MethodGet, Path: path, OperationID: id, Tags: []string{tagSystem}, Security: public(), Summary: summary,
		Responses: map[string]*huma.Response{"200": textResponse(summary, contentType)},
	}, handle)
}

func statusKey(status int) string { return strconv.Itoa(status) }

func textResponse(description, contentType string) *huma.Response {
	return &huma.Response{
		Description: description,
		Content:     map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: huma.TypeString}}},
	}
}

// created documents the two good answers of an idempotent upload.
func (s *Server) created(content map[string]*huma.MediaType, isNew, existed string) map[string]*huma.Response {
	location := map[string]*huma.Param{"Location": {Description: "Path of the resource.", Schema: &huma.Schema{Type: huma.TypeString}}}
	return map[string]*huma.Response{
		"201": {Description: isNew, Content: content, Headers: location},
		"200": {Description: existed, Content: content, Headers: location},
	}
}

// proofResponses documents the two good answers of a request for a proof.
func (s *Server) proofResponses() map[string]*huma.Response {
	headers := func() map[string]*huma.Param {
		return map[string]*huma.Param{
			"Location":                  {Description: "Path of the proof.", Schema: &huma.Schema{Type: huma.TypeString}},
			api.HeaderPreferenceApplied: {Description: "The wait that was granted.", Schema: &huma.Schema{Type: huma.TypeString}},
		}
	}
	return map[string]*huma.Response{
		"200": {Description: "Finished within the wait", Content: jsonContent[api.Proof](s), Headers: headers()},
		"202": {Description: "Accepted", Content: jsonContent[api.Proof](s), Headers: headers()},
	}
}

func refParameter() *huma.Param {
	length := 200
	return &huma.Param{
		Name: "ref", In: "path", Required: true, Description: "Reference of the circuit: its id, name, name:tag or name@id.",
		Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &length, Pattern: refPattern.String()},
	}
}

// registrationSchema documents the form of a circuit's upload from the
// front-ends' roles.
func (s *Server) registrationSchema() *huma.Schema {
	properties := map[string]*huma.Schema{
		api.FieldFrontend: text("Circuit language. May be left out: the files tell.", s.frontendNames()...),
		api.FieldName:     text("Name to give the circuit."),
		api.FieldTag:      text("Tag of the name; latest without it."),
	}
	for _, f := range s.frontends {
		for _, role := range f.Roles {
			usage := f.Name + ": " + role.Usage
			if role.Optional {
				usage += " (optional)"
			}
			if p := properties[role.Name]; p != nil {
				usage = p.Description + "; " + usage
			}
			properties[role.Name] = file(usage)
		}
	}
	s.sourceSchema(properties)
	return &huma.Schema{Type: huma.TypeObject, Properties: properties, AdditionalProperties: false}
}

func keyUploadSchema() *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: false, Required: []string{api.RoleProvingKey},
		Properties: map[string]*huma.Schema{
			api.RoleProvingKey:   file("Proving key."),
			api.RoleVerifyingKey: file("Verifying key in ZoKrates's JSON, to be compared with that in the proving key."),
			api.FieldScheme:      text("Proving scheme. Found out without it.", "groth16", "gm17"),
			api.FieldCeremony:    text("Which ceremony of several parties made the key, such as the address of its transcript. It is recorded as the keys' provenance; the service can't check it."),
			api.FieldLayout:      text("File layout of the proving key. Found out without it.", "ark", "bellman"),
		},
	}
}

func file(description string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "binary", Description: description}
}

func text(description string, values ...string) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Description: description}
	for _, v := range values {
		s.Enum = append(s.Enum, v)
	}
	return s
}
