package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"provery/api"
)

// Sources are source files to compile and to register as a circuit.
type Sources struct {
	Frontend string // may be empty: the files' names tell
	Name     string // of the circuit; may be empty
	Tag      string // "latest" without it
	// Files are contents by slash-separated path below one root. Imports
	// reach no other file but the language's own library.
	Files map[string][]byte
	// Archive is a tar, tar.gz or zip file of source files, instead of Files
	// or beside them. One that is an io.Seeker is sent again when the
	// connection breaks.
	Archive  io.Reader
	Main     string     // path of the file with the main function; may be empty if that is the only file, or named main
	Curve    string     // the compiler's default without it
	Debug    bool       // keep log statements
	Optimize string     // level of optimisation; the compiler's default without it
	Include  []string   // folders among the files that imports are looked up in, too
	Priority string     // api.PriorityNormal without it
	Deadline *time.Time // when the circuit stops being of use
}

// Compilation is what became of sources: the circuit, if they were compiled
// before or in time, or the job that compiles them.
type Compilation struct {
	Circuit *api.Circuit
	Existed bool // the circuit was registered before
	Job     *api.Job
}

// SubmitSources asks for sources to be compiled and registered. Errors in the
// sources that are found within the wait are an *Error with all of them in
// Errors; without a wait the job's Problem has them.
func (c *Client) SubmitSources(ctx context.Context, s Sources, o SubmitOptions) (*Compilation, error) {
	f := form{header: http.Header{}, parts: s.parts(), fields: []field{
		{api.FieldFrontend, s.Frontend}, {api.FieldName, s.Name}, {api.FieldTag, s.Tag}, {api.FieldMain, s.Main},
		{api.FieldCurve, s.Curve}, {api.FieldPriority, s.Priority},
		{api.FieldOptimize, s.Optimize}, {api.FieldInclude, strings.Join(s.Include, ",")},
	}}
	if s.Debug {
		f.fields = append(f.fields, field{api.FieldDebug, "true"})
	}
	if s.Deadline != nil {
		f.fields = append(f.fields, field{api.FieldDeadline, s.Deadline.UTC().Format(time.RFC3339Nano)})
	}
	if o.IdempotencyKey == "" && c.retries > 0 {
		o.IdempotencyKey = rand.Text()
	}
	if o.IdempotencyKey != "" {
		f.header.Set(api.HeaderIdempotencyKey, o.IdempotencyKey)
	}
	if n := wholeSeconds(o.Wait); n > 0 {
		f.header.Set(api.HeaderPrefer, "wait="+strconv.Itoa(n))
	}
	var answer json.RawMessage
	status, err := c.upload(ctx, path("circuits"), &answer, f)
	if err != nil {
		return nil, err
	}
	out := &Compilation{Existed: status == http.StatusOK}
	if status == http.StatusAccepted {
		return out, read(answer, &out.Job)
	}
	return out, read(answer, &out.Circuit)
}

// parts returns the files in the order of their paths.
func (s *Sources) parts() []part {
	var parts []part
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		parts = append(parts, part{api.PartSource, name, bytes.NewReader(s.Files[name])})
	}
	if s.Archive != nil {
		parts = append(parts, part{api.PartArchive, api.PartArchive, s.Archive})
	}
	return parts
}

func read(answer json.RawMessage, into any) error {
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("client: read the answer: %w", err)
	}
	return nil
}

// Compile compiles sources, registers the circuit and returns it. Errors in
// the sources are an *Error with all of them in Errors. When ctx ends the job
// goes on.
func (c *Client) Compile(ctx context.Context, s Sources) (*api.Circuit, error) {
	out, err := c.SubmitSources(ctx, s, SubmitOptions{Wait: c.wait})
	if err != nil {
		return nil, err
	}
	return c.FinishCompilation(ctx, out)
}

// FinishCompilation waits for the circuit of a compilation, like Compile.
func (c *Client) FinishCompilation(ctx context.Context, out *Compilation) (*api.Circuit, error) {
	if out.Circuit != nil {
		return out.Circuit, nil
	}
	job, err := c.endOf(ctx, out.Job)
	if err != nil {
		return nil, err
	}
	if err := failed("compilation", job.State, job.Problem); err != nil {
		return nil, err
	}
	return c.Circuit(ctx, job.Circuit)
}
