package zkey

import (
	"bytes"
	"os"
	"testing"

	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
)

func testFile[S, A1, A2 any](t *testing.T, c Codec[S, A1, A2], name string, contributions int) {
	b, err := os.ReadFile("../../testdata/circom/" + name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	h, err := c.Header(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := c.Chain(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := c.Check(t.Context(), chain, h, CheckOptions{MaxExponent: MaxExponent})
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range chain.Contributions {
		t.Logf("%x %q %v", hashes[i], k.Name, k.Beacon)
	}
	if len(hashes) != contributions {
		t.Error(len(hashes))
	}
	raw, _ := f.Bytes(Contributions, 1<<20)
	if !bytes.Equal(raw, c.Encode(chain)) {
		t.Error("encode")
	}
}

func TestSnarkJSChains(t *testing.T) {
	bn := New(bn254.Suite())
	_ = bls12381.Suite
	testFile(t, bn, "bn128/fresh.zkey", 0)
	testFile(t, bn, "bn128/contributed.zkey", 1)
	testFile(t, bn, "bn128/beaconed.zkey", 2)
	testFile(t, New(bls12381.Suite()), "bls12381/contributed.zkey", 1)
}
