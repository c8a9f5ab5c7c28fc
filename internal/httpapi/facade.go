package httpapi

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
)

// facade is the interface of another service, for clients that exist. Its
// routes lie beside /v1 and go through the same services. What it has of its
// own are paths, bodies and the form of errors.
type facade struct {
	*Server
	name      string // of the other service
	id        string // its operations' ids begin with this
	arguments string // where its requests have the arguments, for the places in errors
	errorBody func(message string) any
	errorDoc  map[string]*huma.MediaType
	statuses  map[api.Code]int // where its clients expect others than a problem's own
}

// facadeError is the body of an error of facades whose originals have none, or
// this one.
type facadeError struct {
	Message string `json:"error" doc:"What is wrong. It never repeats a value."`
}

// facadeRoute is an operation of a facade.
type facadeRoute struct {
	id, pattern, summary string
	body, answer         map[string]*huma.MediaType // nil where there is none
	parameters           []*huma.Param
	open                 bool                             // it needs no API key
	handle               func(*http.Request) (any, error) // nil is an empty answer
}

// add adds and documents the operations. Their failures have the facade's form,
// whoever finds them.
func (f *facade) add(routes ...facadeRoute) {
	doc := f.api.OpenAPI()
	doc.Tags = append(doc.Tags, &huma.Tag{Name: f.name, Description: "The interface of " + f.name + ", for clients that exist. Use /v1 for new ones."})
	for _, route := range routes {
		method, path, _ := strings.Cut(route.pattern, " ")
		op := huma.Operation{Method: method, Path: path, OperationID: f.id + "-" + route.id, Tags: []string{f.name}, Summary: route.summary, Parameters: route.parameters}
		switch {
		case route.open:
			op.Security = public()
		case route.body == nil:
			op.Errors = []int{500, 503, 504}
		default:
			op.RequestBody = &huma.RequestBody{Required: true, Content: route.body}
			op.Errors = []int{400, 404, 408, 409, 413, 415, 422, 500, 503, 504, 507}
		}
		f.access(&op)
		op.Responses = map[string]*huma.Response{"200": {Description: "Done", Content: route.answer}}
		refusals(&op, f.errorDoc)
		doc.AddOperation(&op)
		f.failures[route.pattern] = f.fail
		f.mux.HandleFunc(route.pattern, func(w http.ResponseWriter, r *http.Request) {
			switch answer, err := route.handle(r); {
			case err != nil:
				exchangeOf(r.Context()).fail(err)
			case answer == nil:
				w.WriteHeader(http.StatusOK)
			default:
				writeJSON(w, http.StatusOK, "application/json", answer)
			}
		})
	}
}

// fail writes a problem as the facade's error.
func (f *facade) fail(w http.ResponseWriter, p *api.Problem) {
	status, ok := f.statuses[p.Code]
	if !ok {
		status = p.Status
	}
	writeJSON(w, status, "application/json", f.errorBody(f.message(p)))
}

// message is a problem in one line: its place, what is wrong, and where to
// look further.
func (f *facade) message(p *api.Problem) string {
	message := p.Detail
	if message == "" {
		message = p.Title
	}
	if p.Path != "" {
		message = strings.Replace(p.Path, "/arguments", f.arguments, 1) + ": " + message
	}
	// Compilers and, where the column isn't known, calculators say it themselves.
	if at := p.Position; at != nil && at.Column > 0 && !strings.Contains(message, at.String()) {
		message += " (" + at.String() + ")"
	}
	if p.Incident != "" {
		message += " (incident " + p.Incident + ")"
	}
	return message
}
