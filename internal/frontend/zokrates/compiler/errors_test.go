package compiler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend/hosting"
	"provery/internal/frontend/hosting/hostingtest"
)

// nested counts to 2^40 at compile time.
const nested = `def main(field x) -> field {
    field mut y = x;
    for u32 i in 0..1048576 { for u32 j in 0..1048576 { y = y + 1; } }
    return y;
}`

// loadModule loads the module in the test's own process.
func loadModule(t *testing.T) *hosting.Loaded {
	t.Helper()
	open(t, hosting.Config{})
	wasm, err := zokratesJS.Read(hostingtest.Toolchain(root))
	if err != nil {
		t.Fatal(err)
	}
	c, err := hosting.Load(t.Context(), hostingtest.Toolchain(root), wasm, hosting.MemoryMost)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// failingHere compiles what must not compile, with imports at most 4 deep, in a
// fresh instance.
func failingHere(t *testing.T, c *hosting.Loaded, req hosting.Request) *fault.Error {
	t.Helper()
	in, err := instantiate(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = in.module.Close(t.Context())
		_ = c.Runtime.Module(hostModule).Close(t.Context())
	}()
	sources := map[string]string{}
	for name, text := range req.Sources {
		sources[name] = string(text)
	}
	job := &hosting.Job{}
	job.Main, job.Curve = req.Main, req.Curve.String()
	_, err = in.compile(t.Context(), job, newResolver(sources, req.Main, 4), io.Discard)
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a fault", err)
	}
	return f
}

// importing is a chain of n files that import one another.
func importing(n int) hosting.Request {
	files := make([]string, 0, 2*n+2)
	for i := range n {
		files = append(files, fmt.Sprintf("f%d.zok", i), fmt.Sprintf("import \"./f%d\" as f;\ndef main(field a) -> field { return f(a); }", i+1))
	}
	return hostingtest.Request(append(files, fmt.Sprintf("f%d.zok", n), "def main(field a) -> field { return a; }")...)
}

func onCurve(id curve.ID, req hosting.Request) hosting.Request {
	req.Curve = id
	return req
}

type refusal hostingtest.Refusal

// TestRefusedSource compiles in this process, which spares loading the module
// for each case.
func TestRefusedSource(t *testing.T) {
	t.Parallel()
	cases := []refusal{
		{"several errors", hostingtest.Request("main.zok", "def main(field a) -> field {\n u32 b = a;\n return c;\n}"), fault.InvalidArtifact,
			[]string{"main.zok:2:2: Expression `a` of type `field` cannot be assigned", `main.zok:3:9: Identifier "c" is undefined`}, "(and 1 more error)"},
		{"syntax error", hostingtest.Request("main.zok", "def main(field a) -> field {\n\n  return a +;\n}"), fault.InvalidArtifact,
			[]string{"main.zok:3:13: syntax error: expected unaried_term"}, "main.zok:3:13: syntax error"},
		{"in an imported file", hostingtest.Request("app/main.zok", "import \"../lib/a\" as a;\ndef main() -> field { return a(); }",
			"lib/a.zok", "import \"./b\" as b;\ndef main() -> field { return b(); }", "lib/b.zok", "def main() -> field { return z; }"), fault.InvalidArtifact,
			[]string{`lib/b.zok:1:30: Identifier "z" is undefined`}, "lib/b.zok:1:30"},
		{"no main function", hostingtest.Request("main.zok", ""), fault.InvalidArtifact, []string{"main.zok: No main function found"}, "No main function"},
		{"missing file", hostingtest.Request("app/main.zok", "\nimport \"./no\" as no;\ndef main() { return; }"), fault.InvalidArtifact,
			[]string{`app/main.zok:2:1: cannot import "./no": there is no file app/no.zok among the sources`}, "app/no.zok"},
		{"missing module", hostingtest.Request("main.zok", "import \"hashes/no\" as no;\ndef main() { return; }"), fault.InvalidArtifact,
			[]string{"main.zok:1:1: module `hashes/no` not found in stdlib"}, "hashes/no"},
		{"cycle", hostingtest.Request("main.zok", "import \"./a\" as a;\ndef main() { return; }", "a.zok", "\nimport \"./b\" as b;\ndef main() { return; }",
			"b.zok", "\n\nimport \"./a\" as a;\ndef main() { return; }"), fault.InvalidArtifact,
			[]string{"b.zok:3:1: import cycle: b.zok imports a.zok imports b.zok"}, "import cycle"},
		{"file imports itself", hostingtest.Request("main.zok", "import \"./main\" as m;\ndef main() { return; }"), fault.InvalidArtifact,
			[]string{"main.zok:1:1: import cycle: main.zok imports main.zok"}, "import cycle"},
		{"way out", hostingtest.Request("a/main.zok", "import \"../../../etc/x\" as x;\ndef main() { return; }"), fault.InvalidArtifact,
			[]string{`a/main.zok:1:1: cannot import "../../../etc/x": the path leaves the source folder`}, "leaves the source folder"},
		{"absolute import", hostingtest.Request("main.zok", "import \"/main\" as x;\ndef main() { return; }"), fault.InvalidArtifact,
			[]string{`main.zok:1:1: cannot import "/main": absolute paths aren't allowed`}, "absolute"},
		{"chain of imports", importing(5), fault.TooLarge,
			[]string{"f4.zok:1:1: imports are nested more than 4 deep"}, "more than 4 deep"},
		{"pragma", onCurve(curve.BN128, hostingtest.Request("main.zok", "#pragma curve bls12_381\ndef main() { return; }")), fault.Unsupported,
			[]string{"main.zok: When processing macros: curve `bls12_381` is incompatible with curve `bn128`"}, "`bls12_381` is incompatible"},
		{"panic", hostingtest.Request("main.zok", "def main(u32 a) -> u32 { u32 b = 1/0; return a*b; }"), fault.InvalidArtifact,
			nil, "the compiler failed: attempt to divide by zero"},
		{"no end of stack", hostingtest.Request("main.zok", sumOf(4000)), fault.Unsupported, nil, "nested too deeply"},
	}
	loaded := loadModule(t)
	for _, tc := range cases {
		t.Run(tc.Name, func(t *testing.T) { hostingtest.Refusal(tc).Check(t, failingHere(t, loaded, tc.Req)) })
	}
}

// TestRefusedByChild has the same errors come through the pipes.
func TestRefusedByChild(t *testing.T) {
	t.Parallel()
	c := open(t, hosting.Config{})
	f := hostingtest.Fail(t, c, hostingtest.Request("app/main.zok", "def main(field a) -> field {\n u32 b = a;\n return c;\n}"))
	var list hosting.Errors
	if !errors.As(f, &list) || len(list) != 2 || list[1].Position != (fault.Position{File: "app/main.zok", Line: 3, Column: 9}) {
		t.Errorf("got errors %v, want two", list)
	}
	if want := "compile app/main.zok: app/main.zok:2:2: Expression"; !strings.HasPrefix(f.Detail, want) || f.Code != fault.InvalidArtifact {
		t.Errorf("got %s %q, want %s and %q", f.Code, f.Detail, fault.InvalidArtifact, want)
	}
	if f.Position == nil || *f.Position != list[0].Position {
		t.Errorf("got position %v, want %v", f.Position, list[0].Position)
	}

	f = hostingtest.Fail(t, c, hostingtest.Request("main.zok", "def main(u32 a) -> u32 { u32 b = 1/0; return a*b; }"))
	if f.Code != fault.InvalidArtifact || f.Detail != "compile main.zok: the compiler failed: attempt to divide by zero" {
		t.Errorf("got %s %q, want %s", f.Code, f.Detail, fault.InvalidArtifact)
	}
}

func TestEndlessProgram(t *testing.T) {
	t.Parallel()
	c := open(t, hosting.Config{Limits: hosting.Limits{Time: 3 * time.Second}})
	if f := hostingtest.Fail(t, c, hostingtest.Request("main.zok", nested)); f.Code != fault.DeadlineExceeded || !strings.Contains(f.Detail, "after 3s") {
		t.Errorf("got %s %q, want %s after 3s", f.Code, f.Detail, fault.DeadlineExceeded)
	}
}

func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	c := open(t, hosting.Config{Limits: hosting.Limits{Memory: hosting.MemoryLeast}})
	f := hostingtest.Fail(t, c, hostingtest.Request("main.zok", "def main() -> field { field[4000000] x = [1; 4000000]; return x[3]; }"))
	if f.Code != fault.Unsupported || !strings.Contains(f.Detail, "out of memory") || !strings.Contains(f.Detail, "128 MiB") {
		t.Errorf("got %s %q, want %s and the limits", f.Code, f.Detail, fault.Unsupported)
	}
}
