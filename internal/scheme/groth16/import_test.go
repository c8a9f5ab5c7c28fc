package groth16

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve/bls12381"
	curvebn254 "provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
)

type bn254Backend = backend[fr.Element, bn254.G1Affine, bn254.G2Affine]

type bn254Key = provingKey[fr.Element, bn254.G1Affine, bn254.G2Affine]

func onBN254() *bn254Backend { return newBackend(curvebn254.Suite()) }

// importBytes imports a key for sys.
func importBytes(b scheme.Backend, sys *r1cs.System, data []byte, layout scheme.Layout) (scheme.ProvingKey, error) {
	return b.ImportProvingKey(context.Background(), scheme.ImportInput{
		System: sys, Data: bytes.NewReader(data), Size: int64(len(data)), Layout: layout, Threads: 2,
	})
}

// bellmanFile writes a key in the bellman layout: the inverse of readBellman.
func bellmanFile(t testing.TB, pk *bn254Key) []byte {
	t.Helper()
	b := pk.vk.backend
	var out []byte
	g1 := func(vector bool, points ...bn254.G1Affine) {
		if vector {
			out = binary.BigEndian.AppendUint32(out, uint32(len(points)))
		}
		buf := make([]byte, len(points)*64)
		b.G1.Encode(buf, points)
		reverseEach(buf, 32)
		out = append(out, buf...)
	}
	g2 := func(vector bool, points ...bn254.G2Affine) {
		if vector {
			out = binary.BigEndian.AppendUint32(out, uint32(len(points)))
		}
		buf := make([]byte, len(points)*128)
		b.G2.Encode(buf, points)
		reverseEach(buf, 64)
		out = append(out, buf...)
	}
	g1(false, pk.vk.alpha, pk.beta)
	g2(false, pk.vk.beta, pk.vk.gamma)
	g1(false, pk.delta)
	g2(false, pk.vk.delta)
	g1(true, pk.vk.gammaABC...)
	g1(true, pk.h...)
	g1(true, pk.l.Points...)
	g1(true, pk.a.Points...)
	g1(true, pk.b1.Points...)
	g2(true, pk.b2.Points...)
	return out
}

// reverseEach reverses each group of size bytes.
func reverseEach(b []byte, size int) {
	for group := range slices.Chunk(b, size) {
		slices.Reverse(group)
	}
}

// arkFile writes a key in the ark layout.
func arkFile(t testing.TB, pk scheme.ProvingKey) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := pk.Export(&out, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBellmanLayout(t *testing.T) {
	t.Parallel()
	b := onBN254()
	for _, sh := range []shape{
		{constraints: 2}, {public: 3, constraints: 4}, {public: 1, constraints: 20, bits: 60},
		{public: 2, constraints: 50, bits: 80}, {public: 4, constraints: 220, bits: 80},
	} {
		sys, w := randomSystem(b.Field, 11, sh)
		made, err := b.setup(context.Background(), sys, scheme.LayoutBellman, fixedRandom(1), 2)
		if err != nil {
			t.Fatal(err)
		}
		file := bellmanFile(t, made)
		want := prove(t, b, scheme.ProveInput{Key: made, System: sys, Witness: w, Threads: 1})
		for _, layout := range []scheme.Layout{"", scheme.LayoutBellman} {
			pk, err := importBytes(b, sys, file, layout)
			if err != nil {
				t.Fatal(err)
			}
			if pk.Layout() != scheme.LayoutBellman {
				t.Errorf("got layout %s, want bellman", pk.Layout())
			}
			for _, key := range []scheme.ProvingKey{pk, reopen(t, b, pk)} {
				if got := prove(t, b, scheme.ProveInput{Key: key, System: sys, Witness: w, Threads: 2}); !bytes.Equal(got, want) {
					t.Errorf("%+v: the proof differs", sh)
				}
			}
			for _, key := range []scheme.ProvingKey{pk, reopen(t, b, pk)} {
				if got := arkFile(t, key); !bytes.Equal(got, file) {
					t.Error("the exported key differs from the imported one")
				}
			}
		}
		if _, err := importBytes(b, sys, file, scheme.LayoutArk); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("bellman key as ark: got %v", err)
		}
	}
}

// TestRootMatters proves with another root of unity than the key's: the proof
// is wrong from the domain size on at which the two roots' powers differ.
func TestRootMatters(t *testing.T) {
	t.Parallel()
	b := onBN254()
	for _, tc := range []struct {
		constraints int
		same        bool
	}{{20, true}, {50, false}, {100, false}} {
		pk, sys, w := setUp(t, b, 7, shape{public: 2, constraints: tc.constraints})
		omega, err := b.Omega(scheme.LayoutBellman, pk.domain)
		if err != nil {
			t.Fatal(err)
		}
		pk.work.Omega = omega // before the domain's first use
		proof, err := b.Prove(context.Background(), scheme.ProveInput{Key: pk, System: sys, Witness: w, Threads: 1, Rand: fixedRandom(1)})
		if err != nil {
			t.Fatal(err)
		}
		err = b.Verify(pk.vk, proof, publicOf[fr.Element](t, sys, w))
		if tc.same != (err == nil) || !tc.same && !errors.Is(err, scheme.ErrInvalidProof) {
			t.Errorf("domain of %d: got %v", pk.domain, err)
		}
	}
}

// TestImportRefusesEveryFlippedBit flips a bit in each byte of small keys.
func TestImportRefusesEveryFlippedBit(t *testing.T) {
	t.Parallel()
	b := onBN254()
	sys, _ := randomSystem(b.Field, 21, shape{public: 1, constraints: 2})
	native, err := b.setup(context.Background(), sys, scheme.LayoutNative, fixedRandom(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	bellman, err := b.setup(context.Background(), sys, scheme.LayoutBellman, fixedRandom(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"ark": arkFile(t, native), "bellman": bellmanFile(t, bellman)} {
		if _, err := importBytes(b, sys, file, ""); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range file {
			damaged := bytes.Clone(file)
			damaged[i] ^= 1 << (i % 8)
			if _, err := importBytes(b, sys, damaged, ""); !fault.Is(err, fault.InvalidArtifact) {
				t.Errorf("%s: bit %d of byte %d flipped: got %v, want invalid_artifact", name, i%8, i, err)
			}
		}
		for _, n := range []int{0, 1, 63, 64, 200, len(file) / 2, len(file) - 64, len(file) - 1} {
			if _, err := importBytes(b, sys, file[:n], ""); !fault.Is(err, fault.InvalidArtifact) {
				t.Errorf("%s: cut at %d: got %v, want invalid_artifact", name, n, err)
			}
			// A file that is shorter than it was said to be.
			_, err := b.ImportProvingKey(context.Background(), scheme.ImportInput{
				System: sys, Data: bytes.NewReader(file[:n]), Size: int64(len(file)), Threads: 1,
			})
			if !fault.Is(err, fault.InvalidArtifact) {
				t.Errorf("%s: cut at %d behind its size: got %v, want invalid_artifact", name, n, err)
			}
		}
		if _, err := importBytes(b, sys, append(bytes.Clone(file), 0), ""); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: trailing byte: got %v, want invalid_artifact", name, err)
		}
	}
}

// TestImportRefusesInconsistentKeys changes whole points for other good ones.
func TestImportRefusesInconsistentKeys(t *testing.T) {
	t.Parallel()
	b := onBN254()
	sh := shape{public: 2, constraints: 20, bits: 40, unused: 2}
	sys, _ := randomSystem(b.Field, 31, sh)
	inf1, g2 := b.G1.Infinity(), b.G2.Generator()
	tests := []struct {
		name   string
		change func(pk *bn254Key)
	}{
		{"beta_g1 and delta_g1 swapped", func(pk *bn254Key) { pk.beta, pk.delta = pk.delta, pk.beta }},
		{"beta_g1 negated", func(pk *bn254Key) { pk.beta = b.G1.Neg(&pk.beta) }},
		{"beta_g2 replaced", func(pk *bn254Key) { pk.vk.beta = g2 }},
		{"gamma_g2 and delta_g2 swapped", func(pk *bn254Key) { pk.vk.gamma, pk.vk.delta = pk.vk.delta, pk.vk.gamma }},
		{"a point of b_g1 replaced", func(pk *bn254Key) { pk.b1.Points[3] = pk.a.Points[0] }},
		{"two points of b_g2 swapped", func(pk *bn254Key) {
			p := pk.b2.Points
			p[1], p[2] = p[2], p[1]
		}},
		{"a point of b_g2 left out", func(pk *bn254Key) { pk.b2.Points[1] = b.G2.Infinity() }},
		{"a point of b left out on one side of a pair", func(pk *bn254Key) { pk.b1.Points[2] = inf1 }},
		{"alpha infinity", func(pk *bn254Key) { pk.vk.alpha = inf1 }},
		{"delta infinity", func(pk *bn254Key) { pk.delta, pk.vk.delta = inf1, b.G2.Infinity() }},
		{"gamma_abc infinity", func(pk *bn254Key) { pk.vk.gammaABC[1] = inf1 }},
		{"h infinity", func(pk *bn254Key) { pk.h[5] = inf1 }},
		{"a point for an unused column", func(pk *bn254Key) {
			unused := uint32(sh.public + 1)
			for i, j := range pk.a.Columns {
				if j > unused {
					pk.a.Columns[i] = unused
					return
				}
			}
		}},
	}
	for _, tc := range tests {
		pk, err := b.setup(context.Background(), sys, scheme.LayoutNative, fixedRandom(1), 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := importBytes(b, sys, arkFile(t, pk), ""); err != nil {
			t.Fatalf("unchanged: %v", err)
		}
		tc.change(pk)
		if _, err := importBytes(b, sys, arkFile(t, pk), ""); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %v, want invalid_artifact", tc.name, err)
		}
	}
}

func TestImportRefusesOtherPrograms(t *testing.T) {
	t.Parallel()
	b := onBN254()
	sh := shape{public: 2, constraints: 20, bits: 40}
	pk, sys, _ := setUp(t, b, 1, sh)
	file := arkFile(t, pk)
	other := newBackend(bls12381.Suite())
	foreignKey, foreign, _ := setUp(t, other, 1, sh)
	sameSize, _ := randomSystem(b.Field, 2, sh)
	if dimensionsOf(sameSize) != pk.dimensions {
		t.Fatal("the second program was to have the first one's dimensions")
	}
	larger, _ := randomSystem(b.Field, 1, shape{public: 3, constraints: 20})
	tests := []struct {
		name    string
		backend scheme.Backend
		sys     *r1cs.System
		file    []byte
		layout  scheme.Layout
		want    fault.Code
	}{
		{"own", b, sys, file, "", ""},
		{"own, by name", b, sys, file, scheme.LayoutArk, ""},
		{"same dimensions", b, sameSize, file, "", fault.InvalidArtifact},
		{"other dimensions", b, larger, file, "", fault.InvalidArtifact},
		{"system on another curve", b, foreign, file, "", fault.InvalidArtifact},
		{"key on another curve", b, sys, arkFile(t, foreignKey), "", fault.InvalidArtifact},
		{"no system", b, nil, file, "", fault.InvalidArtifact},
		{"bellman elsewhere", other, foreign, file, scheme.LayoutBellman, fault.Unsupported},
		{"no such layout", b, sys, file, "x", fault.Unsupported},
	}
	for _, tc := range tests {
		_, err := importBytes(tc.backend, tc.sys, tc.file, tc.layout)
		if fault.CodeOf(err) != tc.want {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := b.ImportProvingKey(ctx, scheme.ImportInput{System: sys, Data: bytes.NewReader(file), Size: int64(len(file))})
	if !fault.Is(err, fault.Canceled) || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
	if _, err := b.ImportProvingKey(context.Background(), scheme.ImportInput{System: sys, Data: brokenDisk{}, Size: int64(len(file))}); !fault.Is(err, fault.Internal) {
		t.Errorf("failing disk: got %v, want internal", err)
	}
}

type brokenDisk struct{}

func (brokenDisk) ReadAt([]byte, int64) (int, error) { return 0, errors.New("disk failure") }
