package ceremony

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/iden3"
	"provery/internal/peer/snarkjs"
	"provery/internal/zkey"
)

// TestBlocks compares first keys with snarkjs's where points are hashed in several
// blocks: for domains of 2^15 points and more, with powers of tau of just their size
// and of a larger one, and for more than 2^15 wires. With PROVERY_CIRCOMLIB=all
// only: it takes minutes. One block is TestSameAsSnarkJS's.
func TestBlocks(t *testing.T) {
	t.Parallel()
	if os.Getenv("PROVERY_CIRCOMLIB") != "all" {
		t.Skip("'make test-circom' runs it")
	}
	sha256, err := os.ReadFile("../../build/cache/circomlib/sha256/sha256.r1cs")
	if err != nil {
		t.Fatalf("the circuits aren't set up ('make setup' does it): %v", err)
	}
	js := snarkjs.Start(t, "../..")
	bn, bls := zkey.New(bn254.Suite()), zkey.New(bls12381.Suite())
	powers := map[string][]byte{
		"bn128-14": powersOfTau(t, bn.Suite, 14), "bn128-15": powersOfTau(t, bn.Suite, 15), "bn128-16": powersOfTau(t, bn.Suite, 16),
		"bls-15": powersOfTau(t, bls.Suite, 15),
	}
	for _, tc := range []struct {
		name, powers string
		r1cs         []byte
	}{
		{"2^14 points of 2^14", "bn128-14", squares(t, bn, 9_000)},
		{"2^15 points of 2^15", "bn128-15", squares(t, bn, 20_000)},
		{"2^15 points of 2^16", "bn128-16", squares(t, bn, 20_000)},
		{"2^16 points of 2^16", "bn128-16", squares(t, bn, 33_000)},
		{"SHA-256", "bn128-15", sha256},
		{"2^15 points of 2^15 on bls12381", "bls-15", squares(t, bls, 20_000)},
	} {
		dir := t.TempDir()
		file := func(name string, b []byte) string {
			path := filepath.Join(dir, name)
			if b == nil {
				return path
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		circuit := Circuit{section(tc.r1cs), section(powers[tc.powers])}
		r1cs, ptau, theirs := file("c.r1cs", tc.r1cs), file("p.ptau", powers[tc.powers]), file("theirs.zkey", nil)
		var want string
		js.Must(t, &want, "zKey.newZKey", r1cs, ptau, theirs)
		var out bytes.Buffer
		hash, err := New(t.Context(), circuit, Run{Threads: 2}, &out)
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if got := hex.EncodeToString(hash[:]); got != want {
			t.Errorf("%s: got circuit hash %s, want snarkjs's %s", tc.name, got, want)
		}
		b, err := os.ReadFile(theirs)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, out.Bytes()) {
			t.Errorf("%s: another key than snarkjs's", tc.name)
			continue
		}
		key, _ := contributed(t, Contribution{Key: section(b), Name: "ours", Rand: rand.Reader})
		if _, err := Verify(t.Context(), circuit, section(key), Run{Threads: 2}); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if !js.Accepts(t, "zKey.verifyFromInit", theirs, ptau, file("ours.zkey", key)) {
			t.Errorf("%s: snarkjs refuses our contribution", tc.name)
		}
	}
}

// squares returns a circuit of n constraints and n+2 wires: each wire is the square of
// the one before, plus a multiple of the output.
func squares[S, A1, A2 any](t testing.TB, c zkey.Codec[S, A1, A2], n int) []byte {
	t.Helper()
	const scalarBytes = 32
	word := binary.LittleEndian.AppendUint32
	prime := zkey.LittleEndian(c.Params.ScalarModulus, scalarBytes)
	wires := uint32(n + 2)
	header := append(word(nil, scalarBytes), prime...)
	for _, v := range []uint32{wires, 1, 0, 1} { // the output is wire 1, the input 2
		header = word(header, v)
	}
	header = word(binary.LittleEndian.AppendUint64(header, uint64(wires)), uint32(n))
	term := func(b []byte, wire, coefficient uint32) []byte {
		return append(word(word(b, wire), coefficient), make([]byte, scalarBytes-4)...)
	}
	var labels []byte
	for i := range wires {
		labels = binary.LittleEndian.AppendUint64(labels, uint64(i))
	}
	var constraints []byte
	for i := range uint32(n) {
		before, after := i+2, (i+3)%wires
		if after == 0 {
			after = 1
		}
		constraints = term(word(constraints, 1), before, 1)
		constraints = term(word(constraints, 1), before, 1)
		constraints = term(term(word(constraints, 2), after, 1), 1, i%1000+2)
	}
	var out bytes.Buffer
	err := iden3.Write(&out, "r1cs", 1, []iden3.Section{iden3.Data(2, constraints), iden3.Data(1, header), iden3.Data(3, labels)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
