package gm17

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	"provery/internal/scheme/wire"
)

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
	for id, run := range map[curve.ID]func(t *testing.T){
		curve.BN128:    func(t *testing.T) { testRoundTrip(t, newBackend(bn254.Suite())) },
		curve.BLS12381: func(t *testing.T) { testRoundTrip(t, newBackend(bls12381.Suite())) },
		curve.BLS12377: func(t *testing.T) { testRoundTrip(t, newBackend(bls12377.Suite())) },
		curve.BW6761:   func(t *testing.T) { testRoundTrip(t, newBackend(bw6761.Suite())) },
	} {
		t.Run("curve="+id.String(), func(t *testing.T) {
			t.Parallel()
			run(t)
		})
	}
}

// testRoundTrip goes from set-up to verification for domains of 1 to 512
// points, through every form of the key, on 1 to 3 threads.
func testRoundTrip[S, A1, A2 any](t *testing.T, b *backend[S, A1, A2]) {
	for i, sh := range []shape{
		{}, {public: 1}, {constraints: 1}, {public: 1, constraints: 2}, {public: 3, constraints: 4, unused: 2},
		{constraints: 31, bits: 90, unused: 3}, {public: 20, constraints: 40, bits: 70}, {public: 3, constraints: 200, bits: 85, unused: 5},
	} {
		pk, sys, w := setUp(t, b, uint64(i+1), sh)
		name := fmt.Sprintf("%+v, domain of %d", sh, pk.domain())
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
	ark := arkFile(t, pk)
	out, err := importBytes(b, sys, ark, "")
	if err != nil {
		t.Fatal(err)
	}
	if out.Layout() != scheme.LayoutArk {
		t.Errorf("got layout %s, want ark", out.Layout())
	}
	if !bytes.Equal(ark, arkFile(t, out)) {
		t.Error("the export of an imported key differs")
	}
	return out
}

// testJSON sends a verifying key and a proof through their JSON forms.
func testJSON[S, A1, A2 any](t *testing.T, b *backend[S, A1, A2], pk *provingKey[S, A1, A2], encoded []byte, public curve.Vector) {
	t.Helper()
	document, err := pk.VerifyingKey().Encode()
	if err != nil {
		t.Fatal(err)
	}
	vk, err := b.ParseVerifyingKey(document)
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
}

// TestBlinding computes C as ark-gm17 does, with r and d1 apart and the sum
// over c_query_2: only r + d1 counts.
func TestBlinding(t *testing.T) {
	t.Parallel()
	b := onBN254()
	f := b.Field
	pk, sys, w := setUp(t, b, 4, shape{public: 2, constraints: 30, bits: 50})
	a, err := r1cs.Restore(context.Background(), f, sys, w)
	if err != nil {
		t.Fatal(err)
	}
	sum := make([]elementBN254, 1)
	if err := f.Random(sum, fixedRandom(99)); err != nil {
		t.Fatal(err)
	}
	made, err := b.Prove(context.Background(), scheme.ProveInput{Key: pk, System: sys, Witness: w, Threads: 1, Rand: fixedRandom(99)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append(junk(f, 2), sum[0], elementBN254{}) {
		d1 := r
		f.Sub(&d1, &sum[0], &r)
		if got, want := made.(*proofBN254).C, arkC(t, pk, sys, a, &r, &d1); !b.G1.Equal(&got, &want) {
			t.Error("C differs from ark-gm17's")
		}
	}
}

// arkC returns C of a proof with r and d1, term by term as ark-gm17 has it.
func arkC(t *testing.T, pk *bn254Key, sys *r1cs.System, a r1cs.Assignment[elementBN254], r, d1 *elementBN254) pointBN254 {
	t.Helper()
	b, n := pk.vk.backend, pk.domain()
	f, g := b.Field, b.G1
	z := extended(f, sys, a)
	q, c := make([]elementBN254, n+1), make([]elementBN254, n)
	leftValues(f, sys, q[:n], a)
	rightValues(f, sys, c, z, a)
	f.Mul(&q[n], d1, d1)
	domain, err := pk.work.Domain()
	if err == nil {
		err = domain.SquareQuotient(context.Background(), q[:n], c, d1, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	total, err := g.MSM(context.Background(), pk.powers, q, 1)
	c1, err1 := wire.Sum(context.Background(), f, g, &pk.c1, z, 1)
	c2, err2 := wire.Sum(context.Background(), f, g, &pk.c2, z, 1)
	if err := errors.Join(err, err1, err2); err != nil {
		t.Fatal(err)
	}
	var sum, square elementBN254
	f.Add(&sum, r, d1)
	f.Add(&square, &sum, d1)
	f.Mul(&square, &square, r) // r² + 2·r·d1
	c2 = g.Mul(&c2, r)
	z2, abz := g.Mul(&pk.gZ2, &square), g.Mul(&pk.gABZ, &sum)
	for _, p := range []pointBN254{c1, c2, z2, abz} {
		total = g.Add(&total, &p)
	}
	return total
}

func TestStages(t *testing.T) {
	t.Parallel()
	b := newBackend(bn254.Suite())
	pk, sys, w := setUp(t, b, 3, shape{public: 1, constraints: 5})
	var stages []string
	prove(t, b, scheme.ProveInput{Key: pk, System: sys, Witness: w, Threads: 1, Stage: func(s string) { stages = append(stages, s) }})
	want := []string{StageEvaluate, StageA, StageC, StageB, StageQuotient, StageH}
	if !slices.Equal(stages, want) {
		t.Errorf("got stages %v, want %v", stages, want)
	}
	for _, stop := range want {
		ctx, cancel := context.WithCancel(context.Background())
		_, err := b.Prove(ctx, scheme.ProveInput{Key: pk, System: sys, Witness: w, Threads: 1, Rand: fixedRandom(1), Stage: func(s string) {
			if s == stop {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("canceled at %s: got %v", stop, err)
		}
	}
}

func TestProveRefuses(t *testing.T) {
	t.Parallel()
	b, other := newBackend(bn254.Suite()), newBackend(bls12381.Suite())
	sh := shape{public: 2, constraints: 9, bits: 30}
	pk, sys, w := setUp(t, b, 3, sh)
	foreign, foreignSystem, foreignWitness := setUp(t, other, 3, sh)
	larger, _, _ := setUp(t, b, 4, shape{public: 2, constraints: 40})
	changed := func(j int) r1cs.Witness {
		z := elements[elementBN254](t, w)
		b.Field.Add(&z[j], &z[j], &z[0])
		return r1cs.Erase(sys.Curve, r1cs.Assignment[elementBN254]{Z: z})
	}
	good := scheme.ProveInput{Key: pk, System: sys, Witness: w, Threads: 1, Rand: fixedRandom(1)}
	for _, tc := range []struct {
		name   string
		change func(in *scheme.ProveInput)
		want   fault.Code
	}{
		{"unsatisfied", func(in *scheme.ProveInput) { in.Witness = changed(sys.NumVariables - 1) }, fault.UnsatisfiedWitness},
		{"not starting with 1", func(in *scheme.ProveInput) { in.Witness = changed(0) }, fault.Internal},
		{"another curve's witness", func(in *scheme.ProveInput) { in.Witness = foreignWitness }, fault.Internal},
		{"another curve's system", func(in *scheme.ProveInput) { in.System = foreignSystem }, fault.InvalidArtifact},
		{"another curve's key", func(in *scheme.ProveInput) { in.Key = foreign }, fault.Internal},
		{"another size's key", func(in *scheme.ProveInput) { in.Key = larger }, fault.InvalidArtifact},
		{"no randomness", func(in *scheme.ProveInput) { in.Rand = strings.NewReader("dry") }, fault.Internal},
	} {
		in := good
		tc.change(&in)
		if _, err := b.Prove(context.Background(), in); !fault.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.want)
		}
	}
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
