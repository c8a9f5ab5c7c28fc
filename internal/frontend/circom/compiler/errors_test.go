package compiler

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"provery/internal/fault"
	"provery/internal/frontend/hosting"
	"provery/internal/frontend/hosting/hostingtest"
)

const (
	pragma = "pragma circom 2.1.6;\n"
	// square is a circuit's file without its main component.
	square = "template Square() { signal input x; signal output y; y <== x * x; }\n"
	// endless counts at compile time.
	endless = pragma + "template E() { signal input x; signal output y; var i = 0; while (i >= 0) { i = 1; } y <== x; }\ncomponent main = E();"
	// deep calls itself more often than the compiler's stack is deep.
	deep = pragma + "template D(n) { signal input x; signal output y; component d = D(n + 1); d.x <== x; y <== d.y; }\ncomponent main = D(0);"
	// vast has more signals than there are addresses.
	vast = pragma + "template V() { signal input x[1000000000]; signal output y; y <== x[0]; }\ncomponent main = V();"
)

type refusal hostingtest.Refusal

func TestRefusedSource(t *testing.T) {
	t.Parallel()
	cases := []refusal{
		{"several errors", hostingtest.Request("main.circom", pragma+"template A() {\n  signal input x;\n  y <== x;\n  z <== x;\n}\ncomponent main = A();"), fault.InvalidArtifact,
			[]string{"main.circom:4:3: Undeclared symbol: Using unknown symbol", "main.circom:5:3: Undeclared symbol"}, "(and 1 more error)"},
		{"in an included file", hostingtest.Request("app/main.circom", pragma+"include \"../lib/a.circom\";\ncomponent main = A();",
			"lib/a.circom", pragma+"template A() { signal input x;\n   w === x; }"), fault.InvalidArtifact,
			[]string{"lib/a.circom:3:4: Undeclared symbol"}, "lib/a.circom:3:4"},
		{"columns are characters", hostingtest.Request("main.circom", pragma+"template A() { signal input x; /* äöü */ w === x; }\ncomponent main = A();"), fault.InvalidArtifact,
			[]string{"main.circom:2:42: Undeclared symbol"}, ""},
		{"syntax error", hostingtest.Request("main.circom", pragma+"template A() {\n  x == ;\n}"), fault.InvalidArtifact,
			[]string{"main.circom:3:3: illegal expression"}, ""},
		{"early end", hostingtest.Request("main.circom", pragma+"template A() {\n  signal input x;"), fault.InvalidArtifact,
			[]string{"main.circom:3:18: syntax error: the file ends too early"}, ""},
		{"no token", hostingtest.Request("main.circom", pragma+"template A() { # }"), fault.InvalidArtifact,
			[]string{"main.circom:2:16: syntax error"}, ""},
		{"a title of two lines", hostingtest.Request("main.circom", pragma+"template A() { signal input x; signal output y;\n y <== x; y <== x; }\ncomponent main = A();"), fault.InvalidArtifact,
			[]string{"main.circom:3:2: Exception caused by invalid assignment: Signal has been already assigned: found here"}, ""},
		{"not quadratic", hostingtest.Request("main.circom", pragma+"template A() { signal input x; signal output y; y <== x * x * x; }\ncomponent main = A();"), fault.InvalidArtifact,
			[]string{"main.circom:2:49: Non quadratic constraints are not allowed!"}, ""},
		{"no main component", hostingtest.Request("main.circom", pragma+square), fault.InvalidArtifact,
			[]string{"main.circom: No main specified in the project structure"}, ""},
		{"newer language", hostingtest.Request("main.circom", "pragma circom 3.0.0;\n"+square+"component main = Square();"), fault.InvalidArtifact,
			[]string{`main.circom: File "main.circom" requires pragma version 3.0.0`}, ""},
		{"missing file", hostingtest.Request("app/main.circom", pragma+"\ninclude \"no.circom\";\ncomponent main = A();"), fault.InvalidArtifact,
			[]string{`app/main.circom:3:1: cannot include "no.circom"`}, "no such file"},
		{"way out", hostingtest.Request("a/main.circom", pragma+"include \"../../../../etc/passwd\";\ncomponent main = A();"), fault.InvalidArtifact,
			[]string{`a/main.circom:2:1: cannot include "../../../../etc/passwd"`}, ""},
		{"absolute include", hostingtest.Request("main.circom", pragma+"include \"/etc/passwd\";\ncomponent main = A();"), fault.InvalidArtifact,
			[]string{`main.circom:2:1: cannot include "/etc/passwd"`}, ""},
		{"includes in a circle", hostingtest.Request("main.circom", pragma+"include \"a.circom\";\ncomponent main = No();", "a.circom", pragma+"include \"main.circom\";"), fault.InvalidArtifact,
			[]string{"main.circom:3:18: Calling symbol"}, ""},
		{"no end of stack", hostingtest.Request("main.circom", deep), fault.Unsupported, nil, "nested too deeply"},
		{"more than can be addressed", hostingtest.Request("main.circom", vast), fault.Unsupported, nil, "out of memory"},
	}
	c := open(t, hosting.Config{Slots: make(chan struct{}, 2)})
	for _, tc := range cases {
		t.Run(tc.Name, func(t *testing.T) {
			t.Parallel()
			hostingtest.Refusal(tc).Check(t, hostingtest.Fail(t, c, tc.Req))
		})
	}
}

// TestConfined includes a file beside the directory that the compiler writes to.
func TestConfined(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret.circom"), []byte("hush"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := open(t, hosting.Config{})
	for _, name := range []string{
		"/out/../secret.circom", "../../../out/../secret.circom", "/src/../out/../secret.circom",
		filepath.Join(dir, "secret.circom"), "../../../../../../../../.." + filepath.Join(dir, "secret.circom"),
	} {
		f := hostingtest.Fail(t, c, hostingtest.Request("a/main.circom", pragma+"include \""+name+"\";\n"+square+"component main = Square();"))
		if !strings.Contains(f.Detail, "cannot include") || strings.Contains(f.Error(), "hush") {
			t.Errorf("%s: got %v, want no such file", name, f)
		}
	}
}

func TestEndlessSource(t *testing.T) {
	t.Parallel()
	c := open(t, hosting.Config{Limits: hosting.Limits{Time: 3 * time.Second}})
	if f := hostingtest.Fail(t, c, hostingtest.Request("main.circom", endless)); f.Code != fault.DeadlineExceeded || !strings.Contains(f.Detail, "after 3s") {
		t.Errorf("got %s %q, want %s after 3s", f.Code, f.Detail, fault.DeadlineExceeded)
	}
}

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	c := open(t, hosting.Config{Limits: hosting.Limits{Memory: hosting.MemoryLeast}})
	large := pragma + "template L() { signal input x[20000000]; signal output y; y <== x[0]; }\ncomponent main = L();"
	f := hostingtest.Fail(t, c, hostingtest.Request("main.circom", large))
	if f.Code != fault.Unsupported || !strings.Contains(f.Detail, "out of memory") || !strings.Contains(f.Detail, "128 MiB") {
		t.Errorf("got %s %q, want %s and the limits", f.Code, f.Detail, fault.Unsupported)
	}
}

func FuzzRefused(f *testing.F) {
	f.Add("\x1b[1merror[T2021]\x1b[0m: Undeclared symbol\n  ┌─ \"/src/a.circom\":2:55\n  │\n2 │ y <== z\n  │       ^ Using unknown symbol\n\nprevious errors were found\n")
	f.Add("error[P1014]:  The file x to be included has not been found\n = Consider\n\n")
	f.Add("error[P1012]: UnrecognizedEOF { location: 99999999999999999999, expected: [] }\n  ┌─ \"/src/a.circom\":1:1\n")
	f.Fuzz(func(t *testing.T, text string) {
		job := &hosting.Job{Sources: map[string]string{"a.circom": "include \"x\";"}}
		job.Main = "a.circom"
		var e *fault.Error
		if !errors.As(refused(text, job), &e) || len(e.Diagnostics) == 0 {
			t.Fatalf("got %v, want at least one error", e)
		}
		if utf8.ValidString(text) && !utf8.ValidString(e.Detail) {
			t.Errorf("got detail %q, want UTF-8", e.Detail)
		}
	})
}
