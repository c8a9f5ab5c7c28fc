package compiler

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/internal/curve"
	"provery/internal/frontend/hosting"
	"provery/internal/frontend/hosting/hostingtest"
	"provery/internal/peer"
)

// tree has a main file below the root, imports up, down and sideways, one file
// imported twice, and the standard library.
var tree = []string{
	"app/main.zok", `import "./lib/double" as double;
import "../common/one.zok" as one;
from "./lib/types" import Pair, LIMIT;
import "utils/casts/u32_to_field" as cast;
def main(private Pair p, u32 n) -> field {
    assert(n < LIMIT, "n is <too> large & more");
    log("p is {}", p);
    return double(p.a) + cast(n) + one();
}`,
	"app/lib/double.zok", `import "../../common/one" as one;
def main(field a) -> field { return 2 * a * one(); }`,
	"app/lib/types.zok", `const u32 LIMIT = 100;
struct Pair { field a; bool b; }`,
	"common/one.zok", `import "./deeper/zero" as zero;
def main() -> field { return 1 + zero(); }`,
	"common/deeper/zero.zok", `def main() -> field { return 0; }`,
	"unused.zok", `this isn't ZoKrates`,
}

// programs are compiled by zokrates-js under Node too.
func programs(t *testing.T) map[string]hosting.Request {
	t.Helper()
	list := map[string]hosting.Request{"tree": hostingtest.Request(tree...)}
	read := func(file string) hosting.Request {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		return hostingtest.Request("main.zok", string(text))
	}
	for _, name := range []string{"mixed", "generic", "logs", "assertmsg", "divzero"} {
		list[name] = read("testdata/zokrates/" + name + "/main.zok")
	}
	list["reserves"] = read("examples/zokrates/reserves/main.zok")
	for _, name := range []string{"logs", "tree"} {
		req := list[name]
		req.Options.Debug = true
		list[name+", debug"] = req
	}
	for _, id := range curve.All() {
		req := read("testdata/zokrates/asmdir/main.zok")
		req.Curve = id
		list["asmdir, "+id.String()] = req
	}
	return list
}

// TestSameAsPeer compiles programs here and with zokrates-js under Node.
func TestSameAsPeer(t *testing.T) {
	t.Parallel()
	toolchain := peer.Require(t)
	c := open(t, hosting.Config{Slots: make(chan struct{}, 2)})
	list, dir := programs(t), t.TempDir()
	var commands []peer.Command
	out := map[string]string{}
	for name, req := range maps.All(list) {
		in := filepath.Join(dir, name, "in")
		out[name] = filepath.Join(dir, name, "out")
		writeSources(t, in, req.Sources)
		commands = append(commands, peer.Compile{Source: filepath.Join(in, req.Main), Out: out[name], Curve: req.Curve.String(), Debug: req.Options.Debug})
	}
	results, err := toolchain.Batch(t.Context(), commands...)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	for name, req := range list {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compare(t, c, req, out[name])
		})
	}
}

func compare(t *testing.T, c *hosting.Compiler, req hosting.Request, want string) {
	t.Helper()
	result, err := c.Compile(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	t.Logf("%.1f CPU s, %d MiB", result.CPU.Seconds(), result.Memory>>20)
	wantProgram := readFile(t, filepath.Join(want, "out"))
	files := result.Artefacts()
	program, err := io.ReadAll(files[roleProgram])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(program, wantProgram) {
		t.Errorf("got a program of %d bytes that differs from that of %d bytes", len(program), len(wantProgram))
	}
	var wantABI bytes.Buffer
	if err := json.Compact(&wantABI, readFile(t, filepath.Join(want, "abi.json"))); err != nil {
		t.Fatal(err)
	}
	abi, err := io.ReadAll(files[roleABI])
	if err != nil {
		t.Fatal(err)
	}
	if got := string(abi); got != wantABI.String() {
		t.Errorf("got ABI %s, want %s", got, wantABI.String())
	}
	if result.Size != int64(len(program)+len(abi)) || result.CPU <= 0 {
		t.Errorf("got size %d in %v, want %d in some time", result.Size, result.CPU, len(program)+len(abi))
	}
}

// TestLargeExpression has more operators in a row than the module's own stack
// is large enough for, which is about 500.
func TestLargeExpression(t *testing.T) {
	t.Parallel()
	c := open(t, hosting.Config{})
	result, err := c.Compile(t.Context(), hostingtest.Request("main.zok", sumOf(1500)))
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	if result.Size == 0 {
		t.Error("got an empty program")
	}
}

// sumOf is a program that adds its argument n+1 times, in one expression.
func sumOf(n int) string {
	return "def main(field a) -> field { return a" + strings.Repeat(" + a", n) + "; }"
}

func writeSources(t *testing.T, dir string, sources map[string][]byte) {
	t.Helper()
	for name, text := range sources {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
