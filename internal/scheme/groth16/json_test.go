package groth16

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"

	"provery/internal/curve"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bw6761"
	"provery/internal/fault"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// documents returns the JSON of a small key and of a proof under it.
func documents(t testing.TB, b *bn254Backend) (vk, proof string) {
	t.Helper()
	pk, sys, w := setUp(t, b, 5, shape{public: 2, constraints: 4})
	encoded, err := pk.VerifyingKey().Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded), string(prove(t, b, scheme.ProveInput{Key: pk, System: sys, Witness: w, Threads: 1}))
}

// replaceAt returns doc with the value at the path replaced.
func replaceAt(t *testing.T, doc string, value any, path ...string) string {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal([]byte(doc), &tree); err != nil {
		t.Fatal(err)
	}
	node := tree
	for _, key := range path[:len(path)-1] {
		node = node[key].(map[string]any)
	}
	if node[path[len(path)-1]] = value; value == nil {
		delete(node, path[len(path)-1])
	}
	out, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// badPoints are no points of G1, G2 or either.
func badPoints(p *curve.Params) (g1, g2 map[string]any) {
	hex := func(v *big.Int) string {
		return "0x" + strings.Repeat("0", 2*p.BaseBytes-len(v.Text(16))) + v.Text(16)
	}
	zero, one, order := hex(new(big.Int)), hex(big.NewInt(1)), hex(p.BaseModulus)
	flagged := hex(new(big.Int).SetBit(big.NewInt(1), 8*p.BaseBytes-2, 1))
	g1 = map[string]any{
		"missing": nil, "number": 3, "empty": []string{}, "one coordinate": []string{one}, "three": []string{one, one, one},
		"off the curve": []string{one, one}, "origin": []string{zero, zero}, "infinity": []string{zero, flagged},
		"x = p": []string{order, one}, "y = p": []string{one, order}, "short": []string{one, one[:len(one)-1]},
		"long": []string{one, one + "0"}, "no prefix": []string{one, "00" + one[2:]}, "not hexadecimal": []string{one, "0xz" + one[3:]},
		"nested": [][]string{{one, one}, {one, one}}, "null": []any{nil, one},
	}
	pair := func(a, b string) [][]string { return [][]string{{a, b}, {b, a}} }
	g2 = map[string]any{
		"missing": nil, "number": 3, "empty": [][]string{}, "one coordinate": [][]string{{one, one}}, "flat": []string{one, one},
		"off the curve": pair(one, zero), "origin": pair(zero, zero), "c1 = p": pair(one, order), "uneven": [][]string{{one}, {one, one, one}},
		"not in the subgroup": offSubgroup(),
	}
	return g1, g2
}

// offSubgroup returns a point of BN254's twist outside of G2, as in a document.
func offSubgroup() [][]string {
	b := onBN254()
	p := bn254.GeneratePointNotInG2(bn254.E2{A0: fp.One()})
	var affine bn254.G2Affine
	affine.FromJacobian(&p)
	var raw json.RawMessage
	if err := wire.EncodePoint(b.G2, b.Params, &raw, &affine); err != nil {
		panic(err)
	}
	var out [][]string
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out
}

func TestParseProofRefuses(t *testing.T) {
	t.Parallel()
	b := onBN254()
	_, good := documents(t, b)
	check := func(name, doc string) {
		t.Helper()
		if _, _, err := b.ParseProof([]byte(doc)); !fault.Is(err, fault.InvalidRequest) {
			t.Errorf("%s: got %v, want invalid_request", name, err)
		}
	}
	g1, g2 := badPoints(b.Params)
	for name, v := range g1 {
		check("a: "+name, replaceAt(t, good, v, "proof", "a"))
		check("c: "+name, replaceAt(t, good, v, "proof", "c"))
	}
	for name, v := range g2 {
		check("b: "+name, replaceAt(t, good, v, "proof", "b"))
	}
	r := b.Params.ScalarModulus.Text(16)
	for name, v := range map[string]any{
		"missing": nil, "string": "0x1", "short": []string{"0x1"}, "r": []string{"0x" + r}, "decimal": []string{strings.Repeat("1", 64)},
		"numbers": []int{1}, "max": []string{"0x" + strings.Repeat("f", 64)},
	} {
		check("inputs: "+name, replaceAt(t, good, v, "inputs"))
	}
	check("scheme", replaceAt(t, good, "gm17", "scheme"))
	check("no scheme", replaceAt(t, good, nil, "scheme"))
	check("curve", replaceAt(t, good, "bls12_381", "curve"))
	check("no proof", replaceAt(t, good, nil, "proof"))
	for name, doc := range map[string]string{
		"empty": "", "null": "null", "array": "[]", "cut": good[:len(good)-2], "twice": good + good, "text": "proof",
		"deep": strings.Repeat("[", 100000),
	} {
		check(name, doc)
	}
	if _, _, err := newBackend(bls12381.Suite()).ParseProof([]byte(good)); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("another curve's backend: got %v", err)
	}
	if _, _, err := b.ParseProof([]byte(good + "\n \t")); err != nil {
		t.Errorf("white space at the end: got %v", err)
	}
}

func TestParseVerifyingKeyRefuses(t *testing.T) {
	t.Parallel()
	b := onBN254()
	good, _ := documents(t, b)
	check := func(name, doc string) {
		t.Helper()
		if _, err := b.ParseVerifyingKey([]byte(doc)); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %v, want invalid_artifact", name, err)
		}
	}
	g1, g2 := badPoints(b.Params)
	for name, v := range g1 {
		check("alpha: "+name, replaceAt(t, good, v, "alpha"))
		check("gamma_abc: "+name, replaceAt(t, good, []any{v}, "gamma_abc"))
	}
	for name, v := range g2 {
		for _, field := range []string{"beta", "gamma", "delta"} {
			check(field+": "+name, replaceAt(t, good, v, field))
		}
	}
	check("gamma_abc empty", replaceAt(t, good, []any{}, "gamma_abc"))
	check("gamma_abc missing", replaceAt(t, good, nil, "gamma_abc"))
	check("scheme", replaceAt(t, good, "gm17", "scheme"))
	check("curve", replaceAt(t, good, "bw6_761", "curve"))
	check("empty", "")
	check("cut", good[:len(good)/2])
	if _, err := newBackend(bw6761.Suite()).ParseVerifyingKey([]byte(good)); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("another curve's backend: got %v", err)
	}
}

func TestVerifyRefusesForeignParts(t *testing.T) {
	t.Parallel()
	b, other := onBN254(), newBackend(bls12381.Suite())
	vkDoc, proofDoc := documents(t, b)
	vk, err := b.ParseVerifyingKey([]byte(vkDoc))
	if err != nil {
		t.Fatal(err)
	}
	proof, public, err := b.ParseProof([]byte(proofDoc))
	if err != nil {
		t.Fatal(err)
	}
	pk, sys, w := setUp(t, other, 5, shape{public: 2, constraints: 4})
	foreign, foreignPublic, err := other.ParseProof(prove(t, other, scheme.ProveInput{Key: pk, System: sys, Witness: w, Threads: 1}))
	if err != nil {
		t.Fatal(err)
	}
	if vk.Equal(pk.VerifyingKey()) || pk.VerifyingKey().Equal(vk) {
		t.Error("keys on different curves are equal")
	}
	for name, err := range map[string]error{
		"key":     b.Verify(pk.VerifyingKey(), proof, public),
		"proof":   b.Verify(vk, foreign, public),
		"inputs":  b.Verify(vk, proof, foreignPublic),
		"backend": other.Verify(vk, proof, public),
	} {
		if !fault.Is(err, fault.InvalidRequest) {
			t.Errorf("another curve's %s: got %v, want invalid_request", name, err)
		}
	}
	if err := b.Verify(vk, proof, public); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}
