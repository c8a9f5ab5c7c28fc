package prove_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"provery/internal/curve"
	"provery/internal/frontend"
	"provery/internal/frontend/circom"
	"provery/internal/frontend/frontendtest"
	"provery/internal/prove"
	"provery/internal/scheme"
)

// TestCircomlib compares with snarkjs on circuits of circomlib and random
// arguments, which toolchain/circom/build.mjs makes: our witness is byte for
// byte snarkjs's; snarkjs proves with a key that we set up and accepts our
// proof; we accept its proof. With PROVERY_CIRCOMLIB=all it takes all circuits
// rather than two.
func TestCircomlib(t *testing.T) {
	t.Parallel()
	names := []string{"bitify", "comparators", "eddsa", "escalarmul", "membership", "mimc", "poseidon", "sha256", "smt"}
	if os.Getenv("PROVERY_CIRCOMLIB") != "all" {
		names = names[:2] // snarkjs takes long
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) { testCircomlib(t, name) })
	}
}

func testCircomlib(t *testing.T, name string) {
	dir := filepath.Join("../../build/cache/circomlib", name)
	cli, err := filepath.Abs("../../toolchain/circom/node_modules/snarkjs/build/cli.cjs")
	if err != nil {
		t.Fatal(err)
	}
	for _, needed := range []string{dir, cli} {
		if _, err := os.Stat(needed); err != nil {
			t.Fatalf("the circuits and snarkjs aren't set up ('make setup' does it): %v", err)
		}
	}
	read := func(file string) []byte {
		t.Helper()
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	work := t.TempDir()
	write := func(name string, b []byte) string {
		t.Helper()
		file := filepath.Join(work, name)
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	snarkJS := func(args ...string) string { return runSnarkJS(t, cli, work, args...) }

	base := filepath.Join(dir, name)
	wasm := read(filepath.Join(dir, name+"_js", name+".wasm"))
	p, err := circom.New(circom.Config{}).Import(t.Context(), frontendtest.Artefacts(map[string][]byte{
		circom.RoleR1CS: read(base + ".r1cs"), circom.RoleSym: read(base + ".sym"), circom.RoleWasm: wasm,
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = frontend.Release(p) }()

	arguments := read(base + ".json")
	s, err := p.Solve(t.Context(), arguments, frontend.SolveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var witness bytes.Buffer
	if err := p.(frontend.WitnessFiles).WriteWitness(&witness, s, circom.Witness); err != nil {
		t.Fatal(err)
	}
	snarkJS("wtns", "calculate", write("c.wasm", wasm), write("input.json", arguments), "their.wtns")
	if !bytes.Equal(witness.Bytes(), read(filepath.Join(work, "their.wtns"))) {
		t.Error("our witness isn't snarkjs's")
	}

	b := snarkjs{t, curve.BN128, "bn128"}.backend()
	key, err := b.Setup(t.Context(), scheme.SetupInput{System: p.System(), Layout: prove.LayoutOf(p), Rand: rand.Reader, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	ours := proveAndExport(t, b, p, key, s)
	vk, err := key.VerifyingKey().EncodeSnarkJS()
	if err != nil {
		t.Fatal(err)
	}
	var zkey bytes.Buffer
	if err := key.Export(&zkey, p.System()); err != nil {
		t.Fatal(err)
	}
	write("vk.json", vk)
	write("proof.json", ours.Proof)
	write("public.json", ours.Public)
	snarkJS("groth16", "verify", "vk.json", "public.json", "proof.json")
	snarkJS("groth16", "prove", write("k.zkey", zkey.Bytes()), "their.wtns", "their-proof.json", "their-public.json")
	theirs, err := json.Marshal(statement{read(filepath.Join(work, "their-proof.json")), read(filepath.Join(work, "their-public.json"))})
	if err != nil {
		t.Fatal(err)
	}
	proof, public, err := b.ParseProof(theirs)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Verify(key.VerifyingKey(), proof, public); err != nil {
		t.Errorf("snarkjs's proof with our key: %v", err)
	}
}

// statement is what EncodeSnarkJS writes.
type statement struct {
	Proof  json.RawMessage `json:"proof"`
	Public json.RawMessage `json:"public"`
}

func proveAndExport(t *testing.T, b scheme.Backend, p frontend.Program, key scheme.ProvingKey, s *frontend.Solution) (out statement) {
	t.Helper()
	prover, err := prove.New(p, b, key)
	if err != nil {
		t.Fatal(err)
	}
	result, err := prover.ProveSolution(t.Context(), s, prove.Request{Threads: 2, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(result.Proof, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// runSnarkJS runs a command of snarkjs, which fails where a proof doesn't hold.
func runSnarkJS(t *testing.T, cli, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "node", append([]string{cli}, args...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("snarkjs %v: %v\n%s", args, err, out)
	}
	return string(out)
}
