package daemon

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"provery/api"
	"provery/internal/config"
	"provery/internal/fault"
)

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	c := r.ready(mul)
	k := r.addKeys(mul, c.ID, "bellman")
	if _, err := r.cl.Tag(r.ctx(), "mul", "mul:stable"); err != nil {
		t.Fatal(err)
	}
	p := r.prove(times(6, 7))
	vk, err := r.cl.VerifyingKey(r.ctx(), "mul", k.ID)
	if err != nil {
		t.Fatal(err)
	}
	c, err = r.cl.Circuit(r.ctx(), "mul")
	if err != nil {
		t.Fatal(err)
	}
	r.stop()

	again := start(t, setup{dir: r.dir})
	after, err := again.cl.Circuit(again.ctx(), "mul:stable")
	if err != nil || fmt.Sprintf("%+v", after) != fmt.Sprintf("%+v", c) {
		t.Errorf("circuit: got %+v, %v, want %+v", after, err, c)
	}
	got, err := again.cl.Proof(again.ctx(), p.ID, 0)
	if err != nil || string(got.Result.Proof) != string(p.Result.Proof) || got.Ledger.Prove != p.Ledger.Prove {
		t.Errorf("proof: got %+v, %v, want %+v", got, err, p)
	}
	if same, err := again.cl.VerifyingKey(again.ctx(), "mul", k.ID); err != nil || string(same) != string(vk) {
		t.Errorf("verifying key: got %s, %v", same, err)
	}
	again.wantVerdict("the old proof", api.VerifyRequest{Circuit: "mul", Keys: p.KeySet, Proof: p.Result.Proof}, true)
	wantProduct(t, again.prove(times(8, 9)), 8, 9)
	if _, existed, err := again.cl.Register(again.ctx(), registration(t, mul, "")); err != nil || !existed {
		t.Errorf("register again: got existed %v, %v", existed, err)
	}
}

func TestQueuedJobsSurviveARestart(t *testing.T) {
	t.Parallel()
	r := start(t, setup{before: newHold().before})
	r.ready(mul)
	var ids []string
	for i := range uint64(5) {
		ids = append(ids, r.submit(times(i+2, 10)).ID)
	}
	r.stop()
	again := start(t, setup{dir: r.dir})
	for i, id := range ids {
		p := again.finished(id)
		wantProduct(t, p, uint64(i)+2, 10)
		if p.Attempt != 1 {
			t.Errorf("got attempt %d, want the first", p.Attempt)
		}
	}
}

// TestGracefulStop stops the service while a proof runs and a request waits.
func TestGracefulStop(t *testing.T) {
	t.Parallel()
	s := newStuck()
	r := start(t, setup{before: s.before})
	r.ready(mul)
	s.armed.Store(true)
	answered := make(chan answer, 1)
	go func() {
		answered <- r.do("POST", "/v1/proofs", `{"circuit":"mul","arguments":["6","7"]}`, "Prefer", "wait=60")
	}()
	get(t, "the running proof", s.entered)
	r.cancel()
	a := get(t, "the answer to the waiting request", answered)
	if a.status != http.StatusAccepted || !strings.Contains(a.body, `"state":"running"`) {
		t.Errorf("got %d %s, want 202 and the running proof", a.status, a.body)
	}
	s.release()
	r.stop()
	again := start(t, setup{dir: r.dir})
	page, err := again.cl.Proofs(again.ctx(), api.ProofFilter{State: api.StateSucceeded}, "", 0)
	if err != nil || len(page.Items) != 1 || page.Items[0].Attempt != 1 {
		t.Fatalf("got %+v, %v, want the proof that was running, at its first attempt", page, err)
	}
	wantProduct(t, again.finished(page.Items[0].ID), 6, 7)
}

// TestDrainTimeIsOver stops the service while a proof runs that doesn't end.
func TestDrainTimeIsOver(t *testing.T) {
	t.Parallel()
	s := newStuck()
	r := start(t, setup{before: s.before, config: func(c *config.Config) { c.DrainTimeout = time.Millisecond }})
	r.ready(mul)
	s.armed.Store(true)
	p := r.submit(times(6, 7))
	get(t, "the running proof", s.entered)
	r.stop()
	get(t, "the end of its work", s.ended)
	again := start(t, setup{dir: r.dir})
	done := again.finished(p.ID)
	wantProduct(t, done, 6, 7)
	if len(done.Attempts) != 2 || done.Attempts[0].Outcome != "released" || done.Attempts[1].Outcome != "succeeded" {
		t.Errorf("got attempts %+v, want one handed back and one that succeeded", done.Attempts)
	}
}

// TestStartsThatAreRefused shows that a failed start says why, and closes what
// it opened.
func TestStartsThatAreRefused(t *testing.T) {
	t.Parallel()
	r := start(t, setup{before: newHold().before})
	r.ready(mul)
	r.submit(times(6, 7))
	refused := func(what string, o setup, code fault.Code, text string) {
		t.Helper()
		_, err := New(t.Context(), configure(t, &o), Build{}, r.Daemon.log)
		if !fault.Is(err, code) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: got %v, want %s with %q", what, err, code, text)
		}
	}
	refused("a data directory in use", setup{dir: r.dir}, fault.Conflict, "another process")
	refused("an address in use", setup{config: func(c *config.Config) { c.Listen = r.Addr() }}, fault.InvalidRequest, "address already in use")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("a data directory that is none", setup{dir: filepath.Join(file, "sub")}, fault.InvalidRequest, "data directory")
	r.stop()
	key := filepath.Join(r.dir, "seal.key")
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	refused("a lost sealing key", setup{dir: r.dir}, fault.InvalidArtifact, "sealing key file is missing")
	if err := os.Rename(key+".away", key); err != nil {
		t.Fatal(err)
	}
	again := start(t, setup{dir: r.dir}) // and nothing was spoilt by the refusals
	page, err := again.cl.Proofs(again.ctx(), api.ProofFilter{}, "", 0)
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("got %+v, %v, want the job", page, err)
	}
	wantProduct(t, again.finished(page.Items[0].ID), 6, 7)
}

func TestAbout(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	about, err := r.cl.About(r.ctx())
	if err != nil || about.Version != "test" || about.Engine != "embedded" || about.Workers != (api.Workers{Slots: 2, Threads: 1}) {
		t.Errorf("got %+v, %v", about, err)
	}
	var backends []string
	for _, b := range about.Backends {
		backends = append(backends, b.Scheme+" "+b.Curve)
	}
	want := []string{
		"groth16 bn128", "groth16 bls12_381", "groth16 bls12_377", "groth16 bw6_761",
		"gm17 bn128", "gm17 bls12_381", "gm17 bls12_377", "gm17 bw6_761",
	}
	if !slices.Equal(backends, want) {
		t.Errorf("got %v, want %v", backends, want)
	}
	for _, path := range []string{"/docs", "/openapi.json", "/healthz", "/metrics"} {
		if a := r.do("GET", path, ""); a.status != 200 || a.body == "" {
			t.Errorf("%s: got %d", path, a.status)
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if ready := (&services{r.Daemon}).Ready(canceled); ready.Ready {
		t.Error("ready although the engine didn't answer")
	}
}
