package contract

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"slices"
	"strings"

	"provery/internal/curve"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
)

// wordBytes is the size of a word of the EVM, of a coordinate and of a scalar.
const wordBytes = 32

// word is a big-endian word of the EVM.
type word [wordBytes]byte

// String returns 0x and 64 digits.
func (w word) String() string { return "0x" + hex.EncodeToString(w[:]) }

// MarshalJSON writes the word as a string, as String does.
func (w word) MarshalJSON() ([]byte, error) { return json.Marshal(w.String()) }

// UnmarshalJSON reads a word. It insists on the width.
func (w *word) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fault.New(fault.InvalidArtifact, "not a string of hexadecimal digits")
	}
	digits, prefixed := strings.CutPrefix(s, "0x")
	if !prefixed || len(digits) != 2*wordBytes {
		return fault.New(fault.InvalidArtifact, "not 0x and %d hexadecimal digits", 2*wordBytes)
	}
	if _, err := hex.Decode(w[:], []byte(digits)); err != nil {
		return fault.New(fault.InvalidArtifact, "not 0x and %d hexadecimal digits", 2*wordBytes)
	}
	return nil
}

// below reports whether the word is less than the modulus.
func (w word) below(modulus *big.Int) bool { return new(big.Int).SetBytes(w[:]).Cmp(modulus) < 0 }

// negated returns p - w, or 0 for 0, where p is the modulus and w below it.
func (w word) negated(modulus *big.Int) word {
	v := new(big.Int).SetBytes(w[:])
	v.Sub(modulus, v).Mod(v, modulus)
	v.FillBytes(w[:])
	return w
}

// g1 is a point of G1; zeros are infinity, as for the precompiled contracts.
type g1 struct{ X, Y word }

// g2 is a point of G2. A coordinate is c0 then c1, as in ZoKrates's files; the
// precompiled contracts want c1 first.
type g2 struct{ X, Y [2]word }

func (p g1) infinite() bool { return p == g1{} }

// negated returns -p.
func (p g1) negated() g1 { return g1{p.X, p.Y.negated(baseModulus())} }

// negated returns -p.
func (p g2) negated() g2 {
	m := baseModulus()
	return g2{p.X, [2]word{p.Y[0].negated(m), p.Y[1].negated(m)}}
}

func baseModulus() *big.Int   { return bn254.Suite().Params.BaseModulus }
func scalarModulus() *big.Int { return bn254.Suite().Params.ScalarModulus }

// parseG1 reads [x, y] and checks that it is a finite point of G1.
func parseG1(raw json.RawMessage) (g1, error) {
	p, err := parseG1OrInfinity(raw)
	if err == nil && p.infinite() {
		err = fault.New(fault.InvalidArtifact, "not a point")
	}
	return p, err
}

// parseG1OrInfinity reads [x, y] and checks that it is a point of G1. Zeros are
// infinity.
func parseG1OrInfinity(raw json.RawMessage) (g1, error) {
	var words []word
	if err := json.Unmarshal(raw, &words); err != nil || len(words) != 2 {
		return g1{}, fault.New(fault.InvalidArtifact, "not two words of 0x and %d hexadecimal digits", 2*wordBytes)
	}
	p := g1{words[0], words[1]}
	if p.infinite() {
		return p, nil
	}
	return p, checkPoint(bn254.Suite().G1, words)
}

// parseG2 reads [[c0, c1], [c0, c1]] and checks that it is a finite point of G2.
func parseG2(raw json.RawMessage) (g2, error) {
	var pairs [][]word
	if err := json.Unmarshal(raw, &pairs); err != nil || len(pairs) != 2 || len(pairs[0]) != 2 || len(pairs[1]) != 2 {
		return g2{}, fault.New(fault.InvalidArtifact, "not two pairs of words of 0x and %d hexadecimal digits", 2*wordBytes)
	}
	x, y := [2]word(pairs[0]), [2]word(pairs[1])
	return g2{x, y}, checkPoint(bn254.Suite().G2, slices.Concat(pairs...))
}

// checkPoint checks that coordinates are in the field, and their point finite and
// in the group.
func checkPoint[S, A any](group curve.Group[S, A], words []word) error {
	modulus := baseModulus()
	buf := make([]byte, 0, len(words)*wordBytes)
	for _, w := range words {
		if !w.below(modulus) {
			return fault.New(fault.InvalidArtifact, "a coordinate isn't below the field's order")
		}
		slices.Reverse(w[:])
		buf = append(buf, w[:]...)
	}
	points := make([]A, 1)
	if group.Decode(points, buf) != nil || group.IsInfinity(&points[0]) {
		return fault.New(fault.InvalidArtifact, "not a point")
	}
	return group.Check(context.Background(), points, 1)
}
