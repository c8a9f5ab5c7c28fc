package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/internal/fault"
	"provery/internal/peer"
)

// TestPeers compares with zokrates-js on a tiny program.
func TestPeers(t *testing.T) {
	t.Parallel()
	lab, _ := newLab(t, "measures")
	o := PeerOptions{
		Workloads: []Workload{mul(t), find(t, "bits-2^4")[0]}, Repeat: 2, Threads: 2,
		Toolchains: filepath.Join(peer.Require(t).Root(), "toolchain"),
	}
	p, skipped, err := lab.Peers(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Cases) != 1 || p.Cases[0].Constraints != 1 || len(p.Cases[0].Entries) != 3 {
		t.Fatalf("got %+v", p)
	}
	if len(skipped) != 1 || skipped[0].Name != "bits-2^4" {
		t.Errorf("got %+v", skipped)
	}
	for _, e := range p.Cases[0].Entries {
		if len(e.Runs) != 2 || e.Verified != 2 || e.Peak == 0 || e.Runs[0].Prove.Wall <= 0 || e.Warm.Prove.Wall <= 0 || e.Open.Wall <= 0 {
			t.Errorf("%s: got %+v", e.label(), e)
		}
	}
	var b strings.Builder
	(&Report{Peers: p, Skipped: skipped}).Text(&b)
	for _, want := range []string{"Provery, 1 thread ", "Provery, 2 threads ", "zokrates-js 1.1.9 ", "left out: bits-2^4: no other prover"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}

func TestPeersRefuses(t *testing.T) {
	t.Parallel()
	lab, _ := newLab(t, "measures")
	o := PeerOptions{Workloads: []Workload{mul(t)}, Repeat: 1, Threads: 1, Toolchains: t.TempDir()}
	if _, skipped, err := lab.Peers(t.Context(), o); err == nil || len(skipped) != 1 || !strings.Contains(skipped[0].Why, "zokrates-js isn't installed") {
		t.Errorf("not installed: got %+v, %v", skipped, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := lab.Peers(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
	o.Repeat = 0
	if _, _, err := lab.Peers(t.Context(), o); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("no repetitions: got %v", err)
	}
}

// TestPeersVerifies gives Provery's judge a proof that another prover might
// make up.
func TestPeersVerifies(t *testing.T) {
	t.Parallel()
	lab, _ := newLab(t, "measures")
	w, err := lab.prepareWorkload(t.Context(), mul(t))
	if err != nil {
		t.Fatal(err)
	}
	judge := &ownProver{lab: lab, threads: 1}
	defer judge.close()
	if _, err := judge.open(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	good, err := judge.run(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	other, err := judge.run(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := judge.s.ask(t.Context(), &request{Verify: good.Proof}); err != nil {
		t.Errorf("a proof: got %v", err)
	}
	text := string(good.Proof)
	inputs := func(s string) string { return s[strings.Index(s, `"inputs"`):] }
	forged := strings.TrimSuffix(text, inputs(text)) + inputs(string(other.Proof))
	for name, proof := range map[string]string{"no proof": `{}`, "other inputs": forged} {
		if _, err := judge.s.ask(t.Context(), &request{Verify: []byte(proof)}); !fault.Is(err, fault.InvalidRequest) && !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	file := filepath.Join(t.TempDir(), "witness")
	if _, err := judge.s.ask(t.Context(), &request{Save: &saveRequest{Index: 3, Format: "zokrates64", File: file}}); err != nil {
		t.Errorf("save a witness: %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		t.Errorf("got %v, %v", info, err)
	}
}

// TestRapidsnark lets programs take part that look like snarkjs and rapidsnark:
// they hand in a proof of snarkjs's own, for the key that everyone gets.
func TestRapidsnark(t *testing.T) {
	t.Parallel()
	fixture, err := filepath.Abs("../../testdata/circom/bn128")
	if err != nil {
		t.Fatal(err)
	}
	w := circomWorkload("tiny", "tiny", func(i int) (json.RawMessage, error) {
		return json.RawMessage(fmt.Sprintf(`{"limit":"%d","secret":[[%d,0,0],[1,0,0]]}`, i*i+1, i)), nil
	})
	w.Key = filepath.Join(fixture, "beaconed.zkey")
	for _, role := range []string{"r1cs", "wasm", "sym"} {
		w.Files[role] = filepath.Join(fixture, "tiny."+role)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("circom/node_modules/snarkjs/package.json", `{"version":"9.9"}`)
	write("circom/peer.mjs", `import { createInterface } from "node:readline";
		const cost = { cpu_s: 1, wall_s: 2 };
		for await (const line of createInterface({ input: process.stdin }))
			console.log(JSON.stringify(JSON.parse(line).open ? { opened: cost } : { run: { witness: cost, prove: cost }, peak_bytes: 5 }));`)
	good := write("rapidsnark", "#!/bin/sh\nset -e\ntest -s \"$1\" && test -s \"$2\"\ncp "+fixture+"/proof.json \"$3\"\ncp "+fixture+"/public.json \"$4\"\n")
	forger := write("forger", "#!/bin/sh\ncp "+fixture+"/proof.json \"$3\"\necho '[\"1\",\"2\",\"3\",\"4\"]' > \"$4\"\n")
	for _, tc := range []struct{ name, path, why string }{
		{"rapidsnark", good, ""}, {"a forger", forger, "the proof of rapidsnark doesn't verify"},
		{"fails", write("fails", "#!/bin/sh\necho bad key; exit 1\n"), "exit status 1: bad key"},
		{"idle", write("idle", "#!/bin/sh\n"), "it left no p"},
	} {
		lab, _ := newLab(t, "measures")
		p, skipped, err := lab.Peers(t.Context(), PeerOptions{Workloads: []Workload{w}, Repeat: 1, Threads: 1, Toolchains: dir, Rapidsnark: tc.path})
		if tc.why != "" {
			if err == nil || len(skipped) != 1 || !strings.Contains(skipped[0].Why, tc.why) {
				t.Errorf("%s: got %+v, %v", tc.name, skipped, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		entries := p.Cases[0].Entries
		if len(entries) != 3 || entries[0].Verified != 1 || entries[1].label() != "snarkjs 9.9" || entries[1].Runs[0].Prove.CPU != 1 ||
			entries[2].Name != "rapidsnark" || entries[2].Verified != 1 || entries[2].Peak == 0 || entries[2].Runs[0].Prove.Wall <= 0 {
			t.Errorf("got %+v", entries)
		}
	}
}

// TestSetUpKey makes a key for a circuit that comes without one.
func TestSetUpKey(t *testing.T) {
	t.Parallel()
	lab, _ := newLab(t, "measures")
	w := mul(t)
	w.Key, w.SetUpKey = filepath.Join(t.TempDir(), "proving.key"), true
	first, err := lab.prepareWorkload(t.Context(), w)
	if err != nil || first.r.Prepared.Setup.Wall <= 0 {
		t.Fatalf("got %+v, %v", first, err)
	}
	again, err := lab.prepareWorkload(t.Context(), w)
	if err != nil || again.r.Prepared.Setup.Wall != 0 || again.r.Prepared.Key != first.r.Prepared.Key {
		t.Errorf("again: got %+v, %v", again, err)
	}
}
