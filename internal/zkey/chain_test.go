package zkey

import (
	"bytes"
	"os"
	"testing"

	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/iden3"
)

// openFile opens a key of snarkjs.
func openFile(t testing.TB, name string) *iden3.File {
	t.Helper()
	b, err := os.ReadFile("../../testdata/circom/" + name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestSnarkJSChains checks the contributions of snarkjs's keys, and encodes them as
// they came.
func TestSnarkJSChains(t *testing.T) {
	t.Parallel()
	bn, bls := New(bn254.Suite()), New(bls12381.Suite())
	testChain(t, bn, "bn128/fresh.zkey", "")
	testChain(t, bn, "bn128/contributed.zkey", "two;")
	testChain(t, bn, "bn128/beaconed.zkey", "two;final, a beacon;")
	testChain(t, bls, "bls12381/fresh.zkey", "")
	testChain(t, bls, "bls12381/contributed.zkey", "two;")
}

func testChain[S, A1, A2 any](t *testing.T, c Codec[S, A1, A2], name, want string) {
	t.Helper()
	f := openFile(t, name)
	h, err := c.Header(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := c.Chain(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := c.Check(t.Context(), chain, h, CheckOptions{MaxIterations: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for i := range chain.Contributions {
		k := &chain.Contributions[i]
		if hashes[i] != c.Hash(k) {
			t.Errorf("%s: contribution %d has two hashes", name, i+1)
		}
		got += k.Name
		if k.Beacon != nil {
			got += ", a beacon"
		}
		got += ";"
	}
	if got != want {
		t.Errorf("%s: got %q, want %q", name, got, want)
	}
	if c.Started(h) != (want == "") {
		t.Errorf("%s: whether somebody contributed is told wrongly", name)
	}
	raw, err := f.Bytes(Contributions, MaxChain)
	if err != nil || !bytes.Equal(raw, c.Encode(chain)) {
		t.Errorf("%s: the contributions are encoded otherwise: %v", name, err)
	}
}
