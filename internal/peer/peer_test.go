package peer

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestFindSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := find(t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "make setup") {
		t.Errorf("got %v, want an error that tells to run `make setup`", err)
	}

	root := t.TempDir()
	writeFile(t, filepath.Join(root, "toolchain/zokrates/package.json"), `{"dependencies":{"zokrates-js":"1.1.9"}}`)
	writeFile(t, filepath.Join(root, "toolchain/zokrates/node_modules/zokrates-js/package.json"), `{"version":"1.0.0"}`)
	_, err = find(root)
	if err == nil || !strings.Contains(err.Error(), "version 1.0.0 is installed, want 1.1.9") {
		t.Errorf("got %v, want an error about the version", err)
	}
}

// TestVerifyFixtures checks every proof of testdata/zokrates, and the first of
// them again with an altered input.
func TestVerifyFixtures(t *testing.T) {
	t.Parallel()
	toolchain := Require(t)
	files, err := filepath.Glob(filepath.Join(toolchain.Root(), "testdata/zokrates/*/*/*-*/proof.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d fixture proofs and error %v, want some", len(files), err)
	}
	var proofs []Proof
	for _, file := range files {
		dir := filepath.Dir(file)
		backend, _, _ := strings.Cut(filepath.Base(dir), "-")
		proofs = append(proofs, Proof{VK: readFile(t, filepath.Join(dir, "verification.key")), Proof: readFile(t, file), Backend: backend})
	}
	altered := proofs[0]
	altered.Proof = alterInput(t, altered.Proof)
	verdicts, err := toolchain.Verify(t.Context(), append(proofs, altered)...)
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		if verdicts[i] != nil {
			t.Errorf("%s: got %v, want it accepted", file, verdicts[i])
		}
	}
	if verdicts[len(files)] == nil {
		t.Errorf("%s with an altered input: got it accepted, want an error", files[0])
	}
}

// alterInput returns the proof with the last digit of its first input changed.
func alterInput(t *testing.T, proof []byte) []byte {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal(proof, &p); err != nil {
		t.Fatal(err)
	}
	inputs := p["inputs"].([]any)
	first := inputs[0].(string)
	last := "0"
	if strings.HasSuffix(first, last) {
		last = "1"
	}
	inputs[0] = first[:len(first)-1] + last
	out, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPipeline goes from source to proof, and compiles the same sources in two
// places, which must give the same program.
func TestPipeline(t *testing.T) {
	t.Parallel()
	toolchain := Require(t)
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "deeper")
	for _, d := range []string{dir, elsewhere} {
		writeFile(t, filepath.Join(d, "main.zok"), `import "./lib/double" as double;
def main(private field a, u32 b) -> (field, u32) { log("a is {}", a); return (double(a), b + 1); }`)
		writeFile(t, filepath.Join(d, "lib/double.zok"), `import "../one" as one; def main(field a) -> field { return 2 * a * one(); }`)
		writeFile(t, filepath.Join(d, "one.zok"), `def main() -> field { return 1; }`)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	writeFile(t, in("args.json"), `["21","0xff"]`)
	suite := Suite{Scheme: "gm17"}
	results, err := toolchain.Batch(t.Context(),
		Compile{Source: in("main.zok"), Out: in("bn128"), Debug: true},
		Compile{Source: filepath.Join(elsewhere, "main.zok"), Out: elsewhere, Debug: true},
		Witness{Program: in("bn128/out"), ABI: in("bn128/abi.json"), Args: in("args.json"), Out: in("bn128")},
		Setup{Suite: suite, Program: in("bn128/out"), Out: in("keys"), Entropy: "test"},
		Prove{Suite: suite, Program: in("bn128/out"), Witness: in("bn128/witness"), Key: in("keys/proving.key"), Out: in("proof.json")},
		Verify{VK: in("keys/verification.key"), Proof: in("proof.json")},
		Solidity{VK: in("keys/verification.key"), Out: in("verifier.sol")},
	)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Err != nil {
			t.Fatalf("command %d: %v", i, r.Err)
		}
		if r.Stats.CPUSeconds <= 0 || r.Stats.PeakRSSBytes <= 0 {
			t.Errorf("command %d: got stats %+v, want time and memory", i, r.Stats)
		}
	}
	var compiled Compiled
	if err := results[0].Decode(&compiled); err != nil || compiled.Constraints == 0 {
		t.Errorf("got %+v and error %v, want constraints", compiled, err)
	}
	if a, b := readFile(t, in("bn128/out")), readFile(t, filepath.Join(elsewhere, "out")); !reflect.DeepEqual(a, b) {
		t.Error("the same sources in two places give different programs")
	}
	var computed Computed
	if err := results[2].Decode(&computed); err != nil {
		t.Fatal(err)
	}
	if got, want := string(computed.Output), `["42","0x00000100"]`; got != want {
		t.Errorf("got output %s, want %s", got, want)
	}
	if got, want := computed.Logs, []string{`a is "21"`}; !reflect.DeepEqual(got, want) {
		t.Errorf("got logs %q, want %q", got, want)
	}
	if err := verdict(results[5]); err != nil {
		t.Errorf("got %v, want the proof accepted", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	toolchain := Require(t)
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	writeFile(t, in("syntax.zok"), "def main( {")
	writeFile(t, in("import.zok"), `import "./nowhere" as x; def main() { return; }`)
	writeFile(t, in("panic.zok"), "def main(u32 a) -> u32 { u32 b = 1/0; return a*b; }")
	writeFile(t, in("unsatisfied.json"), `["1","2"]`)
	fixture := filepath.Join(toolchain.Root(), "testdata/zokrates/assertmsg/bn128")
	program, abi := filepath.Join(fixture, "out"), filepath.Join(fixture, "abi.json")
	cases := []struct {
		name    string
		command Command
		kind    Kind
		text    string
	}{
		{"syntax error", Compile{Source: in("syntax.zok"), Out: dir}, Rejected, "1:11"},
		{"missing import", Compile{Source: in("import.zok"), Out: dir}, Rejected, "could not resolve module `./nowhere`"},
		{"compiler crash", Compile{Source: in("panic.zok"), Out: dir}, Panic, "attempt to divide by zero"},
		{"missing file", Compile{Source: in("absent.zok"), Out: dir}, File, "absent.zok"},
		{"unknown curve", Compile{Source: in("syntax.zok"), Out: dir, Curve: "p256"}, Usage, "p256"},
		{"missing option", Compile{Source: in("syntax.zok")}, Usage, "--out is required"},
		{"other curve's program", Setup{Suite: Suite{Curve: "bw6_761"}, Program: program, Out: dir}, Usage, "is for the curve bn128"},
		{"not a program", Setup{Program: abi, Out: dir}, File, "not a ZoKrates program"},
		{"failed assertion", Witness{Program: program, ABI: abi, Args: in("unsatisfied.json"), Out: dir}, Rejected, "values differ"},
		{"not JSON", Verify{VK: program, Proof: abi}, File, "JSON"},
		{"not a key", Verify{VK: abi, Proof: abi}, Rejected, "missing field `curve`"},
	}
	var commands []Command
	for _, c := range cases {
		commands = append(commands, c.command)
	}
	results, err := toolchain.Batch(t.Context(), commands...)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		got := results[i].Err
		if got == nil || got.Kind != c.kind || !strings.Contains(got.Message, c.text) {
			t.Errorf("%s: got %v, want %s with %q", c.name, got, c.kind, c.text)
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	toolchain := Require(t)
	_, err := toolchain.Run(t.Context(), Verify{VK: "/nowhere", Proof: "/nowhere"})
	var e *Error
	if !errors.As(err, &e) || e.Kind != File {
		t.Errorf("got %v, want an Error of kind file", err)
	}
}

func TestBuild(t *testing.T) {
	toolchain := Require(t)
	t.Setenv("PROVERY_CACHE", t.TempDir()) // so not parallel
	build := Build{Dir: "testdata/zokrates/square", Suite: Suite{Curve: "bls12_381", Scheme: "gm17"}}
	var stamps [2]os.FileInfo
	for i := range stamps {
		dir, err := toolchain.Build(t.Context(), build)
		if err != nil {
			t.Fatal(err)
		}
		readFile(t, filepath.Join(dir, "abi.json"))
		if stamps[i], err = os.Stat(filepath.Join(dir, "ark-gm17", "proving.key")); err != nil {
			t.Fatal(err)
		}
	}
	if !os.SameFile(stamps[0], stamps[1]) {
		t.Error("the second build made new keys, want those in the cache")
	}
	if _, err := toolchain.Build(t.Context(), Build{Dir: "testdata/zokrates"}); err == nil {
		t.Error("got no error for a folder without a program")
	}
}

func writeFile(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
