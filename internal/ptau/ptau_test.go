package ptau

import (
	"bytes"
	"os"
	"testing"

	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/zkey"
)

func testCheck[S, A1, A2 any](t *testing.T, c zkey.Codec[S, A1, A2], name string) {
	b, err := os.ReadFile("../../testdata/circom/" + name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(c, bytes.NewReader(b), int64(len(b)), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 8, 16, 32} {
		if err := f.Check(t.Context(), n, func(s string) { t.Log(s) }); err != nil {
			t.Error(err)
		}
	}
}

func TestCheck(t *testing.T) {
	testCheck(t, zkey.New(bn254.Suite()), "bn128/bn128.ptau")
	testCheck(t, zkey.New(bls12381.Suite()), "bls12381/bls12381.ptau")
}
