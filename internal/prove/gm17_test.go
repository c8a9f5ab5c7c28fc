package prove_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"provery/internal/curve"
	"provery/internal/frontend"
	"provery/internal/frontend/zokrates"
	"provery/internal/peer"
	"provery/internal/prove"
	"provery/internal/scheme"
	"provery/internal/scheme/gm17"
)

// TestGM17BothWays sets up keys of our own, with which ZoKrates proves, and
// takes keys of ZoKrates's for programs that are large enough for the roots of
// unity to matter. Each side verifies the other's proofs.
func TestGM17BothWays(t *testing.T) {
	t.Parallel()
	tools := peer.Require(t)
	dir := t.TempDir()
	ours := []*exchange{
		{program: "mixed", curve: curve.BN128}, {program: "asmdir", curve: curve.BLS12381},
		{program: "mul", curve: curve.BLS12377}, {program: "asmdir", curve: curve.BW6761},
	}
	theirs := []*exchange{{program: "generic", curve: curve.BW6761}, {program: "generic", curve: curve.BLS12377}}
	var commands []peer.Command
	for i, x := range ours {
		x.dir, x.files = filepath.Join(dir, "ours", string(rune('a'+i))), filepath.Join(fixtures, x.program, x.curve.String())
		x.open(t)
		key, err := x.backend.Setup(t.Context(), scheme.SetupInput{System: x.source.System(), Rand: rand.Reader, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		x.prove(t, key)
		var pk bytes.Buffer
		if err := key.Export(&pk, nil); err != nil {
			t.Fatal(err)
		}
		x.write(t, "proving.key", pk.Bytes())
		commands = append(commands, x.theirProof(filepath.Join(x.files, "witness")), x.theirVerdict())
	}
	for i, x := range theirs {
		x.dir = filepath.Join(dir, "theirs", string(rune('a'+i)))
		x.files = x.dir
		commands = append(commands,
			peer.Compile{Source: filepath.Join(fixtures, x.program, "main.zok"), Out: x.dir, Curve: x.curve.String()},
			peer.Setup{Suite: x.suite(), Program: filepath.Join(x.dir, "out"), Out: x.dir, Entropy: "provery"})
	}
	run(t, tools, commands)
	commands = nil
	for _, x := range ours {
		x.verifyTheirs(t)
	}
	for _, x := range theirs {
		x.open(t)
		pk := read(t, filepath.Join(x.dir, "proving.key"))
		key, err := x.backend.ImportProvingKey(t.Context(), scheme.ImportInput{
			System: x.source.System(), Data: bytes.NewReader(pk), Size: int64(len(pk)), Threads: 2,
		})
		if err != nil {
			t.Fatalf("%s on %v: %v", x.program, x.curve, err)
		}
		x.prove(t, key)
		commands = append(commands, x.theirVerdict())
	}
	run(t, tools, commands)
}

// exchange is one program with one GM17 key.
type exchange struct {
	program string
	curve   curve.ID
	dir     string // keys and proofs
	files   string // out and abi.json
	source  frontend.Program
	backend scheme.Backend
	vk      scheme.VerifyingKey
}

func (x *exchange) suite() peer.Suite {
	return peer.Suite{Curve: x.curve.String(), Backend: "ark", Scheme: "gm17"}
}

func (x *exchange) open(t *testing.T) {
	t.Helper()
	var err error
	if x.source, err = zokrates.New().Import(t.Context(), frontend.Artefacts{
		"program": section(read(t, filepath.Join(x.files, "out"))),
		"abi":     section(read(t, filepath.Join(x.files, "abi.json"))),
	}); err != nil {
		t.Fatal(err)
	}
	if x.backend, err = gm17.New(x.curve); err != nil {
		t.Fatal(err)
	}
}

// prove proves and leaves verification.key and ours.json.
func (x *exchange) prove(t *testing.T, key scheme.ProvingKey) {
	t.Helper()
	prover, err := prove.New(x.source, x.backend, key)
	if err != nil {
		t.Fatal(err)
	}
	args := read(t, filepath.Join(fixtures, x.program, "args.json"))
	result, err := prover.Prove(t.Context(), prove.Request{Arguments: args, Threads: 2, Rand: rand.Reader})
	if err != nil {
		t.Fatalf("%s on %v: %v", x.program, x.curve, err)
	}
	x.vk = key.VerifyingKey()
	vk, err := x.vk.Encode()
	if err != nil {
		t.Fatal(err)
	}
	x.write(t, "verification.key", vk)
	x.write(t, "ours.json", result.Proof)
}

func (x *exchange) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(x.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(x.dir, name), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (x *exchange) theirProof(witness string) peer.Command {
	return peer.Prove{
		Suite: x.suite(), Program: filepath.Join(x.files, "out"), Witness: witness,
		Key: filepath.Join(x.dir, "proving.key"), Out: filepath.Join(x.dir, "theirs.json"), Entropy: "provery",
	}
}

func (x *exchange) theirVerdict() peer.Command {
	return peer.Verify{VK: filepath.Join(x.dir, "verification.key"), Proof: filepath.Join(x.dir, "ours.json")}
}

func (x *exchange) verifyTheirs(t *testing.T) {
	t.Helper()
	proof, public, err := x.backend.ParseProof(read(t, filepath.Join(x.dir, "theirs.json")))
	if err == nil {
		err = x.backend.Verify(x.vk, proof, public)
	}
	if err != nil {
		t.Errorf("%s on %v: ZoKrates's proof with our key: %v", x.program, x.curve, err)
	}
}

// run runs the commands in one process; those that verify are to accept.
func run(t *testing.T, tools *peer.Toolchain, commands []peer.Command) {
	t.Helper()
	results, err := tools.Batch(context.WithoutCancel(t.Context()), commands...)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Err != nil {
			t.Fatalf("%+v: %v", commands[i], r.Err)
		}
		if _, ok := commands[i].(peer.Verify); !ok {
			continue
		}
		var accepted bool
		if err := r.Decode(&accepted); err != nil || !accepted {
			t.Errorf("%+v: got %v and %v, want true", commands[i], accepted, err)
		}
	}
}
