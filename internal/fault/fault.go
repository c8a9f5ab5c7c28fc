// Package fault defines the one error type that crosses package borders in
// Provery, and the codes that the API maps to HTTP statuses.
//
// Text follows one rule: lower case, says what was being done, never holds a
// private value. Detail may be shown to the client; Err is the cause and goes
// to the log only.
package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Code classifies a failure. Its text is part of the API.
type Code string

// The codes, with the HTTP status that the API gives them.
const (
	InvalidRequest      Code = "invalid_request"      // 400
	Unauthenticated     Code = "unauthenticated"      // 401
	Forbidden           Code = "forbidden"            // 403
	NotFound            Code = "not_found"            // 404
	Conflict            Code = "conflict"             // 409
	TooLarge            Code = "too_large"            // 413
	UnsatisfiedWitness  Code = "unsatisfied_witness"  // 422
	InvalidArtifact     Code = "invalid_artifact"     // 422
	Unsupported         Code = "unsupported"          // 422
	RateLimited         Code = "rate_limited"         // 429, with Retry-After: the caller's own share is used up
	Overloaded          Code = "overloaded"           // 503, with Retry-After
	InsufficientStorage Code = "insufficient_storage" // 507
	DeadlineExceeded    Code = "deadline_exceeded"    // 504
	Canceled            Code = "canceled"             // 409 when read as a result
	Internal            Code = "internal"             // 500
)

// Position is a place in a circuit's source, 1-based. A column of 0 isn't known.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// String returns "file:line:column", without the column where it isn't known.
func (p Position) String() string {
	if p.Column == 0 {
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Diagnostic is one of several errors in a circuit's source. Line and Column
// are 0 where only the file is known.
type Diagnostic struct {
	Position
	Message string `json:"message"`
}

// String returns "file:line:column: message", or "file: message".
func (d Diagnostic) String() string {
	if d.Line == 0 {
		return d.File + ": " + d.Message
	}
	return d.Position.String() + ": " + d.Message
}

// Error is a classified failure.
type Error struct {
	Code        Code
	Detail      string        // for the client; never a private value
	Path        string        // JSON pointer of the argument at fault, if any
	Position    *Position     // place in the circuit's source, if any
	Diagnostics []Diagnostic  // all errors in the circuit's source, if it was compiled
	RetryAfter  time.Duration // with Overloaded and RateLimited: when to come back
	Err         error         // cause, for the log
}

// Error returns the detail, or the code where there is none. The cause is
// left out on purpose: ask for it with Unwrap.
func (e *Error) Error() string {
	s := e.Detail
	if s == "" {
		s = string(e.Code)
	}
	if e.Path != "" {
		s = e.Path + ": " + s
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of the code with a formatted detail. A %w verb is not
// interpreted: attach a cause with Wrap.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Wrap says what was being done when err happened. The result keeps err's
// code, path, position, diagnostics and retry delay where err holds an Error, has
// Canceled or DeadlineExceeded for the context errors, and the given code
// otherwise. If err is an Error its detail follows the new text, after a colon;
// any other err's text stays out of the detail.
// Wrap returns nil if err is nil.
func Wrap(err error, code Code, format string, args ...any) error {
	if err == nil {
		return nil
	}
	out := &Error{Code: code, Detail: fmt.Sprintf(format, args...), Err: err}
	var inner *Error
	switch {
	case errors.As(err, &inner):
		out.Code, out.Path, out.Position, out.RetryAfter = inner.Code, inner.Path, inner.Position, inner.RetryAfter
		out.Diagnostics = inner.Diagnostics
		if inner.Detail != "" {
			out.Detail += ": " + inner.Detail
		}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		out.Code = CodeOf(err)
	}
	return out
}

// At returns a copy of err that names the argument at the JSON pointer path.
func (e *Error) At(path string) *Error {
	c := *e
	c.Path = path
	return &c
}

// CodeOf returns the code of err: its own if it holds an Error, Canceled or
// DeadlineExceeded for the context errors, Internal for anything else, and ""
// for nil.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return DeadlineExceeded
	}
	return Internal
}

// Is reports whether err has the code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }

// Retryable reports whether the same request may succeed later without a
// change: true for RateLimited, Overloaded, InsufficientStorage, DeadlineExceeded and
// Internal.
func (c Code) Retryable() bool {
	switch c {
	case RateLimited, Overloaded, InsufficientStorage, DeadlineExceeded, Internal:
		return true
	}
	return false
}
