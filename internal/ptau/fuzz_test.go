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

// cut returns a file of snarkjs with the sections of one for 2^power points, that is
// small. It is good for all but its largest domain: there, the polynomials of twice as
// many points would lack a power.
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

// TestCut checks that the fuzzer begins with files that are accepted.
func TestCut(t *testing.T) {
	t.Parallel()
	c := zkey.New(bn254.Suite())
	b := cut(t, c, "bn128/bn128.ptau", 2)
	f, err := Open(c, bytes.NewReader(b), int64(len(b)), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Check(t.Context(), 2, nil); err != nil {
		t.Error(err)
	}
	if err := f.Check(t.Context(), 4, nil); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("polynomials of the powers of a larger file: got %v", err)
	}
	if err := f.Check(t.Context(), 8, nil); !fault.Is(err, fault.TooLarge) {
		t.Errorf("more points than the file has: got %v", err)
	}
}
