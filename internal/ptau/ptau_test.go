package ptau

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/zkey"
)

// TestCheck checks the files of snarkjs for every domain that they have.
func TestCheck(t *testing.T) {
	t.Parallel()
	testCheck(t, zkey.New(bn254.Suite()), "bn128/bn128.ptau")
	testCheck(t, zkey.New(bls12381.Suite()), "bls12381/bls12381.ptau")
}

func testCheck[S, A1, A2 any](t *testing.T, c zkey.Codec[S, A1, A2], name string) {
	t.Helper()
	b, err := os.ReadFile("../../testdata/circom/" + name)
	if err != nil {
		t.Fatal(err)
	}
	info, err := Describe(bytes.NewReader(b), int64(len(b)))
	if err != nil || info != (Info{Curve: c.Params.ID, Power: 5, Ceremony: 5, Prepared: true, Contributions: 1}) {
		t.Errorf("%s: got %+v, %v", name, info, err)
	}
	f, err := Open(c, bytes.NewReader(b), int64(len(b)), 2)
	if err != nil {
		t.Fatal(err)
	}
	for n := 2; n <= 1<<info.Power; n *= 2 {
		var steps []string
		if err := f.Check(t.Context(), n, func(s string) { steps = append(steps, s) }); err != nil || len(steps) != 5 {
			t.Errorf("%s, %d points: after %s: %v", name, n, strings.Join(steps, ", "), err)
		}
	}
}
