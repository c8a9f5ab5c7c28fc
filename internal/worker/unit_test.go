package worker

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provery/api"
	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/parallel"
	"provery/internal/queue"
	"provery/internal/scheme"
	"provery/internal/verify"
)

func TestGate(t *testing.T) {
	t.Parallel()
	g := newGate(2)
	one, err := g.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	third := make(chan error, 1)
	go func() {
		_, err := g.enter(ctx)
		third <- err
	}()
	cancel()
	if err := get(t, "the third", third); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	one()
	if _, err := g.enter(t.Context()); err != nil {
		t.Errorf("after one left: got %v", err)
	}
	if cap(newGate(0)) != 1 {
		t.Error("a gate that lets nobody pass")
	}
}

func TestKit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, err := range map[string]error{
		"front-end": func() error { _, err := r.kit.Frontend("circom"); return err }(),
		"curve":     func() error { _, err := r.kit.Backend(scheme.Groth16, curve.BW6761); return err }(),
		"scheme":    func() error { _, err := r.kit.backends("gm17", curve.BN128); return err }(),
		"word":      func() error { _, err := r.kit.backends("plonk", curve.BN128); return err }(),
		"no scheme": func() error { _, err := r.kit.backends("", curve.BW6761); return err }(),
	} {
		if !fault.Is(err, fault.Unsupported) {
			t.Errorf("%s: got %v, want unsupported", name, err)
		}
	}
	if b, err := r.kit.backends("", curve.BN128); err != nil || len(b) != 1 {
		t.Errorf("got %v, %v, want the one", b, err)
	}
}

func TestLedgerOf(t *testing.T) {
	t.Parallel()
	got := ledgerOf(api.Ledger{
		Queue: 9, Load: 1, Witness: 2.5, Prove: 3, Check: 4, PeakMemoryBytes: 5,
		Stages: []api.Stage{{Name: "prove.a", Milliseconds: 1}, {Name: "prove.h", Milliseconds: 2}},
	})
	ms := time.Millisecond
	want := queue.Ledger{PeakBytes: 5, Phases: []queue.Phase{ // the queue adds its own phase
		{Name: "load", Duration: ms}, {Name: "witness", Duration: 2500 * time.Microsecond}, {Name: "prove", Duration: 3 * ms},
		{Name: "prove.a", Duration: ms}, {Name: "prove.h", Duration: 2 * ms}, {Name: "check", Duration: 4 * ms},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestNotTheClients(t *testing.T) {
	t.Parallel()
	for code, want := range map[fault.Code]fault.Code{
		fault.InvalidArtifact: fault.Internal, fault.InvalidRequest: fault.Internal, fault.Unsupported: fault.Internal,
		fault.NotFound: fault.NotFound, fault.Internal: fault.Internal, fault.Overloaded: fault.Overloaded,
		fault.Canceled: fault.Canceled, fault.DeadlineExceeded: fault.DeadlineExceeded, fault.InsufficientStorage: fault.InsufficientStorage,
	} {
		if got := fault.CodeOf(notTheClients(fault.New(code, "x"))); got != want {
			t.Errorf("%s: got %s, want %s", code, got, want)
		}
	}
}

// stackOf returns the stack of a panic as the one who recovers sees it.
func stackOf(f func()) (value any, stack []byte) {
	defer func() { value, stack = recover(), debug.Stack() }()
	f()
	return nil, nil
}

func explode(private uint64) { panic([]uint64{private}) }

func TestPanicsAreHidden(t *testing.T) {
	t.Parallel()
	value, stack := stackOf(func() { explode(0x7130905142836475) })
	text := errors.Unwrap(fromPanic(value, stack)).Error()
	if !strings.HasPrefix(text, "panic of type []uint64 in provery/internal/worker.explode unit_test.go:") || !strings.Contains(text, " < provery/internal/worker.TestPanicsAreHidden") {
		t.Errorf("got %s", text)
	}
	for _, private := range []string{"7130905142836475", "0x", "goroutine", "/"} {
		if strings.Contains(strings.ReplaceAll(text, "provery/internal/worker", ""), private) {
			t.Errorf("found %s in %s", private, text)
		}
	}
	if got := withoutPanic(nil); got != nil {
		t.Errorf("got %v of no error", got)
	}
	plain := fault.New(fault.NotFound, "x")
	if got := withoutPanic(plain); got != error(plain) {
		t.Errorf("got %v, want the error as it is", got)
	}
	wrapped := fault.Wrap(&parallel.PanicError{Value: secret, Stack: stack}, fault.Internal, "prove")
	wantHidden(t, "wrapped", withoutPanic(wrapped))
	if got, want := withoutNumbers("index out of range [5] with length 123"), "index out of range [#] with length #"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := frames([]byte("goroutine 1 [running]:\nmain.main()")); len(got) != 0 {
		t.Errorf("got %v of a cut stack", got)
	}
}

func fixtureFile(t *testing.T, name string) json.RawMessage {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtures, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVerdicts tells proofs that hold from those that don't, and both from
// what can't be read.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	vk, proof := fixtureFile(t, "mul/bn128/ark-g16/verification.key"), fixtureFile(t, "mul/bn128/ark-g16/proof.json")
	for _, tc := range []struct {
		name      string
		vk, proof json.RawMessage
		inputs    []string
		valid     bool
		why       string
		code      fault.Code
	}{
		{"holds", vk, proof, nil, true, "", ""},
		{"holds for the inputs", vk, proof, []string{"5", "0xf"}, true, "", ""},
		{"other inputs", vk, proof, []string{"5", "14"}, false, "doesn't hold", ""},
		{"no inputs", vk, proof, []string{}, false, "input", ""},
		{"too many inputs", vk, proof, []string{"5", "15", "1"}, false, "input", ""},
		{"proof of another key", vk, fixtureFile(t, "mul/bn128/bellman-g16/proof.json"), nil, false, "doesn't hold", ""},
		{"proof of another curve", vk, fixtureFile(t, "mul/bw6_761/ark-g16/proof.json"), nil, false, "another scheme or curve", ""},
		{"proof of another scheme", vk, fixtureFile(t, "mul/bn128/ark-gm17/proof.json"), nil, false, "another scheme or curve", ""},
		{"curve without a backend", fixtureFile(t, "mul/bw6_761/ark-g16/verification.key"), fixtureFile(t, "mul/bw6_761/ark-g16/proof.json"), nil, false, "", fault.Unsupported},
		{"no key", nil, proof, nil, false, "", fault.InvalidRequest},
		{"no proof", vk, json.RawMessage(`{}`), nil, false, "", fault.InvalidRequest},
		{"key without points", json.RawMessage(`{"scheme":"g16","curve":"bn128"}`), proof, nil, false, "", fault.InvalidArtifact},
		{"bad inputs", vk, proof, []string{"x", "y"}, false, "", fault.InvalidRequest},
	} {
		valid, why, err := r.tools.Verify(t.Context(), verify.Input{VerifyingKey: tc.vk, Proof: tc.proof, PublicInputs: tc.inputs})
		if valid != tc.valid || !strings.Contains(why, tc.why) || (why == "") != (tc.why == "") || fault.CodeOf(err) != tc.code {
			t.Errorf("%s: got %v, %q, %v, want %v, %q, %q", tc.name, valid, why, err, tc.valid, tc.why, tc.code)
		}
	}
	r.back.onVerify.set(func(context.Context) error { panic(secret) })
	valid, _, err := r.tools.Verify(t.Context(), verify.Input{VerifyingKey: vk, Proof: proof})
	wantHidden(t, "panic", err)
	if valid {
		t.Error("a panic made the proof valid")
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	full := NewTools(r.kit, r.catalogue, 1)
	if _, err := full.light.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := full.Verify(canceled, verify.Input{VerifyingKey: vk, Proof: proof}); !errors.Is(err, context.Canceled) {
		t.Errorf("no place: got %v", err)
	}
}

func TestDryRunAndCheck(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.register("assertmsg")
	task := func(s string) Task { return Task{Arguments: json.RawMessage(s)} }
	if s, err := r.tools.DryRun(t.Context(), c, task(`["4","4"]`), false); err != nil || string(s.Outputs) != "[]" {
		t.Errorf("got %+v, %v", s, err)
	}
	_, err := r.tools.DryRun(t.Context(), c, task(`["4","5"]`), false)
	if f := new(fault.Error); !errors.As(err, &f) || f.Code != fault.UnsatisfiedWitness || f.Position == nil {
		t.Errorf("got %v, want the assertion's place", err)
	}
	if err := r.tools.Check(t.Context(), c, task(`["4","5"]`)); err != nil {
		t.Errorf("check: got %v: it solves nothing", err)
	}
	if err := r.tools.Check(t.Context(), c, task(`["4"]`)); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("check: got %v, want invalid_request", err)
	}
	r.front.onSolve.set(func(ctx context.Context) error {
		return parallel.Each(ctx, 2, 2, func(int) error { panic(secret) })
	})
	_, err = r.tools.DryRun(t.Context(), c, task(`["4","4"]`), false)
	wantHidden(t, "panic in a loop", err)
}
