// Package contracttest holds the API's exchanges against its OpenAPI document as
// a client in another language reads it: with a validator of JSON Schema that
// knows nothing of the service.
package contracttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"provery/api"
)

// address is where the validator finds the document.
const address = "http://service/openapi.json"

// Contract is an OpenAPI document. It is safe for concurrent use.
type Contract struct {
	operations map[string]operation // by pattern, such as "GET /v1/about"

	mu       sync.Mutex // of what follows
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema
}

// operation is what is looked up of one.
type operation struct {
	RequestBody struct{ Content map[string]any }            `json:"requestBody"`
	Responses   map[string]struct{ Content map[string]any } `json:"responses"`
}

// New reads a document, OpenAPI 3.1 in JSON.
func New(document []byte) (*Contract, error) {
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, err
	}
	var doc struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, err
	}
	c := &Contract{
		operations: map[string]operation{}, compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{},
	}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	for path, methods := range doc.Paths {
		for method, op := range methods {
			c.operations[strings.ToUpper(method)+" "+path] = op
		}
	}
	return c, c.compiler.AddResource(address, tree)
}

// Exchange is a request with its answer.
type Exchange struct {
	Request *http.Request
	Sent    []byte // JSON body of the request, empty if it isn't to be looked at
	Status  int
	Header  http.Header
	Body    []byte
	// Partial says that Body may be cut off: its last value isn't looked at.
	Partial bool
}

// name is how messages begin.
func (x *Exchange) name() string {
	return fmt.Sprintf("%s %s: %d", x.Request.Method, x.Request.URL.Path, x.Status)
}

// Check returns what the document doesn't allow of an exchange: the answer's
// status or media type, its body, or a body that was sent and taken although it
// isn't as the document wants it.
func (c *Contract) Check(x *Exchange) error {
	pattern := c.Operation(x.Request)
	isProblem := mediaOf(x.Header) == api.MediaTypeProblem
	switch absent := !strings.HasPrefix(x.Request.URL.Path, "/v1/") && x.Status == http.StatusNotFound; {
	case x.Request.Method == http.MethodOptions: // a browser asks whether it may
		return nil
	case pattern == "" && !isProblem:
		return fmt.Errorf("%s: no route, and an answer of %q", x.name(), mediaOf(x.Header))
	case pattern == "", isProblem && absent: // no facade of the service at hand
		return nil
	}
	op := c.operations[pattern]
	method, path, _ := strings.Cut(pattern, " ")
	at := strings.Join([]string{address + "#", "paths", step(path), strings.ToLower(method)}, "/")
	status, media, err := op.answer(x)
	if err != nil {
		return err
	}
	if media != "" {
		err = c.validate(x, strings.Join([]string{at, "responses", status, "content", step(media), "schema"}, "/"), x.values())
	}
	const sent = "application/json"
	if _, ok := op.RequestBody.Content[sent]; err == nil && ok && len(x.Sent) > 0 && mediaOf(x.Request.Header) == sent && x.Status < 300 {
		err = c.validate(x, strings.Join([]string{at, "requestBody", "content", step(sent), "schema"}, "/"), [][]byte{x.Sent})
	}
	return err
}

// Operation returns the pattern of a request's operation, "" if there is none: of
// several that fit, the one with the fewest parameters.
func (c *Contract) Operation(r *http.Request) (pattern string) {
	method, fewest := r.Method, -1
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for p := range c.operations {
		m, path, _ := strings.Cut(p, " ")
		if n, ok := fits(path, r.URL.EscapedPath()); ok && m == method && (fewest < 0 || n < fewest) {
			pattern, fewest = p, n
		}
	}
	return pattern
}

// fits reports whether a path is one of a template, and how many parameters
// that has.
func fits(template, path string) (parameters int, ok bool) {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return 0, false
	}
	for i, w := range want {
		switch {
		case strings.HasPrefix(w, "{") && got[i] != "":
			parameters++
		case w != got[i]:
			return 0, false
		}
	}
	return parameters, true
}

// answer finds an answer in the document: the name of its status, and its media
// type, "" where there is no body.
func (op *operation) answer(x *Exchange) (status, media string, err error) {
	status = strconv.Itoa(x.Status)
	if _, ok := op.Responses[status]; !ok && x.unforeseen() {
		status = "default"
	}
	response, ok := op.Responses[status]
	media = mediaOf(x.Header)
	switch {
	case !ok:
		return "", "", fmt.Errorf("%s isn't in the document: %s", x.name(), x.Body)
	case x.Request.Method == http.MethodHead, len(response.Content) == 0 && len(x.Body) == 0:
		return status, "", nil
	case len(response.Content) == 0:
		return "", "", fmt.Errorf("%s has a body, and none in the document", x.name())
	case response.Content[media] == nil:
		return "", "", fmt.Errorf("%s of %q isn't in the document", x.name(), media)
	}
	return status, media, nil
}

// unforeseen reports whether an answer is a failure that any operation may have.
func (x *Exchange) unforeseen() bool {
	if mediaOf(x.Header) != api.MediaTypeProblem {
		return x.Status == http.StatusInternalServerError || x.Status == http.StatusServiceUnavailable
	}
	var p api.Problem
	if json.Unmarshal(x.Body, &p) != nil {
		return false
	}
	return p.Code == api.CodeInternal || p.Code == api.CodeOverloaded || p.Code == api.CodeCanceled
}

func mediaOf(h http.Header) string {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return media
}

// values returns the JSON values of an answer: one, or those of a stream.
func (x *Exchange) values() [][]byte {
	switch media := mediaOf(x.Header); media {
	case "application/json", api.MediaTypeProblem:
		if x.Partial {
			return nil
		}
		return [][]byte{x.Body}
	case api.MediaTypeLines, api.MediaTypeEvents:
		var values [][]byte
		for line := range bytes.Lines(x.Body) {
			found := media == api.MediaTypeLines
			if !found {
				line, found = bytes.CutPrefix(line, []byte("data: "))
			}
			whole := bytes.HasSuffix(line, []byte("\n"))
			if found && whole && len(bytes.TrimSpace(line)) > 0 {
				values = append(values, line)
			}
		}
		return values
	}
	return nil // text, or a file
}

// validate holds values against the schema at an address.
func (c *Contract) validate(x *Exchange, at string, values [][]byte) error {
	schema, err := c.schema(at)
	for i := 0; i < len(values) && err == nil; i++ {
		var v any
		if v, err = jsonschema.UnmarshalJSON(bytes.NewReader(values[i])); err == nil {
			err = schema.Validate(v)
		}
		if err != nil {
			err = fmt.Errorf("%w\nin %s", err, values[i])
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", x.name(), err)
	}
	return nil
}

func (c *Contract) schema(at string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.schemas[at]; s != nil {
		return s, nil
	}
	s, err := c.compiler.Compile(at)
	if err == nil {
		c.schemas[at] = s
	}
	return s, err
}

// step makes a step of a JSON pointer in a URL.
func step(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(s)
}

// Operations returns the patterns of all operations.
func (c *Contract) Operations() []string { return slices.Sorted(maps.Keys(c.operations)) }
