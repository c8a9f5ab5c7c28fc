package bench

import (
	"context"
	"errors"
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
