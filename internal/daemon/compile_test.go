package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/config"
	"provery/internal/frontend/hosting"
	"provery/internal/frontend/hosting/hostingtest"
)

// withCompiler is a service with the real compilers.
func withCompiler(t *testing.T, change func(*config.Config)) setup {
	t.Helper()
	toolchain, dir := hostingtest.Prepare(t, "../..", Languages()...), t.TempDir()
	if err := os.Symlink(toolchain, filepath.Join(dir, "toolchain")); err != nil {
		t.Fatal(err)
	}
	return setup{dir: dir, config: change}
}

// sources returns files given as paths and texts in turn.
func sources(files ...string) client.Sources {
	s := client.Sources{Files: map[string][]byte{}}
	for i := 0; i < len(files); i += 2 {
		s.Files[files[i]] = []byte(files[i+1])
	}
	return s
}

// TestCompileAndProve compiles a program with imports, makes keys for it and
// proves: source to proof over the API, with the compiler itself. The second
// time nothing is compiled.
func TestCompileAndProve(t *testing.T) {
	t.Parallel()
	r := start(t, withCompiler(t, nil))
	in := sources("app/main.zok", "from \"../lib/sum\" import main as sum;\ndef main(private field a, field b) -> field { log(\"sum {}\", sum(a, b)); return sum(a, b); }",
		"lib/sum.zok", "def main(field a, field b) -> field { return a + b * b; }", "unused.zok", "def main() { return; }")
	in.Name, in.Tag, in.Main, in.Debug = "sums", "v1", "app/main.zok", true
	job, err := r.cl.SubmitSources(r.ctx(), in, client.SubmitOptions{})
	if err != nil || job.Circuit != nil || job.Job.Kind != api.KindCompile {
		t.Fatalf("got %+v, %v, want a job", job, err)
	}
	c, err := r.cl.Compile(r.ctx(), in)
	if err != nil {
		t.Fatal(err)
	}
	if c.Statistics.PublicInputs != 2 || strings.Join(c.Tags, " ") != "sums:latest sums:v1" || !strings.Contains(string(c.ABI), `"name":"a"`) {
		t.Errorf("got %+v", c)
	}
	if _, err := r.cl.SetupKeys(r.ctx(), "sums", "gm17"); err != nil {
		t.Fatal(err)
	}
	p, err := r.cl.Prove(r.ctx(), api.ProofRequest{Circuit: "sums:v1", Arguments: json.RawMessage(`["3","5"]`)})
	if err != nil || string(p.Result.Outputs) != `"28"` {
		t.Fatalf("got %+v, %v, want 28", p, err)
	}
	dry, err := r.cl.DryRun(r.ctx(), "sums", api.WitnessRequest{Arguments: json.RawMessage(`["3","5"]`), Logs: true})
	if err != nil || strings.Join(dry.Logs, "") != `sum "28"` {
		t.Errorf("got %+v, %v, want the log line of a program compiled for debugging", dry, err)
	}
	first, err := r.cl.Job(r.ctx(), job.Job.ID, patience)
	if err != nil || first.State != api.StateSucceeded || first.Circuit != c.ID || first.Links.Circuit == "" {
		t.Errorf("got %+v, %v, want the circuit in the job", first, err)
	}
	in.Name = "again"
	if known, err := r.cl.SubmitSources(r.ctx(), in, client.SubmitOptions{}); err != nil || known.Circuit == nil || known.Circuit.ID != c.ID {
		t.Errorf("got %+v, %v, want the circuit at once", known, err)
	}
	if _, err := r.cl.Proof(r.ctx(), job.Job.ID, 0); client.CodeOf(err) != api.CodeNotFound {
		t.Errorf("a compilation as a proof: got %v", err)
	}
}

// endless is a program that compiles for hours.
const endless = `def main(field x) -> field {
    field mut y = x;
    for u32 i in 0..1048576 { for u32 j in 0..1048576 { y = y + 1; } }
    return y;
}`

// chain is a chain of n imports.
func chain(n int) client.Sources {
	files := []string{"main.zok", "import \"./f1\" as f;\ndef main(field a) -> field { return f(a); }"}
	for i := 1; i < n; i++ {
		files = append(files, fmt.Sprintf("f%d.zok", i), fmt.Sprintf("import \"./f%d\" as f;\ndef main(field a) -> field { return f(a); }", i+1))
	}
	return sources(append(files, fmt.Sprintf("f%d.zok", n), "def main(field a) -> field { return a; }")...)
}

// TestBadSources compiles what can't be compiled: each ends in an error of its
// kind, no compiler is left, and the service compiles the next.
//
// Not parallel, as it counts this process's children.
func TestBadSources(t *testing.T) {
	if testing.Short() {
		t.Skip("a dozen starts of the compiler")
	}
	r := start(t, withCompiler(t, func(c *config.Config) {
		c.Compiler = config.Compiler{Slots: 2, Memory: 128 << 20, Time: time.Minute, MaxSourceBytes: 1 << 20, MaxFiles: 100, MaxImportDepth: 8}
	}))
	nested := sources("main.zok", "def main(field a) -> field { return "+strings.Repeat("a + ", 4000)+"a; }")
	onCurve := func(c string, s client.Sources) client.Sources { s.Curve = c; return s }
	for _, tc := range []badSources{
		{"several errors", sources("main.zok", "import \"./lib/a\" as a;\ndef main(field x) -> field {\n u32 b = x;\n return c;\n}", "lib/a.zok", "def main() -> field { return 1; }"),
			api.CodeInvalidArtifact, "main.zok:3:2: Expression\nmain.zok:4:9: Identifier", "and 1 more error"},
		{"syntax error in an import", sources("main.zok", "import \"./lib/a\" as a;\ndef main() { return; }", "lib/a.zok", "\n\ndef main( {"),
			api.CodeInvalidArtifact, "lib/a.zok:3:11: syntax error", "syntax error"},
		{"import cycle", sources("main.zok", "import \"./a\" as a;\ndef main() { return; }", "a.zok", "import \"./main\" as m;\ndef main() { return; }"),
			api.CodeInvalidArtifact, "a.zok:1:1: import cycle", "import cycle: a.zok imports main.zok imports a.zok"},
		{"missing import", sources("main.zok", "\nimport \"./no\" as no;\ndef main() { return; }"), api.CodeInvalidArtifact, "main.zok:2:1: cannot import", "no file no.zok"},
		{"import that leaves", sources("main.zok", "import \"../../etc/passwd\" as p;\ndef main() { return; }"), api.CodeInvalidArtifact, "main.zok:1:1: cannot import", "leaves the source folder"},
		{"imports too deep", chain(12), api.CodeTooLarge, "f8.zok:1:1: imports are nested", "more than 8 deep"},
		{"out of stack", nested, api.CodeUnsupported, "", "nested too deeply"},
		{"out of memory", sources("main.zok", "def main() -> field { field[4000000] x = [1; 4000000]; return x[3]; }"), api.CodeUnsupported, "", "out of memory"},
		{"another curve", sources("main.zok", "#pragma curve bls12_381\ndef main() { return; }"), api.CodeUnsupported, "main.zok: When processing macros", "incompatible"},
		{"unknown curve", onCurve("p256", sources("main.zok", "def main() { return; }")), api.CodeInvalidRequest, "", "one of"},
		{"not text", sources("main.zok", "\xff\xfe"), api.CodeInvalidArtifact, "", "UTF-8"},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.check(t, r) }) // one after the other: there are two processors at best
	}
	if _, err := r.cl.Compile(r.ctx(), sources("main.zok", "def main(field a) -> field { return a; }")); err != nil {
		t.Errorf("after all that: got %v", err)
	}
	r.wantEmptySpool()
}

// badSources are sources that don't compile, and why.
type badSources struct {
	name   string
	in     client.Sources
	code   api.Code
	errors string // all errors, one a line; their beginnings
	detail string
}

// check compiles them, and finds that no compiler is left.
func (b *badSources) check(t *testing.T, r *rig) {
	t.Helper()
	_, err := r.cl.Compile(r.ctx(), b.in)
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Code != b.code || !strings.Contains(refused.Detail, b.detail) {
		t.Fatalf("got %v, want %s with %q", err, b.code, b.detail)
	}
	var lines []string
	for _, e := range refused.Errors {
		lines = append(lines, e.Error())
	}
	want := strings.FieldsFunc(b.errors, func(r rune) bool { return r == '\n' })
	if len(lines) != len(want) {
		t.Fatalf("got errors %q, want %d", lines, len(want))
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("got error %q, want %q", lines[i], want[i])
		}
	}
	if n := compilers(t); n != 0 {
		t.Errorf("%d compilers are left", n)
	}
}

// wantEmptySpool checks that nothing is left of uploads and programs.
func (r *rig) wantEmptySpool() {
	r.t.Helper()
	left, err := os.ReadDir(r.spool)
	if err != nil || len(left) != 1 || left[0].Name() != spoolLock {
		r.t.Errorf("%v is left in the spool (%v), want the lock alone", left, err)
	}
}

// TestEndlessCompilation ends a compilation at the time limit, which counts
// its loading. Not parallel, as it counts this process's children.
func TestEndlessCompilation(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the compiler")
	}
	r := start(t, withCompiler(t, func(c *config.Config) { c.Compiler.Time = time.Second }))
	_, err := r.cl.Compile(r.ctx(), sources("main.zok", endless))
	if client.CodeOf(err) != api.CodeDeadlineExceeded || !strings.Contains(err.Error(), "stopped after 1s") {
		t.Errorf("got %v, want the limit", err)
	}
	if n := compilers(t); n != 0 {
		t.Errorf("%d compilers are left", n)
	}
	r.wantEmptySpool()
}

// TestCancelCompilation cancels a compilation in work, and lets one expire: the
// compiler's process ends.
func TestCancelCompilation(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts the compiler three times")
	}
	r := start(t, withCompiler(t, nil))
	in := sources("main.zok", endless)
	r.cancelCompilation(in)
	deadline := time.Now().Add(2 * time.Second)
	in.Deadline = &deadline
	_, err := r.cl.Compile(r.ctx(), in)
	if client.CodeOf(err) != api.CodeDeadlineExceeded {
		t.Errorf("got %v, want it expired", err)
	}
	if _, err := r.cl.Compile(r.ctx(), sources("main.zok", "def main(field a) -> field { return a; }")); err != nil {
		t.Errorf("after that: got %v", err)
	}
}

// cancelCompilation has sources compiled until the compiler is at work, and cancels
// that.
func (r *rig) cancelCompilation(in client.Sources) {
	r.t.Helper()
	job, err := r.cl.SubmitSources(r.ctx(), in, client.SubmitOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.untilStage(job.Job.ID, hosting.StageCompile)
	if _, err := r.cl.CancelJob(r.ctx(), job.Job.ID); err != nil {
		r.t.Fatal(err)
	}
	if j, err := r.cl.Job(r.ctx(), job.Job.ID, patience); err != nil || j.State != api.StateCancelled {
		r.t.Errorf("got %+v, %v, want it cancelled", j, err)
	}
}

// untilStage waits until a job has come to a stage.
func (r *rig) untilStage(id, stage string) {
	r.t.Helper()
	for ctx := r.ctx(); ; {
		j, err := r.cl.Job(ctx, id, 0)
		var busy *client.Error
		switch {
		case errors.As(err, &busy) && busy.Retryable && ctx.Err() == nil: // ask again
		case err != nil || j.State.Terminal():
			r.t.Fatalf("got %+v, %v, want it to come to %s", j, err, stage)
		case j.Stage == stage:
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestCompilerIsMissing says how to install it, before a job is accepted.
func TestCompilerIsMissing(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	_, err := r.cl.Compile(r.ctx(), sources("main.zok", "def main() { return; }"))
	if client.CodeOf(err) != api.CodeUnsupported || !strings.Contains(err.Error(), "provery toolchain install zokrates") {
		t.Errorf("got %v, want how to install it", err)
	}
	about, err := r.cl.About(r.ctx())
	if err != nil || about.Frontends[0].Compiler == nil || about.Frontends[0].Compiler.Installed {
		t.Errorf("got %+v, %v, want a compiler that isn't installed", about, err)
	}
	off := start(t, setup{config: func(c *config.Config) { c.Compiler.Slots = 0 }})
	if _, err := off.cl.Compile(off.ctx(), sources("main.zok", "def main() { return; }")); client.CodeOf(err) != api.CodeInvalidRequest {
		t.Errorf("without compilers: got %v", err)
	}
	if a := off.do(http.MethodGet, "/openapi.json", ""); strings.Contains(a.body, `"archive"`) {
		t.Error("the document has sources without a compiler")
	}
}
