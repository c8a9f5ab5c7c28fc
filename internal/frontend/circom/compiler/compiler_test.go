package compiler

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend/hosting"
	"provery/internal/frontend/hosting/hostingtest"
)

const (
	root    = "../../../.."
	modules = root + "/toolchain/circom/node_modules"
)

// TestMain is also the child's main function.
func TestMain(m *testing.M) { hostingtest.Main(m, Language()) }

func open(t testing.TB, cfg hosting.Config) *hosting.Compiler {
	t.Helper()
	return hostingtest.Open(t, root, Language(), cfg)
}

// circuits are compiled by circom2 under Node, too.
func circuits(t *testing.T) map[string]hosting.Request {
	t.Helper()
	tree := hostingtest.Request(
		"app/main.circom", `pragma circom 2.1.6;
include "./lib/square.circom";
include "../common/more.circom";
include "shared/constants.circom";
template Main() { signal input a; signal input b[2][3]; signal output c;
  component s = Square(); s.in <== a; component m = More(FIVE()); m.in <== s.out;
  signal d <== b[0][1] * b[1][2]; log("d is", d); c <== m.out + d; assert(a != 7); }
component main {public [a]} = Main();`,
		"app/lib/square.circom", "pragma circom 2.0.0;\ntemplate Square() { signal input in; signal output out; out <== in * in; }",
		"common/more.circom", "pragma circom 2.0.0;\ninclude \"../app/lib/square.circom\";\n"+
			"template More(n) { signal input in; signal output out; component q = Square(); q.in <== in + n; out <== q.out; }",
		"vendor/shared/constants.circom", "function FIVE() { return 5; }",
		"unused.circom", "this isn't Circom")
	tree.Options.Include = []string{"vendor"}
	list := map[string]hosting.Request{"tree": tree}
	for _, level := range Language().Optimizations() {
		req := tree
		req.Options.Optimize = level
		list["tree, O"+level] = req
	}
	req := tree
	req.Curve = curve.BLS12381
	list["tree, bls12_381"] = req
	for _, name := range []string{"poseidon", "comparators"} {
		list[name] = withCircomlib(t, filepath.Join(root, "testdata/circom/lib", name+".circom"))
	}
	return list
}

// withCircomlib asks for a circuit with all of circomlib beside it.
func withCircomlib(t *testing.T, file string) hosting.Request {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	req := hostingtest.Request("main.circom", string(text))
	req.Options.Include = []string{"node_modules"}
	library, err := filepath.Glob(filepath.Join(modules, "circomlib/circuits/*.circom"))
	if err != nil || len(library) == 0 {
		t.Fatal("circomlib isn't installed: make setup installs it")
	}
	for _, name := range library {
		if req.Sources["node_modules/circomlib/circuits/"+filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return req
}

// TestSameAsNode compiles circuits here and with circom2 under Node.
func TestSameAsNode(t *testing.T) {
	t.Parallel()
	c := open(t, hosting.Config{Slots: make(chan struct{}, 2)})
	for name, req := range circuits(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := underNode(t, req)
			result, err := c.Compile(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			defer result.Close()
			got := result.Artefacts()
			if len(got) != len(want) {
				t.Fatalf("got %d files, want %d", len(got), len(want))
			}
			for role, file := range got {
				content, err := io.ReadAll(file)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(content, want[role]) {
					t.Errorf("the %s of %d bytes differs from that of %d bytes", role, len(content), len(want[role]))
				}
			}
		})
	}
}

// underNode returns what circom2 makes under Node, by role. It sees files below
// its working directory only, and follows no symbolic links.
func underNode(t *testing.T, req hosting.Request) map[string][]byte {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range req.Sources {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "result"), 0o755); err != nil {
		t.Fatal(err)
	}
	cli, err := filepath.Abs(filepath.Join(hostingtest.Package(root, Language()), "cli.js"))
	if err != nil {
		t.Fatal(err)
	}
	prime := strings.ReplaceAll(req.Curve.String(), "_", "")
	args := []string{cli, filepath.FromSlash(req.Main), "--r1cs", "--wasm", "--sym", "--prime", prime, "-o", "result"}
	if req.Options.Optimize != "" {
		args = append(args, "--O"+req.Options.Optimize)
	}
	for _, include := range req.Options.Include {
		args = append(args, "-l", include)
	}
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	out := map[string][]byte{}
	for role, name := range map[string]string{"r1cs": "main.r1cs", "wasm": "main_js/main.wasm", "sym": "main.sym"} {
		if out[role], err = os.ReadFile(filepath.Join(dir, "result", name)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestTree(t *testing.T) {
	t.Parallel()
	if err := fstest.TestFS(newTree(map[string]string{"a/b/c.circom": "c", "a/d.circom": "", "e.circom": "text"}), "a/b/c.circom", "a/d.circom", "e.circom"); err != nil {
		t.Error(err)
	}
}

func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "toolchain")
	if err := Language().Prepare(t.Context(), t.TempDir(), dir); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "npm ci") {
		t.Errorf("no package: got %v", err)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "circom.wasm"), []byte("\x00asm\x01\x00\x00\x00"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Language().Prepare(t.Context(), other, dir); !fault.Is(err, fault.InvalidArtifact) || !strings.Contains(err.Error(), "circom2 0.2.23") {
		t.Errorf("another package: got %v", err)
	}
	if err := Language().Locate(dir); !fault.Is(err, fault.Unsupported) || !strings.Contains(err.Error(), "provery toolchain install circom") {
		t.Errorf("got %v, want it not to be installed", err)
	}
}
