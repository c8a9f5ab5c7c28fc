package zkey

import (
	"bytes"
	"testing"

	"provery/internal/curve"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/iden3"
)

// sectionsOf returns some sections of a file of snarkjs.
func sectionsOf(t testing.TB, name string, ids ...uint32) []iden3.Section {
	t.Helper()
	f := openFile(t, name)
	var out []iden3.Section
	for _, id := range ids {
		b, err := f.Bytes(id, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, iden3.Data(id, b))
	}
	return out
}

// refused checks that an error is one that outside bytes may cause.
func refused(t *testing.T, err error) {
	t.Helper()
	if !fault.Is(err, fault.InvalidArtifact) && !fault.Is(err, fault.Unsupported) {
		t.Errorf("got %v, want invalid_artifact or unsupported", err)
	}
}

// FuzzChain reads lists of contributions: one that is accepted is encoded as it came,
// and checked without harm.
func FuzzChain(f *testing.F) {
	for _, name := range []string{"bn128/fresh.zkey", "bn128/contributed.zkey", "bn128/beaconed.zkey", "bls12381/contributed.zkey"} {
		b, err := openFile(f, name).Bytes(Contributions, MaxChain)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, name[:2] == "bl")
	}
	bn, bls := New(bn254.Suite()), New(bls12381.Suite())
	f.Fuzz(func(t *testing.T, b []byte, other bool) {
		if other {
			fuzzChain(t, bls, b)
		} else {
			fuzzChain(t, bn, b)
		}
	})
}

func fuzzChain[S, A1, A2 any](t *testing.T, c Codec[S, A1, A2], b []byte) {
	chain, err := c.ParseChain(t.Context(), b)
	if err != nil {
		refused(t, err)
		return
	}
	if !bytes.Equal(c.Encode(chain), b) {
		t.Error("an accepted list is encoded otherwise")
	}
	h := &Header[A1, A2]{Delta1: c.G1.Generator(), Delta2: c.G2.Generator()}
	if n := len(chain.Contributions); n > 0 {
		h.Delta1 = chain.Contributions[n-1].Delta
	}
	if _, err := c.Check(t.Context(), chain, h, CheckOptions{MaxIterations: 1 << 12}); err != nil {
		refused(t, err)
	}
}

// FuzzKey reads the sections of keys that aren't vectors of points.
func FuzzKey(f *testing.F) {
	for _, name := range []string{"bn128/fresh.zkey", "bls12381/fresh.zkey"} {
		var b bytes.Buffer
		if err := iden3.Write(&b, Kind, Version, sectionsOf(f, name, Protocol, HeaderSection, Coefficients, Contributions)); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	bn, bls := New(bn254.Suite()), New(bls12381.Suite())
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			refused(t, err)
			return
		}
		switch id, err := CurveOf(file); {
		case err != nil:
			refused(t, err)
		case id == curve.BN128:
			fuzzKey(t, bn, file)
		default:
			fuzzKey(t, bls, file)
		}
	})
}

func fuzzKey[S, A1, A2 any](t *testing.T, c Codec[S, A1, A2], file *iden3.File) {
	h, err := c.Header(t.Context(), file)
	if err != nil {
		refused(t, err)
		return
	}
	want, err := file.Bytes(HeaderSection, 1<<12)
	if err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	if err := c.Head(h)[1].Write(&head); err != nil || !bytes.Equal(head.Bytes(), want) {
		t.Errorf("an accepted header is written otherwise: %v", err)
	}
	err = EachCoefficient(t.Context(), file, c.Params, h.Dimensions, func(k Coefficient) error {
		if int(k.Column) >= h.Variables || int(k.Row) >= h.Domain {
			t.Errorf("got coefficient %+v", k)
		}
		return nil
	})
	if err != nil {
		refused(t, err)
	}
	if _, err := c.Chain(t.Context(), file); err != nil {
		refused(t, err)
	}
}
