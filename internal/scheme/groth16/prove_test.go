package groth16

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"provery/internal/curve"
	"provery/internal/curve/bls12377"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/curve/bw6761"
	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
)

// fixedRandom is a deterministic byte source.
func fixedRandom(seed uint64) io.Reader { return source64{rand.New(rand.NewPCG(seed, 1))} }

// onEachCurve runs a test that is generic over the curve on all of them.
func onEachCurve(t *testing.T, run map[curve.ID]func(t *testing.T)) {
	t.Helper()
	for _, id := range curve.All() {
		t.Run("curve="+id.String(), func(t *testing.T) {
			t.Parallel()
			run[id](t)
		})
	}
}

// setUp returns a key for a random system, with the system and its witness.
func setUp[S, A1, A2 any](t testing.TB, b *backend[S, A1, A2], seed uint64, sh shape) (*provingKey[S, A1, A2], *r1cs.System, r1cs.Witness) {
	t.Helper()
	sys, w := randomSystem(b.Field, seed, sh)
	key, err := b.Setup(context.Background(), scheme.SetupInput{System: sys, Rand: fixedRandom(seed), Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	return key.(*provingKey[S, A1, A2]), sys, w
}

// prove returns a proof with fixed randomness, encoded with the public inputs.
func prove[S, A1, A2 any](t testing.TB, b *backend[S, A1, A2], in scheme.ProveInput) []byte {
	t.Helper()
	if in.Rand == nil {
		in.Rand = fixedRandom(99)
	}
	proof, err := b.Prove(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	public := publicOf[S](t, in.System, in.Witness)
	if err := b.Verify(in.Key.VerifyingKey(), proof, public); err != nil {
		t.Fatalf("the proof doesn't hold: %v", err)
	}
	encoded, err := b.EncodeProof(proof, public)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	onEachCurve(t, map[curve.ID]func(*testing.T){
		curve.BN128:    func(t *testing.T) { testRoundTrip(t, newBackend(bn254.Suite())) },
		curve.BLS12381: func(t *testing.T) { testRoundTrip(t, newBackend(bls12381.Suite())) },
		curve.BLS12377: func(t *testing.T) { testRoundTrip(t, newBackend(bls12377.Suite())) },
		curve.BW6761:   func(t *testing.T) { testRoundTrip(t, newBackend(bw6761.Suite())) },
	})
}

// testRoundTrip goes from set-up to verification for domains of 1 to 256
// points, through every form of the key, on 1 to 3 threads.
func testRoundTrip[S, A1, A2 any](t *testing.T, b *backend[S, A1, A2]) {
	for i, sh := range []shape{
		{}, {constraints: 1}, {public: 1, constraints: 2}, {public: 3, constraints: 4, unused: 2},
		{public: 2, constraints: 13, bits: 50}, {constraints: 31, bits: 90, unused: 3},
		{public: 20, constraints: 40, bits: 70}, {public: 3, constraints: 200, bits: 85, unused: 5},
	} {
		seed := uint64(i + 1)
		pk, sys, w := setUp(t, b, seed, sh)
		name := fmt.Sprintf("%+v, domain of %d", sh, pk.domain)
		want := prove(t, b, scheme.ProveInput{Key: pk, System: sys, Witness: w, Threads: 1})
		for threads := range 4 {
			if got := prove(t, b, scheme.ProveInput{Key: pk, System: sys, Witness: w, Threads: threads}); !bytes.Equal(got, want) {
				t.Errorf("%s: the proof on %d threads differs", name, threads)
			}
		}
		a, err := r1cs.Restore(context.Background(), b.Field, sys, w)
		if err != nil {
			t.Fatal(err)
		}
		if got := prove(t, b, scheme.ProveInput{Key: pk, System: sys, Witness: r1cs.Erase(sys.Curve, a), Threads: 1}); !bytes.Equal(got, want) {
			t.Errorf("%s: the proof from an evaluated witness differs", name)
		}
		for form, other := range map[string]scheme.ProvingKey{"file": reopen(t, b, pk), "ark": reimport(t, b, pk, sys)} {
			if !other.VerifyingKey().Equal(pk.VerifyingKey()) {
				t.Errorf("%s: the verifying key from %s differs", name, form)
			}
			if got := prove(t, b, scheme.ProveInput{Key: other, System: sys, Witness: w, Threads: 1}); !bytes.Equal(got, want) {
				t.Errorf("%s: the proof with the key from %s differs", name, form)
			}
		}
		testJSON(t, b, pk, want, publicOf[S](t, sys, w))
	}
}

// fileOf returns what WriteFile writes.
func fileOf(t testing.TB, pk scheme.ProvingKey) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := pk.WriteFile(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// reopen sends pk through its own file.
func reopen[S, A1, A2 any](t testing.TB, b *backend[S, A1, A2], pk scheme.ProvingKey) scheme.ProvingKey {
	t.Helper()
	file := fileOf(t, pk)
	out, err := b.OpenProvingKey(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, fileOf(t, out)) {
		t.Error("the file of an opened key differs")
	}
	return out
}

// reimport sends pk through the ark layout.
func reimport[S, A1, A2 any](t testing.TB, b *backend[S, A1, A2], pk scheme.ProvingKey, sys *r1cs.System) scheme.ProvingKey {
	t.Helper()
	var ark, again bytes.Buffer
	if err := pk.Export(&ark, nil); err != nil {
		t.Fatal(err)
	}
	out, err := b.ImportProvingKey(context.Background(), scheme.ImportInput{
		System: sys, Data: bytes.NewReader(ark.Bytes()), Size: int64(ark.Len()), Threads: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.Layout() != scheme.LayoutArk {
		t.Errorf("got layout %s, want ark", out.Layout())
	}
	if err := out.Export(&again, nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ark.Bytes(), again.Bytes()) {
		t.Error("the export of an imported key differs")
	}
	return out
}

// testJSON sends a verifying key and a proof through their JSON forms.
func testJSON[S, A1, A2 any](t *testing.T, b *backend[S, A1, A2], pk *provingKey[S, A1, A2], encoded []byte, public curve.Vector) {
	t.Helper()
	vkJSON, err := pk.VerifyingKey().Encode()
	if err != nil {
		t.Fatal(err)
	}
	vk, err := b.ParseVerifyingKey(vkJSON)
	if err != nil {
		t.Fatal(err)
	}
	proof, inputs, err := b.ParseProof(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if !vk.Equal(pk.VerifyingKey()) || vk.NumPublic() != public.Len() || inputs.Len() != public.Len() {
		t.Error("the verifying key or the inputs don't survive JSON")
	}
	if err := b.Verify(vk, proof, inputs); err != nil {
		t.Errorf("verify after JSON: %v", err)
	}
	again, err := b.EncodeProof(proof, inputs)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, encoded) {
		t.Error("the proof's JSON doesn't survive a round trip")
	}
}

// TestEngines makes one proof with every engine, on several numbers of threads and
// with windows of several sizes.
func TestEngines(t *testing.T) {
	t.Parallel()
	pk, sys, w := setUp(t, newBackend(bn254.Suite()), 4, shape{public: 2, constraints: 900, bits: 60})
	file := fileOf(t, pk)
	var want []byte
	for engine, windows := range map[bn254.Engine][]int{
		bn254.Best: {0}, bn254.Library: {0}, bn254.Vectors: {0, 2, 7, 15}, bn254.Kernels: {0, 2, 3, 5, 7, 8, 11, 15},
	} {
		for _, window := range windows {
			b := newBackend(bn254.SuiteWith(engine, window))
			key, err := b.OpenProvingKey(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, threads := range []int{1, 2, 5} {
				got := prove(t, b, scheme.ProveInput{Key: key, System: sys, Witness: w, Threads: threads})
				if want == nil {
					want = got
				}
				if !bytes.Equal(got, want) {
					t.Errorf("engine %d, windows of %d bits, %d threads: the proof differs", engine, window, threads)
				}
			}
		}
	}
}

func TestStages(t *testing.T) {
	t.Parallel()
	b := newBackend(bn254.Suite())
	pk, sys, w := setUp(t, b, 3, shape{public: 1, constraints: 5})
	var stages []string
	prove(t, b, scheme.ProveInput{Key: pk, System: sys, Witness: w, Threads: 1, Stage: func(s string) { stages = append(stages, s) }})
	want := []string{StageEvaluate, StageA, StageB1, StageL, StageB2, StageQuotient, StageH}
	if !slices.Equal(stages, want) {
		t.Errorf("got stages %v, want %v", stages, want)
	}
	// Cancel at each stage.
	for _, stop := range want {
		ctx, cancel := context.WithCancel(context.Background())
		_, err := b.Prove(ctx, scheme.ProveInput{Key: pk, System: sys, Witness: w, Threads: 1, Rand: fixedRandom(1), Stage: func(s string) {
			if s == stop {
				cancel()
			}
		}})
		cancel()
		if stop != StageEvaluate && !errors.Is(err, context.Canceled) {
			t.Errorf("canceled at %s: got %v", stop, err)
		}
		if stop == StageEvaluate && err == nil {
			t.Errorf("canceled at %s: got no error", stop)
		}
	}
}

func TestProveRefuses(t *testing.T) {
	t.Parallel()
	b := newBackend(bn254.Suite())
	other := newBackend(bls12381.Suite())
	pk, sys, w := setUp(t, b, 3, shape{public: 2, constraints: 9, bits: 30})
	foreign, foreignSystem, foreignWitness := setUp(t, other, 3, shape{public: 2, constraints: 9, bits: 30})
	larger, _, _ := setUp(t, b, 4, shape{public: 2, constraints: 40})
	z, err := curve.Elements[[4]uint64](curve.BN128, w.Z)
	if err == nil {
		t.Fatal("elements of another type: got no error", z)
	}
	good := scheme.ProveInput{Key: pk, System: sys, Witness: w, Threads: 1, Rand: fixedRandom(1)}
	tests := []struct {
		name   string
		change func(in *scheme.ProveInput)
		want   fault.Code
	}{
		{"unsatisfied", func(in *scheme.ProveInput) { in.Witness = changed(t, b, sys, w, sys.NumVariables-1) }, fault.UnsatisfiedWitness},
		{"not starting with 1", func(in *scheme.ProveInput) { in.Witness = changed(t, b, sys, w, 0) }, fault.Internal},
		{"another system's witness", func(in *scheme.ProveInput) {
			_, in.Witness = randomSystem(b.Field, 5, shape{public: 2, constraints: 30})
		}, fault.InvalidArtifact},
		{"another curve's witness", func(in *scheme.ProveInput) { in.Witness = foreignWitness }, fault.Internal},
		{"another curve's system", func(in *scheme.ProveInput) { in.System = foreignSystem }, fault.InvalidArtifact},
		{"another curve's key", func(in *scheme.ProveInput) { in.Key = foreign }, fault.Internal},
		{"another size's key", func(in *scheme.ProveInput) { in.Key = larger }, fault.InvalidArtifact},
		{"no randomness", func(in *scheme.ProveInput) { in.Rand = strings.NewReader("dry") }, fault.Internal},
	}
	for _, tc := range tests {
		in := good
		tc.change(&in)
		if _, err := b.Prove(context.Background(), in); !fault.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.want)
		}
	}
}

// changed returns w with 1 added to column j.
func changed[S, A1, A2 any](t *testing.T, b *backend[S, A1, A2], sys *r1cs.System, w r1cs.Witness, j int) r1cs.Witness {
	t.Helper()
	z, err := curve.Elements[S](sys.Curve, w.Z)
	if err != nil {
		t.Fatal(err)
	}
	z = slices.Clone(z)
	var one S
	b.Field.SetUint64(&one, 1)
	b.Field.Add(&z[j], &z[j], &one)
	return r1cs.Erase(sys.Curve, r1cs.Assignment[S]{Z: z})
}

func TestSetupRefuses(t *testing.T) {
	t.Parallel()
	b := newBackend(bn254.Suite())
	sys, _ := randomSystem(b.Field, 1, shape{constraints: 3})
	if _, err := b.Setup(context.Background(), scheme.SetupInput{System: sys, Rand: strings.NewReader("dry"), Threads: 1}); !fault.Is(err, fault.Internal) {
		t.Errorf("no randomness: got %v", err)
	}
	if _, err := newBackend(bls12381.Suite()).Setup(context.Background(), scheme.SetupInput{System: sys, Rand: fixedRandom(1), Threads: 1}); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("another curve's system: got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.Setup(ctx, scheme.SetupInput{System: sys, Rand: fixedRandom(1), Threads: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
	if _, err := New(0); !fault.Is(err, fault.Unsupported) {
		t.Errorf("no curve: got %v", err)
	}
}
