package ptau

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"provery/internal/curve"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/iden3"
	"provery/internal/zkey"
)

// cut returns a file of snarkjs cut to the powers for 2^power points, as 'snarkjs
// powersoftau truncate' does.
func cut[S, A1, A2 any](t testing.TB, c zkey.Codec[S, A1, A2], name string, power int) []byte {
	t.Helper()
	b, err := os.ReadFile("../../testdata/circom/" + name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := iden3.Open(bytes.NewReader(b), int64(len(b)), kind, version)
	if err != nil {
		t.Fatal(err)
	}
	n, g1, g2 := 1<<power, c.G1.Bytes(), c.G2.Bytes()
	var sections []iden3.Section
	for _, s := range []struct {
		id   uint32
		size int
	}{
		{sectionHeader, 4 + c.Params.BaseBytes + 8},
		{sectionTau1, (2*n - 1) * g1}, {sectionTau2, n * g2}, {sectionAlpha, n * g1}, {sectionBeta, n * g1}, {sectionBeta2, g2},
		{sectionLagrange, (4*n - 1) * g1}, {sectionTau2L, (2*n - 1) * g2}, {sectionAlphaL, (2*n - 1) * g1}, {sectionBetaL, (2*n - 1) * g1},
	} {
		whole, err := f.Bytes(s.id, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		part := whole[:s.size]
		if s.id == sectionHeader {
			binary.LittleEndian.PutUint32(part[s.size-8:], uint32(power))
		}
		sections = append(sections, iden3.Data(s.id, part))
	}
	var out bytes.Buffer
	if err := iden3.Write(&out, kind, version, sections); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// FuzzOpen reads powers of tau, and checks those that could be opened.
func FuzzOpen(f *testing.F) {
	bn, bls := zkey.New(bn254.Suite()), zkey.New(bls12381.Suite())
	f.Add(cut(f, bn, "bn128/bn128.ptau", 2))
	f.Add(cut(f, bls, "bls12381/bls12381.ptau", 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := Describe(bytes.NewReader(b), int64(len(b)))
		switch {
		case err != nil:
			refused(t, err)
		case info.Curve == curve.BN128:
			fuzzOpen(t, bn, b)
		default:
			fuzzOpen(t, bls, b)
		}
	})
}

func fuzzOpen[S, A1, A2 any](t *testing.T, c zkey.Codec[S, A1, A2], b []byte) {
	f, err := Open(c, bytes.NewReader(b), int64(len(b)), 1)
	if err != nil {
		refused(t, err)
		return
	}
	if err := f.Check(t.Context(), 2, nil); err != nil {
		refused(t, err)
	}
	if _, _, _, err := f.Fixed(t.Context()); err != nil {
		refused(t, err)
	}
	_, _ = f.BehindPowers() // whatever lies there
}

// refused checks that an error is one that outside bytes may cause.
func refused(t *testing.T, err error) {
	t.Helper()
	if !fault.Is(err, fault.InvalidArtifact) && !fault.Is(err, fault.Unsupported) {
		t.Errorf("got %v, want invalid_artifact or unsupported", err)
	}
}

// TestCut checks files that are a part of a larger one. Their largest polynomials
// have a power that the file doesn't: nothing else may stand for it.
func TestCut(t *testing.T) {
	t.Parallel()
	testCut(t, zkey.New(bn254.Suite()), "bn128/bn128.ptau")
	testCut(t, zkey.New(bls12381.Suite()), "bls12381/bls12381.ptau")
}

func testCut[S, A1, A2 any](t *testing.T, c zkey.Codec[S, A1, A2], name string) {
	t.Helper()
	for power := 1; power < 5; power++ {
		b := cut(t, c, name, power)
		f, err := Open(c, bytes.NewReader(b), int64(len(b)), 1)
		if err != nil {
			t.Fatal(err)
		}
		for n := 2; n <= 1<<power; n *= 2 {
			if err := f.Check(t.Context(), n, nil); err != nil {
				t.Errorf("%s, %d of 2^%d points: %v", name, n, power, err)
			}
		}
		if err := f.Check(t.Context(), 2<<power, nil); !fault.Is(err, fault.TooLarge) {
			t.Errorf("more points than the file has: got %v", err)
		}
		n := 1 << power
		lagrange, err := f.Odd(t.Context(), n, 0, n)
		if err != nil {
			t.Fatal(err)
		}
		// Multiples by the roots change the highest power alone.
		k := &check[S, A1, A2]{f, t.Context(), n}
		omega, err := k.base.Omega("snarkjs", 2*n)
		if err != nil {
			t.Fatal(err)
		}
		x := omega
		var step S
		c.Field.Mul(&step, &x, &x)
		g := c.G1.Generator()
		for i := range lagrange {
			more := c.G1.Mul(&g, &x)
			lagrange[i] = c.G1.Add(&lagrange[i], &more)
			c.Field.Mul(&x, &x, &step)
		}
		powers, err := f.Powers(t.Context(), 0, f.NumPowers())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.highest(powers, lagrange); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s, 2^%d points: a point of somebody's choice: got %v", name, power, err)
		}
	}
}
