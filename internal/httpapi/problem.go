package httpapi

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
)

// problemError is a problem as huma wants its errors.
type problemError struct {
	api.Problem
	header http.Header
}

// GetStatus returns the HTTP status.
func (e *problemError) GetStatus() int { return e.Status }

// GetHeaders returns headers of the response.
func (e *problemError) GetHeaders() http.Header { return e.header }

// ContentType makes every error problem+json.
func (e *problemError) ContentType(string) string { return api.MediaTypeProblem }

// refuse returns a problem for what only HTTP knows and fault has no code for.
func refuse(code api.Code, detail string) *problemError {
	return &problemError{Problem: *api.NewProblem(code, detail)}
}

// ProblemOf returns what a client may see of err: code, detail, path, position
// and retry delay of the *fault.Error that it holds, and no word of any other
// error. It is for the problems of proofs, too.
func ProblemOf(err error) *api.Problem {
	code := fault.CodeOf(err)
	var f *fault.Error
	if !errors.As(err, &f) {
		f = &fault.Error{Code: code}
	}
	p := api.NewProblem(api.Code(code), f.Detail)
	p.Path = f.Path
	if f.Position != nil {
		p.Position = &api.Position{File: f.Position.File, Line: f.Position.Line, Column: f.Position.Column}
	}
	for _, d := range f.Diagnostics {
		p.Errors = append(p.Errors, api.SourceError{File: d.File, Line: d.Line, Column: d.Column, Message: d.Message})
	}
	if code == fault.Overloaded || code == fault.RateLimited {
		p.RetryAfter = seconds(f.RetryAfter)
	}
	if p.Code == api.CodeInternal && p.Detail == "" {
		p.Detail = "something failed inside the service"
	}
	return p
}

// problem turns err into what the client sees, and logs what it doesn't.
func (x *exchange) problem(err error) *problemError {
	var ready *problemError
	if errors.As(err, &ready) {
		return x.finish(&ready.Problem, ready.header)
	}
	p := ProblemOf(err)
	if p.Code == api.CodeInternal {
		p.Incident = newIncident()
	}
	x.logCause(p, err)
	return x.finish(p, nil)
}

// finish adds what every problem of the exchange carries.
func (x *exchange) finish(p *api.Problem, header http.Header) *problemError {
	e := &problemError{Problem: *p, header: header}
	if e.header == nil {
		e.header = http.Header{}
	}
	e.RequestID = x.id
	if p.Code == api.CodeRequestTimeout {
		e.header.Set("Connection", "close") // or net/http goes on waiting for the body
	}
	if p.RetryAfter > 0 {
		e.header.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	return e
}

// logCause logs causes of errors that aren't the client's.
func (x *exchange) logCause(p *api.Problem, err error) {
	level := slog.LevelDebug
	switch p.Scope {
	case api.ScopeInternal:
		level = slog.LevelError
	case api.ScopeCapacity:
		level = slog.LevelWarn
	}
	if x.request.Context().Err() != nil {
		level = slog.LevelDebug // the client went away: its own context's error is no incident
	}
	x.server.log.LogAttrs(context.WithoutCancel(x.request.Context()), level, "request failed",
		slog.String("request_id", x.id), slog.String("incident", p.Incident), slog.String("code", string(p.Code)),
		slog.String("detail", p.Detail), slog.String("path", p.Path), slog.String("cause", causes(err)))
}

// causes joins the texts of err's chain that the detail leaves out.
func causes(err error) string {
	var texts []string
	for err != nil {
		var f *fault.Error
		if !errors.As(err, &f) {
			texts = append(texts, err.Error())
			break
		}
		err = f.Err
	}
	return strings.Join(texts, "; ")
}

func newIncident() string { return "inc_" + rand.Text() }

// seconds rounds up, to at least 1.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

// fail answers with err's problem, outside of huma.
func (x *exchange) fail(err error) {
	e := x.problem(err)
	for name, values := range e.header {
		x.writer.Header()[name] = values
	}
	if write := x.server.failures[x.route]; write != nil {
		write(x.writer, &e.Problem)
		return
	}
	writeJSON(x.writer, e.Status, api.MediaTypeProblem, &e.Problem)
}

// installErrors makes huma's own errors ours, once: the hooks are the
// library's global variables. huma's texts repeat the offending value; ours
// name its place.
var installErrors = sync.OnceFunc(func() {
	huma.NewError = func(status int, msg string, _ ...error) huma.StatusError {
		return &problemError{Problem: *humaProblem(status, msg, nil)}
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		p := humaProblem(status, msg, errs)
		x := exchangeOf(ctx.Context())
		if x == nil {
			return &problemError{Problem: *p}
		}
		if p.Code == api.CodeInternal {
			p.Incident = newIncident()
		}
		x.logCause(p, errors.Join(withoutValues(errs)...))
		return x.finish(p, nil)
	}
})

// withoutValues drops huma's validation errors, whose texts hold values.
func withoutValues(errs []error) []error {
	return slices.DeleteFunc(slices.Clone(errs), func(err error) bool {
		var d huma.ErrorDetailer
		return errors.As(err, &d)
	})
}

// humaCodes are the codes of the statuses that huma gives by itself.
var humaCodes = map[int]api.Code{
	http.StatusBadRequest:            api.CodeInvalidRequest,
	http.StatusUnprocessableEntity:   api.CodeInvalidRequest,
	http.StatusRequestTimeout:        api.CodeRequestTimeout,
	http.StatusRequestEntityTooLarge: api.CodeTooLarge,
	http.StatusUnsupportedMediaType:  api.CodeUnsupportedMediaType,
}

func humaProblem(status int, msg string, errs []error) *api.Problem {
	code, ok := humaCodes[status]
	if !ok {
		return api.NewProblem(api.CodeInternal, "something failed inside the service")
	}
	p := api.NewProblem(code, msg)
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			p.Detail, p.Path = d.ErrorDetail().Message, safePath(d.ErrorDetail().Location)
			break
		}
	}
	return p
}

var pathStep = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)

// safePath returns a parameter's place, such as "query.limit", without names
// that the client made up and that don't look like names.
func safePath(location string) string {
	steps := strings.Split(location, ".")
	for i, step := range steps {
		steps[i] = safeName(step)
	}
	return strings.Join(steps, ".")
}

// safeName returns name if it looks like one, and a placeholder otherwise: a
// value that slipped into the place of a name must not come back.
func safeName(name string) string {
	if pathStep.MatchString(name) {
		return name
	}
	return "?"
}
