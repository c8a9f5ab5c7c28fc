package api

import "fmt"

// Problem is an error in the form of RFC 9457. It never holds a value that
// the client sent.
type Problem struct {
	Type       string        `json:"type" doc:"Reference of the error's description." example:"/docs#error-not_found"`
	Title      string        `json:"title" doc:"What kind of error it is."`
	Status     int           `json:"status" doc:"HTTP status." example:"404"`
	Detail     string        `json:"detail,omitempty" doc:"What went wrong this time."`
	Instance   string        `json:"instance,omitempty" doc:"Path of the proof or job that the error belongs to."`
	Code       Code          `json:"code" doc:"Kind of error, for programs." example:"not_found"`
	Retryable  bool          `json:"retryable" doc:"The same request may succeed later."`
	Scope      Scope         `json:"scope" doc:"Where the cause lies." enum:"request,circuit,capacity,internal"`
	Path       string        `json:"path,omitempty" doc:"What is at fault: the JSON pointer of a field, argument or part, or a parameter such as query.limit." example:"/arguments/0"`
	Position   *Position     `json:"position,omitempty" doc:"Place in the circuit's source."`
	Errors     []SourceError `json:"errors,omitempty" doc:"All errors that a compiler found in the source; position is that of the first."`
	RetryAfter int           `json:"retry_after,omitempty" doc:"Seconds until a retry makes sense, as in the Retry-After header."`
	RequestID  string        `json:"request_id,omitempty" doc:"Names this exchange in the service's log."`
	Incident   string        `json:"incident,omitempty" doc:"Names the cause of an internal error in the service's log."`
}

// SourceError is one error in a circuit's source.
type SourceError struct {
	File    string `json:"file" example:"lib/hash.zok"`
	Line    int    `json:"line,omitempty" doc:"From 1. Not there where the compiler doesn't say it."`
	Column  int    `json:"column,omitempty" doc:"From 1. Not there where the compiler doesn't say it."`
	Message string `json:"message"`
}

// Error returns "file:line:column: message", or "file: message".
func (e SourceError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Error returns the code, path and detail in one line.
func (p *Problem) Error() string {
	s := string(p.Code)
	if p.Path != "" {
		s += " at " + p.Path
	}
	if p.Position != nil {
		s += " (" + p.Position.String() + ")"
	}
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	return s
}

// NewProblem returns a problem of the code with the catalogue's status,
// title, scope and type. A code that isn't in the catalogue becomes
// CodeInternal.
func NewProblem(code Code, detail string) *Problem {
	t, ok := Lookup(code)
	if !ok {
		t, _ = Lookup(CodeInternal)
	}
	return &Problem{
		Type: t.Type(), Title: t.Title, Status: t.Status, Detail: detail,
		Code: t.Code, Retryable: t.Retryable, Scope: t.Scope,
	}
}
