package hosting

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"provery/internal/curve"
	"provery/internal/fault"
)

// TestCompile has a program of several files, made from a request's files and
// the library's.
func TestCompile(t *testing.T) {
	t.Parallel()
	c := open(t, Config{
		Library:      map[string][]byte{"lib/one.toy": []byte("one"), "lib/two.toy": []byte("two")},
		LibraryRoots: []string{"lib"},
	})
	for file, want := range map[string]string{"lib/one.toy": "one", "lib/two.toy": "another", "none.toy": ""} {
		req := toys("main.toy", "copy "+file, "lib/two.toy", "another")
		req.Options = Options{Optimize: "0", Include: []string{"mine"}}
		var stages []string
		req.Stage = func(s string) { stages = append(stages, s) }
		result, err := c.Compile(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for role, r := range result.Artefacts() {
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			got[role] = string(text)
		}
		if got["a"] != want || got["b"] != "bn128{false 0 [mine lib]}" || len(got) != 2 || result.Size != int64(len(got["a"])+len(got["b"])) {
			t.Errorf("%s: got %q of %d bytes", file, got, result.Size)
		}
		if want := []string{StageLoad, StageCompile, StageWrite}; !slices.Equal(stages, want) {
			t.Errorf("got stages %v, want %v", stages, want)
		}
		if err := result.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestFailures has errors come through the pipes.
func TestFailures(t *testing.T) {
	t.Parallel()
	c := open(t, Config{Limits: Limits{ProgramBytes: 1000}})
	f := failing(t, c, toys("a/main.toy", "refuse"))
	if f.Code != fault.InvalidArtifact || f.Detail != "compile a/main.toy: a/main.toy:2:3: bad (and 1 more error)" || f.Position == nil || f.Position.Line != 2 {
		t.Errorf("got %s %q at %v", f.Code, f.Detail, f.Position)
	}
	var list Errors
	if !errors.As(f, &list) || len(list) != 2 {
		t.Errorf("got %v, want both errors", list)
	}
	cases := []struct {
		name, source string
		code         fault.Code
		text         string
	}{
		{"internal failure", "break", fault.Internal, "compile main.toy"},
		{"no output", "nothing", fault.Internal, "process failed"},
		{"too much output", "copy big.toy", fault.TooLarge, "more than 1000 bytes"},
	}
	for _, tc := range cases {
		f := failing(t, c, toys("main.toy", tc.source, "big.toy", strings.Repeat("x", 2000)))
		if f.Code != tc.code || !strings.Contains(f.Detail, tc.text) {
			t.Errorf("%s: got %s %q, want %s with %q", tc.name, f.Code, f.Detail, tc.code, tc.text)
		}
	}
	if runtime.GOOS == "linux" {
		if f := failing(t, c, toys("main.toy", "scratch")); f.Code != fault.TooLarge {
			t.Errorf("a file too long: got %s %q, want %s", f.Code, f.Detail, fault.TooLarge)
		}
	}
}

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	c := open(t, Config{Limits: Limits{Time: 100 * time.Millisecond}})
	if f := failing(t, c, toys("main.toy", "hang")); f.Code != fault.DeadlineExceeded || !strings.Contains(f.Detail, "after 100ms") {
		t.Errorf("got %s %q, want %s after 100ms", f.Code, f.Detail, fault.DeadlineExceeded)
	}
}

// TestRefusedRequest needs no child.
func TestRefusedRequest(t *testing.T) {
	t.Parallel()
	c := open(t, Config{
		Command: []string{"/nonexistent"},
		Limits:  Limits{Files: 2, SourceBytes: 100},
	})
	with := func(req Request, change func(*Request)) Request {
		change(&req)
		return req
	}
	include := func(dirs ...string) Request {
		return with(toys("a.toy", ""), func(r *Request) { r.Options.Include = dirs })
	}
	cases := []struct {
		name string
		req  Request
		code fault.Code
		text string
	}{
		{"too many files", toys("a.toy", "", "b.toy", "", "c.toy", ""), fault.TooLarge, "3 source files"},
		{"too many bytes", toys("a.toy", strings.Repeat(" ", 60), "b.toy", strings.Repeat(" ", 60)), fault.TooLarge, "100 bytes"},
		{"no main file", Request{Main: "a.toy", Curve: curve.BN128}, fault.InvalidRequest, `"a.toy"`},
		{"no curve", with(toys("a.toy", ""), func(r *Request) { r.Curve = 0 }), fault.InvalidRequest, "curve"},
		{"foreign curve", with(toys("a.toy", ""), func(r *Request) { r.Curve = curve.BW6761 }), fault.InvalidRequest, "curve"},
		{"unknown level", with(toys("a.toy", ""), func(r *Request) { r.Options.Optimize = "3" }), fault.InvalidRequest, "1, 0"},
		{"include outside", include("../lib"), fault.InvalidRequest, "inside the source folder"},
		{"include like an option", include("-x:y"), fault.InvalidRequest, "inside the source folder"},
		{"many includes", include(make([]string, 20)...), fault.TooLarge, "16 folders"},
		{"way out", toys("../a.toy", ""), fault.InvalidRequest, "inside the source folder"},
		{"absolute path", toys("/a.toy", ""), fault.InvalidRequest, "inside the source folder"},
		{"backslash", toys(`..\a.toy`, ""), fault.InvalidRequest, "inside the source folder"},
		{"folder", toys("a/.toy/", ""), fault.InvalidRequest, "inside the source folder"},
		{"control character", toys("a\n.toy", ""), fault.InvalidRequest, "control characters"},
		{"colon", toys("c:a.toy", ""), fault.InvalidRequest, "colons"},
		{"long path", toys(strings.Repeat("a", 300)+".toy", ""), fault.InvalidRequest, "255"},
		{"other extension", toys("a.txt", ""), fault.InvalidRequest, ".toy"},
		{"not text", toys("a.toy", "\xff"), fault.InvalidArtifact, "UTF-8"},
		{"no executable", toys("a.toy", ""), fault.Internal, "start the compiler"},
	}
	for _, tc := range cases {
		if f := failing(t, c, tc.req); f.Code != tc.code || !strings.Contains(f.Detail, tc.text) {
			t.Errorf("%s: got %s %q, want %s with %q", tc.name, f.Code, f.Detail, tc.code, tc.text)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"no toolchain":    {},
		"too much memory": {Toolchain: "x", Limits: Limits{Memory: MemoryMost + 1}},
		"too little":      {Toolchain: "x", Limits: Limits{Memory: 1}},
		"negative limit":  {Toolchain: "x", Limits: Limits{Files: -1}},
	} {
		if _, err := New(cfg); fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("%s: got %v, want %s", name, err, fault.InvalidRequest)
		}
	}
}

func TestShorten(t *testing.T) {
	t.Parallel()
	if got, want := Shorten(" a\n\tb  c "), "a b c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Shorten(strings.Repeat("é", 1000)); got != strings.Repeat("é", 500)+" …" {
		t.Errorf("got %d bytes", len(got))
	}
}
