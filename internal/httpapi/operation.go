package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
)

// jsonBody is embedded in the input of operations with a JSON body. huma
// reads it, within the limit; decodeJSON makes sense of it.
type jsonBody struct {
	RawBody []byte `contentType:"application/json"`
}

func (b *jsonBody) raw() []byte { return b.RawBody }

// register adds an operation without a request body.
func register[I, O any](s *Server, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	s.prepare(&op)
	unprocessable := slices.Contains(op.Errors, http.StatusUnprocessableEntity)
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, exchangeOf(ctx).problem(err)
		}
		return out, nil
	})
	if !unprocessable {
		delete(op.Responses, statusKey(http.StatusUnprocessableEntity)) // huma's for parameters; ours is 400
	}
}

// registerBody adds an operation with a JSON body of type B. I embeds
// jsonBody.
func registerBody[I, B, O any](s *Server, op huma.Operation, handle func(context.Context, *I, *B) (*O, error)) {
	body := &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
	op.RequestBody = body
	op.SkipValidateBody = true
	op.BodyReadTimeout = bodyTimeout
	op.MaxBodyBytes = s.limits.BodyBytes + 1 // huma refuses from here on
	op.Errors = append(op.Errors, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	register(s, op, func(ctx context.Context, in *I) (*O, error) {
		x := exchangeOf(ctx)
		x.clearReadDeadline()
		if err := checkJSON(x.request.Header.Get("Content-Type")); err != nil {
			return nil, err
		}
		var b B
		if err := decodeJSON(any(in).(interface{ raw() []byte }).raw(), &b); err != nil {
			return nil, err
		}
		return handle(ctx, in, &b)
	})
	body.Content["application/json"].Schema = schemaOf[B](s)
}

// clearReadDeadline ends the time limit on the request's body. It would go on
// counting, and cut off handlers that take long.
func (x *exchange) clearReadDeadline() { _ = x.writer.control.SetReadDeadline(time.Time{}) }

// prepare completes an operation that huma will document.
func (s *Server) prepare(op *huma.Operation) {
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Errors = append(op.Errors, http.StatusBadRequest)
	s.access(op)
	refusals(op, s.problemContent())
}

// refusals documents the errors of an operation, all of the same form: those
// that it lists, and those that any operation may answer with.
func refusals(op *huma.Operation, content map[string]*huma.MediaType) {
	for _, status := range op.Errors {
		op.Responses[statusKey(status)] = &huma.Response{Description: http.StatusText(status), Content: content}
	}
	op.Responses["default"] = &huma.Response{Description: "Any other failure: of the service itself, or for want of room", Content: content}
}

// access documents who may use an operation: those without security are
// public.
func (s *Server) access(op *huma.Operation) {
	if op.Security != nil {
		s.public[op.Path] = true
		return
	}
	op.Security = []map[string][]string{{securityScheme: {}}}
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	if !slices.Contains(op.Errors, http.StatusTooManyRequests) {
		op.Errors = append(op.Errors, http.StatusTooManyRequests)
	}
}

// public marks an operation that needs no API key.
func public() []map[string][]string { return []map[string][]string{} }

// raw adds an operation whose handler bypasses huma. Its request body and
// responses are documented by hand.
func (s *Server) raw(op huma.Operation, handle http.HandlerFunc) {
	s.access(&op)
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	refusals(&op, s.problemContent())
	s.api.OpenAPI().AddOperation(&op)
	s.mux.HandleFunc(op.Method+" "+op.Path, handle)
}

func (s *Server) problemContent() map[string]*huma.MediaType {
	return map[string]*huma.MediaType{api.MediaTypeProblem: {Schema: schemaOf[api.Problem](s)}}
}

// schemaOf returns the reference of T's schema in the OpenAPI document.
func schemaOf[T any](s *Server) *huma.Schema {
	return s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}

// jsonContent documents a JSON body of type T.
func jsonContent[T any](s *Server) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/json": {Schema: schemaOf[T](s)}}
}

func jsonFormat() huma.Format {
	return huma.Format{Marshal: encodeJSON, Unmarshal: json.Unmarshal}
}
