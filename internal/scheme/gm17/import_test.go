package gm17

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve/bls12381"
	curvebn254 "provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

type (
	elementBN254 = fr.Element
	pointBN254   = bn254.G1Affine
	bn254Backend = backend[fr.Element, bn254.G1Affine, bn254.G2Affine]
	proofBN254   = wire.Proof[bn254.G1Affine, bn254.G2Affine]
	bn254Key     = provingKey[fr.Element, bn254.G1Affine, bn254.G2Affine]
)

func onBN254() *bn254Backend { return newBackend(curvebn254.Suite()) }

// importBytes imports a key for sys.
func importBytes(b scheme.Backend, sys *r1cs.System, data []byte, layout scheme.Layout) (scheme.ProvingKey, error) {
	return b.ImportProvingKey(context.Background(), scheme.ImportInput{
		System: sys, Data: bytes.NewReader(data), Size: int64(len(data)), Layout: layout, Threads: 2,
	})
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

// TestImportRefusesEveryFlippedBit flips a bit in each byte of a small key.
func TestImportRefusesEveryFlippedBit(t *testing.T) {
	t.Parallel()
	b := onBN254()
	pk, sys, _ := setUp(t, b, 21, shape{public: 1, constraints: 2})
	file := arkFile(t, pk)
	for i := range file {
		damaged := bytes.Clone(file)
		damaged[i] ^= 1 << (i % 8)
		if _, err := importBytes(b, sys, damaged, ""); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("bit %d of byte %d flipped: got %v, want invalid_artifact", i%8, i, err)
		}
	}
	for _, n := range []int{0, 1, 63, 64, 200, len(file) / 2, len(file) - 64, len(file) - 1} {
		if _, err := importBytes(b, sys, file[:n], ""); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("cut at %d: got %v, want invalid_artifact", n, err)
		}
		// A file that is shorter than it was said to be.
		_, err := b.ImportProvingKey(context.Background(), scheme.ImportInput{
			System: sys, Data: bytes.NewReader(file[:n]), Size: int64(len(file)), Threads: 1,
		})
		if !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("cut at %d behind its size: got %v, want invalid_artifact", n, err)
		}
	}
	if _, err := importBytes(b, sys, append(bytes.Clone(file), 0), ""); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("trailing byte: got %v, want invalid_artifact", err)
	}
}

// TestImportRefusesInconsistentKeys changes whole points for other good ones.
func TestImportRefusesInconsistentKeys(t *testing.T) {
	t.Parallel()
	b := onBN254()
	sh := shape{public: 2, constraints: 20, bits: 40, unused: 2}
	sys, _ := randomSystem(b.Field, 31, sh)
	g, h, inf1, inf2 := b.G1.Generator(), b.G2.Generator(), b.G1.Infinity(), b.G2.Infinity()
	double := func(p *pointBN254) { *p = b.G1.Add(p, p) }
	swap := func(p []pointBN254) { p[1], p[2] = p[2], p[1] }
	for name, change := range map[string]func(pk *bn254Key){
		"h":                        func(pk *bn254Key) { pk.vk.h = b.G2.Add(&h, &h) },
		"g_alpha":                  func(pk *bn254Key) { double(&pk.vk.gAlpha) },
		"g_alpha infinity":         func(pk *bn254Key) { pk.vk.gAlpha = inf1 },
		"h_beta":                   func(pk *bn254Key) { pk.vk.hBeta = h },
		"g_gamma":                  func(pk *bn254Key) { double(&pk.vk.gGamma) },
		"h_gamma":                  func(pk *bn254Key) { pk.vk.hGamma = pk.vk.hBeta },
		"query":                    func(pk *bn254Key) { swap(pk.vk.query) },
		"query infinity":           func(pk *bn254Key) { pk.vk.query[0] = inf1 },
		"a and c_query_2":          func(pk *bn254Key) { double(&pk.a.Points[1]); double(&pk.c2.Points[1]) },
		"a":                        func(pk *bn254Key) { swap(pk.a.Points) },
		"b":                        func(pk *bn254Key) { pk.b.Points[3] = pk.b.Points[4] },
		"b infinity":               func(pk *bn254Key) { pk.b.Points[3] = inf2 },
		"a and b infinity":         func(pk *bn254Key) { pk.a.Points[3], pk.b.Points[3] = inf1, inf2 },
		"a, b, c_query_2 infinity": func(pk *bn254Key) { pk.a.Points[3], pk.b.Points[3], pk.c2.Points[3] = inf1, inf2, inf1 },
		"c_query_1":                func(pk *bn254Key) { swap(pk.c1.Points) },
		"c_query_1 infinity":       func(pk *bn254Key) { pk.c1.Points[7] = inf1 },
		"c_query_2":                func(pk *bn254Key) { swap(pk.c2.Points) },
		"g_gamma_z":                func(pk *bn254Key) { double(&pk.gGammaZ) },
		"h_gamma_z":                func(pk *bn254Key) { pk.hGammaZ = h },
		"g_ab_gamma_z":             func(pk *bn254Key) { double(&pk.gABZ) },
		"g_gamma2_z2":              func(pk *bn254Key) { double(&pk.gZ2) },
		"g_gamma2_z2 and the last power": func(pk *bn254Key) {
			double(&pk.gZ2)
			pk.powers[len(pk.powers)-1] = b.G1.Add(&pk.powers[0], &pk.gZ2)
		},
		"first power":    func(pk *bn254Key) { double(&pk.powers[0]) },
		"powers":         func(pk *bn254Key) { swap(pk.powers) },
		"a middle power": func(pk *bn254Key) { pk.powers[9] = g },
		"last power":     func(pk *bn254Key) { double(&pk.powers[len(pk.powers)-1]) },
		"power infinity": func(pk *bn254Key) { pk.powers[5] = inf1 },
		"a point for an unused column": func(pk *bn254Key) {
			for i, j := range pk.a.Columns {
				if unused := uint32(sh.public + 1); j > unused {
					pk.a.Columns[i] = unused
					return
				}
			}
		},
	} {
		pk, err := b.setup(context.Background(), sys, fixedRandom(1), 1)
		if err != nil {
			t.Fatal(err)
		}
		change(pk)
		if _, err := importBytes(b, sys, arkFile(t, pk), ""); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %v, want invalid_artifact", name, err)
		}
	}
}

// TestGamma imports and uses a key whose gamma isn't 1, which ark-gm17 doesn't
// make but the scheme allows.
func TestGamma(t *testing.T) {
	t.Parallel()
	b := onBN254()
	sys, w := randomSystem(b.Field, 3, shape{public: 2, constraints: 20, bits: 40, unused: 1})
	v, zTau, err := wire.DrawSecrets(b.Field, fixedRandom(1), 4, dimensionsOf(sys).domain())
	if err != nil {
		t.Fatal(err)
	}
	again := func() *bn254Key {
		pk, err := b.setupWith(context.Background(), sys, &secrets[elementBN254]{v[0], v[1], v[2], v[3], zTau}, 1)
		if err != nil {
			t.Fatal(err)
		}
		return pk
	}
	prove(t, b, scheme.ProveInput{Key: reimport(t, b, again(), sys), System: sys, Witness: w, Threads: 1})
	pk := again()
	p := pk.c1.Points
	p[3], p[4] = p[4], p[3]
	if _, err := importBytes(b, sys, arkFile(t, pk), ""); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("c_query_1: got %v, want invalid_artifact", err)
	}
}

func TestImportRefusesOtherPrograms(t *testing.T) {
	t.Parallel()
	b, other := onBN254(), newBackend(bls12381.Suite())
	sh := shape{public: 2, constraints: 20, bits: 40}
	pk, sys, _ := setUp(t, b, 1, sh)
	file := arkFile(t, pk)
	foreignKey, foreign, _ := setUp(t, other, 1, sh)
	sameSize, _ := randomSystem(b.Field, 2, sh)
	if dimensionsOf(sameSize) != pk.dimensions {
		t.Fatal("the second program was to have the first one's dimensions")
	}
	larger, _ := randomSystem(b.Field, 1, shape{public: 3, constraints: 20})
	for _, tc := range []struct {
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
		{"same matrices, other coefficients", b, recoefficiented(b, sys), file, "", fault.InvalidArtifact},
		{"other dimensions", b, larger, file, "", fault.InvalidArtifact},
		{"system on another curve", b, foreign, file, "", fault.InvalidArtifact},
		{"key on another curve", b, sys, arkFile(t, foreignKey), "", fault.InvalidArtifact},
		{"no system", b, nil, file, "", fault.InvalidArtifact},
		{"bellman", b, sys, file, scheme.LayoutBellman, fault.Unsupported},
	} {
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

// recoefficiented returns a system that differs from sys in one coefficient.
func recoefficiented(b *bn254Backend, sys *r1cs.System) *r1cs.System {
	out := *sys
	out.Table = bytes.Clone(sys.Table)
	table, err := b.Field.FromMemory(out.Table)
	if err != nil {
		panic(err)
	}
	b.Field.Add(&table[5], &table[5], &table[0])
	return &out
}

type brokenDisk struct{}

func (brokenDisk) ReadAt([]byte, int64) (int, error) { return 0, errors.New("disk failure") }
