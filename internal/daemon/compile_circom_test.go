package daemon

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"provery/api"
	"provery/client"
	"provery/internal/config"
)

const circomMain = `pragma circom 2.1.6;
include "./lib/square.circom";
include "numbers.circom";
template Main() { signal input a; signal input b; signal output c; component s = Square(); s.in <== a; c <== s.out * b + FIVE(); }
component main {public [a]} = Main();`

// circomSources need a folder that the request names, or a library of the
// service.
func circomSources(numbers string) client.Sources {
	in := sources("app/main.circom", circomMain,
		"app/lib/square.circom", "pragma circom 2.1.6;\ntemplate Square() { signal input in; signal output out; out <== in * in; }")
	if numbers != "" {
		in.Files[numbers] = []byte("function FIVE() { return 5; }")
		in.Include = []string{filepath.ToSlash(filepath.Dir(numbers))}
	}
	return in
}

// TestCompileCircomAndProve goes from source to proofs on both curves and all
// levels.
func TestCompileCircomAndProve(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts the compiler several times")
	}
	r := start(t, withCompiler(t, nil))
	ids := map[string]bool{}
	for _, tc := range []struct{ curve, level string }{{"", ""}, {"bn128", "0"}, {"bls12_381", "2"}} {
		in := circomSources("vendor/numbers.circom")
		in.Name, in.Curve, in.Optimize = "squares", tc.curve, tc.level
		c, err := r.cl.Compile(r.ctx(), in)
		if err != nil {
			t.Fatal(err)
		}
		if c.Frontend != "circom" || tc.curve != "" && c.Curve != tc.curve || c.Statistics.PublicInputs != 2 || ids[c.ID] {
			t.Errorf("got %+v for %v", c, tc)
		}
		ids[c.ID] = true
		if _, err := r.cl.SetupKeys(r.ctx(), c.ID, "groth16"); err != nil {
			t.Fatal(err)
		}
		p, err := r.cl.Prove(r.ctx(), api.ProofRequest{Circuit: c.ID, Arguments: json.RawMessage(`{"a": "3", "b": 7}`)})
		if err != nil || string(p.Result.Outputs) != `{"c":"68"}` {
			t.Fatalf("got %+v, %v, want 68", p, err)
		}
		if again, err := r.cl.SubmitSources(r.ctx(), in, client.SubmitOptions{}); err != nil || again.Circuit == nil || again.Circuit.ID != c.ID {
			t.Errorf("got %+v, %v, want the circuit at once", again, err)
		}
	}
	r.wantEmptySpool()
}

// TestCircomLibrary compiles with a folder of the service's.
func TestCircomLibrary(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts the compiler")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "numbers.circom"), []byte("function FIVE() { return 5; }"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, withCompiler(t, func(c *config.Config) { c.Compiler.Libraries = []string{dir} }))
	if _, err := r.cl.Compile(r.ctx(), circomSources("")); err != nil {
		t.Errorf("with the service's library: got %v", err)
	}
	about, err := r.cl.About(r.ctx())
	if err != nil || about.Frontends[1].Compiler == nil || !about.Frontends[1].Compiler.Includes || len(about.Frontends[1].Compiler.Optimizations) != 3 {
		t.Errorf("got %+v, %v", about, err)
	}
}

// TestBadCircomSources has each error in its kind. Not parallel, as it counts
// this process's children.
func TestBadCircomSources(t *testing.T) {
	if testing.Short() {
		t.Skip("several starts of the compiler")
	}
	r := start(t, withCompiler(t, func(c *config.Config) { c.Compiler.MaxSourceBytes = 1 << 20 }))
	with := func(in client.Sources, change func(*client.Sources)) client.Sources { change(&in); return in }
	for _, tc := range []badSources{
		{"several errors", sources("main.circom", "pragma circom 2.1.6;\ntemplate A() { signal input x;\n y <== x;\n z <== x; }\ncomponent main = A();"),
			api.CodeInvalidArtifact, "main.circom:3:2: Undeclared symbol\nmain.circom:4:2: Undeclared symbol", "and 1 more error"},
		{"missing include", circomSources(""), api.CodeInvalidArtifact, `app/main.circom:3:1: cannot include "numbers.circom"`, "no such file"},
		{"a curve without a prime", with(circomSources("numbers.circom"), func(s *client.Sources) { s.Curve = "bw6_761" }), api.CodeInvalidRequest, "", "bn128, bls12_381"},
		{"no such level", with(circomSources("numbers.circom"), func(s *client.Sources) { s.Optimize = "3" }), api.CodeInvalidRequest, "", "1, 0, 2"},
		{"a folder outside", with(circomSources("numbers.circom"), func(s *client.Sources) { s.Include = []string{"../x"} }), api.CodeInvalidRequest, "", "leaves the source folder"},
		{"a level of ZoKrates", with(sources("main.zok", "def main() { return; }"), func(s *client.Sources) { s.Optimize = "1" }), api.CodeInvalidRequest, "", "none"},
		{"folders of ZoKrates", with(sources("main.zok", "def main() { return; }"), func(s *client.Sources) { s.Include = []string{"lib"} }), api.CodeInvalidRequest, "", "beside the importing file"},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.check(t, r) })
	}
	r.wantEmptySpool()
}

// TestCancelCircom cancels a compilation in work.
func TestCancelCircom(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts the compiler")
	}
	r := start(t, withCompiler(t, nil))
	in := sources("main.circom", "template E() { signal input x; signal output y; var i = 0; while (i >= 0) { i = 1; } y <== x; }\ncomponent main = E();")
	r.cancelCompilation(in)
	if _, err := r.cl.Compile(r.ctx(), circomSources("numbers.circom")); err != nil {
		t.Errorf("after that: got %v", err)
	}
}
