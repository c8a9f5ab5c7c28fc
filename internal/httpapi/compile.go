package httpapi

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
)

// Compilations compile sources, as jobs of the queue.
type Compilations interface {
	// Compile records a job that compiles and registers. If the same sources
	// were compiled before, the circuit gets the name, and is returned instead
	// of a job.
	Compile(ctx context.Context, s Sources) (circuit *api.Circuit, job api.Job, err error)
}

// Sources are files to compile, and what to do with the circuit.
type Sources struct {
	Frontend string
	// Files are contents by slash-separated path, relative to one root.
	Files map[string][]byte
	// Main is the path of the file with the main function.
	Main string
	// Curve is the curve's name, such as "bn128".
	Curve string
	// Debug keeps log statements.
	Debug bool
	// Optimize is a level of the compiler's, or "" for its default.
	Optimize string
	// Include are folders of Files in which imports are looked up, too.
	Include []string

	Name, Tag      string // of the circuit; may be empty
	Priority       string
	Deadline       *time.Time
	Caller         string
	IdempotencyKey string
}

func jobLocation(id string) string     { return api.BasePath + "/jobs/" + id }
func circuitLocation(id string) string { return api.BasePath + "/circuits/" + url.PathEscape(id) }

// compileForm queues the compilation of a form's sources, and answers as answer
// wants it: with the circuit, if there is one in time, or with the job.
func (s *Server) compileForm(r *http.Request, f *form) (body any, location string, existed bool, err error) {
	in, err := s.sourcesOf(f)
	if err != nil {
		return nil, "", false, err
	}
	s.discard(f) // the sources are in memory: other uploads needn't wait for the end of this one's wait
	x := exchangeOf(r.Context())
	in.Caller = x.caller.Name
	if in.IdempotencyKey, err = idempotencyKey(r); err != nil {
		return nil, "", false, err
	}
	wait := s.wait(preferredWait(r.Header.Values(api.HeaderPrefer)))
	if wait > 0 {
		if release, ok := s.takeWaiter(); ok {
			defer release()
		} else {
			wait = 0 // a preference may be ignored
		}
	}
	circuit, job, err := s.services.Compilations.Compile(r.Context(), in)
	if err != nil {
		return nil, "", false, err
	}
	if circuit != nil {
		return whole(*circuit), circuitLocation(circuit.ID), true, nil
	}
	if wait > 0 {
		if job, err = s.awaitJob(r.Context(), job, wait); err != nil {
			return nil, "", false, err
		}
		x.writer.Header().Set(api.HeaderPreferenceApplied, "wait="+strconv.Itoa(int(wait/time.Second)))
	}
	if !job.State.Terminal() {
		return job, jobLocation(job.ID), false, nil
	}
	registered, err := s.compiled(r.Context(), &job)
	return registered, circuitLocation(registered.ID), false, err
}

// awaitJob is await for jobs of any kind.
func (s *Server) awaitJob(ctx context.Context, j api.Job, timeout time.Duration) (api.Job, error) {
	if j.State.Terminal() {
		return j, nil
	}
	who := exchangeOf(ctx).caller
	return untilDrain(ctx, s,
		func(ctx context.Context) (api.Job, error) { return s.services.Jobs.WaitJob(ctx, who, j.ID, timeout) },
		func(ctx context.Context) (api.Job, error) { return s.services.Jobs.Job(ctx, who, j.ID) })
}

// compiled returns the circuit of a compilation that has ended, or why there
// is none.
func (s *Server) compiled(ctx context.Context, job *api.Job) (api.Circuit, error) {
	if job.State != api.StateSucceeded {
		return api.Circuit{}, ended("compilation", job.State, job.Problem, jobLocation(job.ID))
	}
	c, err := s.services.Circuits.Circuit(ctx, job.Circuit)
	return whole(c), err
}

// compileParameters documents the headers of a registration.
func compileParameters() []*huma.Param {
	header := func(name, description string) *huma.Param {
		return &huma.Param{Name: name, In: "header", Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return []*huma.Param{
		header(api.HeaderPrefer, "wait=N asks for the outcome of a compilation within N seconds (RFC 7240)."),
		header(api.HeaderIdempotencyKey, "The same key with the same sources gives the same compilation; with others it is a conflict."),
	}
}

// registrationResponses documents the good answers of a registration.
func (s *Server) registrationResponses() map[string]*huma.Response {
	out := s.created(jsonContent[api.Circuit](s), "Registered", "Was registered before")
	if s.compiles() {
		job := &huma.Response{Description: "Sources were accepted, and will be compiled", Content: jsonContent[api.Job](s), Headers: map[string]*huma.Param{}}
		maps.Copy(job.Headers, out["201"].Headers)
		out["202"] = job
	}
	return out
}
