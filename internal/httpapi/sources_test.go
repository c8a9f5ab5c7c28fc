package httpapi_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
	"provery/internal/source"
)

// compiling is a service whose compilations end as end says.
type compiling struct {
	*fake
	end    api.Job
	waited time.Duration
}

func (c *compiling) WaitJob(_ context.Context, _ httpapi.Caller, id string, d time.Duration) (api.Job, error) {
	c.waited = d
	j := c.end
	j.ID = id
	return j, nil
}

func newCompileRig(t *testing.T, change func(*httpapi.Options)) (*rig, *compiling) {
	t.Helper()
	c := &compiling{end: api.Job{Kind: api.KindCompile, State: api.StateSucceeded, Circuit: circuitID}}
	r := newRig(t, func(o *httpapi.Options) {
		c.fake = o.Services.Circuits.(*fake)
		o.Services.Jobs = c
		if change != nil {
			change(o)
		}
	})
	return r, c
}

// sourceFile is a part of a form with sources: a field where path is "".
type sourceFile struct{ part, path, content string }

func (r *rig) sources(t *testing.T, headers []string, files ...sourceFile) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range files {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", fmt.Sprintf("form-data; name=%q", f.part))
		if f.path != "" {
			h.Set("Content-Disposition", fmt.Sprintf("form-data; name=%q; filename=%q", f.part, f.path))
		}
		p, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write([]byte(f.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return r.do("POST", "/v1/circuits", w.FormDataContentType(), body.String(), headers...)
}

func src(path, content string) sourceFile { return sourceFile{api.PartSource, path, content} }
func field(name, value string) sourceFile { return sourceFile{name, "", value} }

func archive(t *testing.T, files ...string) sourceFile {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return sourceFile{api.PartArchive, "src.zip", b.String()}
}

func TestSourcesAreQueued(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		files []sourceFile
		want  httpapi.Sources
		paths string
	}{
		{"one file", []sourceFile{src("a.zok", "text")}, httpapi.Sources{Main: "a.zok", Curve: "bn128"}, "a.zok"},
		{"several files and all fields", []sourceFile{
			src("p/main.zok", "m"), src("./p/lib/x.zok", "x"), field("curve", "bw6_761"), field("debug", "true"), field("name", "n"), field("tag", "v1"),
			field("priority", "low"), field("deadline", "2030-01-02T15:04:05Z"), field("frontend", "zokrates"), field("main", "p/lib/x.zok"),
		}, httpapi.Sources{Main: "p/lib/x.zok", Curve: "bw6_761", Debug: true, Name: "n", Tag: "v1", Priority: "low"}, "p/lib/x.zok p/main.zok"},
		{"archive", []sourceFile{field("name", "n"), archive(t, "p/main.zok", "m", "p/x.zok", "x", "p/README", "r")},
			httpapi.Sources{Main: "p/main.zok", Curve: "bn128", Name: "n", Tag: "latest"}, "p/main.zok p/x.zok"},
		{"archive and a file", []sourceFile{archive(t, "x.zok", "x"), src("main.zok", "m")}, httpapi.Sources{Main: "main.zok", Curve: "bn128"}, "main.zok x.zok"},
	} {
		r, c := newCompileRig(t, nil)
		w := r.sources(t, []string{api.HeaderIdempotencyKey, "k"}, tc.files...)
		var job api.Job
		if err := json.Unmarshal(w.Body.Bytes(), &job); err != nil || w.Code != 202 || job.ID != "c_1" || w.Header().Get("Location") != "/v1/jobs/c_1" {
			t.Errorf("%s: got %d %s at %q, want a job", tc.name, w.Code, w.Body, w.Header().Get("Location"))
			continue
		}
		got := c.compiled
		want := tc.want
		want.Frontend, want.IdempotencyKey = "zokrates", "k"
		if want.Priority == "" {
			want.Priority = "normal"
		}
		if (got.Deadline != nil) != (want.Debug) { // given together
			t.Errorf("%s: got deadline %v", tc.name, got.Deadline)
		}
		if paths := strings.Join(slices.Sorted(maps.Keys(got.Files)), " "); paths != tc.paths {
			t.Errorf("%s: got files %s, want %s", tc.name, paths, tc.paths)
		}
		got.Files, got.Deadline = nil, nil
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, want)
		}
		r.wantEmptySpool(t)
	}
}

// TestSourcesWithWait has compilations that end within the wait, or don't.
func TestSourcesWithWait(t *testing.T) {
	t.Parallel()
	failed := fault.New(fault.InvalidArtifact, "main.zok:1:2: no (and 1 more error)")
	failed.Position = &fault.Position{File: "main.zok", Line: 1, Column: 2}
	failed.Diagnostics = []fault.Diagnostic{{Position: *failed.Position, Message: "no"}, {Position: fault.Position{File: "b.zok"}, Message: "nor this"}}
	for _, tc := range []struct {
		name     string
		end      api.Job
		status   int
		location string
		code     api.Code
	}{
		{"in time", api.Job{State: api.StateSucceeded, Circuit: circuitID}, 201, "/v1/circuits/" + circuitID, ""},
		{"not in time", api.Job{State: api.StateRunning, Stage: "compile"}, 202, "/v1/jobs/c_1", ""},
		{"errors", api.Job{State: api.StateFailed, Problem: httpapi.ProblemOf(failed)}, 422, "/v1/jobs/c_1", api.CodeInvalidArtifact},
		{"cancelled", api.Job{State: api.StateCancelled}, 409, "/v1/jobs/c_1", api.CodeCanceled},
		{"expired", api.Job{State: api.StateExpired}, 504, "/v1/jobs/c_1", api.CodeDeadlineExceeded},
	} {
		r, c := newCompileRig(t, nil)
		c.end = tc.end
		c.end.Priority = api.PriorityNormal
		w := r.sources(t, []string{api.HeaderPrefer, "wait=7"}, src("main.zok", "text"))
		if w.Code != tc.status || w.Header().Get("Location") != tc.location || c.waited != 7*time.Second {
			t.Errorf("%s: got %d at %q after %v, want %d at %q after 7s", tc.name, w.Code, w.Header().Get("Location"), c.waited, tc.status, tc.location)
		}
		if tc.code == "" {
			continue
		}
		p := wantProblem(t, w, tc.code)
		if p.Instance != "/v1/jobs/c_1" {
			t.Errorf("%s: got instance %q", tc.name, p.Instance)
		}
		if tc.code == api.CodeInvalidArtifact {
			want := []api.SourceError{{File: "main.zok", Line: 1, Column: 2, Message: "no"}, {File: "b.zok", Message: "nor this"}}
			if !slices.Equal(p.Errors, want) || p.Position == nil {
				t.Errorf("got errors %+v at %v, want both", p.Errors, p.Position)
			}
		}
	}
}

// TestBuiltSources answers with the circuit of sources that were compiled
// before.
func TestBuiltSources(t *testing.T) {
	t.Parallel()
	r, c := newCompileRig(t, nil)
	known := circuit()
	c.built = &known
	w := r.sources(t, nil, src("main.zok", "text"))
	if w.Code != 200 || w.Header().Get("Location") != "/v1/circuits/"+circuitID || !strings.Contains(w.Body.String(), circuitID) {
		t.Errorf("got %d %s, want the circuit", w.Code, w.Body)
	}
}

func TestSourcesAreRefused(t *testing.T) {
	t.Parallel()
	r, _ := newCompileRig(t, func(o *httpapi.Options) {
		o.Limits.Sources = source.Limits{Bytes: 1000, Files: 2, Expanded: 5000, Entries: 4}
	})
	for _, tc := range []struct {
		name  string
		files []sourceFile
		code  api.Code
		path  string
		text  string
	}{
		{"way out", []sourceFile{src("../main.zok", "")}, api.CodeInvalidRequest, "/source", "leaves the source folder"},
		{"way out in an archive", []sourceFile{archive(t, "../../main.zok", "")}, api.CodeInvalidRequest, "/archive", "leaves the source folder"},
		{"bomb", []sourceFile{archive(t, "main.zok", "", "zeros", strings.Repeat("\x00", 1<<20))}, api.CodeTooLarge, "/archive", "unpacks to more"},
		{"no archive", []sourceFile{{api.PartArchive, "a.zip", "text"}}, api.CodeInvalidArtifact, "/archive", "neither tar"},
		{"large archive", []sourceFile{{api.PartArchive, "a.zip", strings.Repeat("x", 5000)}}, api.CodeTooLarge, "/archive", "4000 bytes"},
		{"two archives", []sourceFile{archive(t), archive(t)}, api.CodeInvalidRequest, "/archive", "twice"},
		{"empty archive", []sourceFile{archive(t)}, api.CodeInvalidRequest, "/main", "no source files"},
		{"large file", []sourceFile{src("main.zok", strings.Repeat("x", 1001))}, api.CodeTooLarge, "/source", "1000 bytes"},
		{"large files together", []sourceFile{src("a.zok", strings.Repeat("x", 600)), src("b.zok", strings.Repeat("x", 600))}, api.CodeTooLarge, "/source", "1000 bytes"},
		{"too many files", []sourceFile{src("a.zok", ""), src("b.zok", ""), src("c.zok", "")}, api.CodeTooLarge, "/source", "2 source files"},
		{"twice", []sourceFile{src("a.zok", ""), src("a.zok", "")}, api.CodeInvalidRequest, "/source", "twice"},
		{"no path", []sourceFile{field("source", "text")}, api.CodeInvalidRequest, "/source", "filename"},
		{"other extension", []sourceFile{src("main.txt", ""), field("frontend", "zokrates")}, api.CodeInvalidRequest, "/source", ".zok"},
		{"unknown extension", []sourceFile{src("main.txt", "")}, api.CodeInvalidRequest, "/frontend", "which language"},
		{"unknown language", []sourceFile{src("main.zok", ""), field("frontend", "basic")}, api.CodeUnsupported, "/frontend", "aren't compiled here"},
		{"no main", []sourceFile{src("a.zok", ""), src("b.zok", "")}, api.CodeInvalidRequest, "/main", "main.zok"},
		{"missing main", []sourceFile{src("a.zok", ""), field("main", "b.zok")}, api.CodeInvalidRequest, "/main", "not among"},
		{"curve", []sourceFile{src("a.zok", ""), field("curve", "bls12_377")}, api.CodeInvalidRequest, "/curve", "one of"},
		{"debug", []sourceFile{src("a.zok", ""), field("debug", "perhaps")}, api.CodeInvalidRequest, "/debug", "true or false"},
		{"priority", []sourceFile{src("a.zok", ""), field("priority", "urgent")}, api.CodeInvalidRequest, "/priority", "high, normal or low"},
		{"deadline", []sourceFile{src("a.zok", ""), field("deadline", "soon")}, api.CodeInvalidRequest, "/deadline", "a time"},
		{"tag without a name", []sourceFile{src("a.zok", ""), field("tag", "v1")}, api.CodeInvalidRequest, "/tag", "needs a name"},
		{"with a program", []sourceFile{src("a.zok", ""), {"program", "out", "x"}}, api.CodeInvalidRequest, "/program", "not together"},
		{"program with a curve", []sourceFile{{"program", "out", "x"}, field("curve", "bn128")}, api.CodeInvalidRequest, "/curve", "not without"},
	} {
		p := wantProblem(t, r.sources(t, nil, tc.files...), tc.code)
		if p.Path != tc.path || !strings.Contains(p.Detail, tc.text) {
			t.Errorf("%s: got %s at %s, want %q at %s", tc.name, p.Detail, p.Path, tc.text, tc.path)
		}
		r.wantEmptySpool(t)
	}
	off := newRig(t, func(o *httpapi.Options) { o.Services.Compilations = nil })
	if p := wantProblem(t, off.sources(t, nil, src("a.zok", "")), api.CodeInvalidRequest); p.Path != "/source" {
		t.Errorf("without a compiler: got %s at %s", p.Detail, p.Path)
	}
}
