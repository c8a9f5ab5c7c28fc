package contract

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gnark "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/scheme"
	"provery/internal/scheme/groth16"
)

const (
	g16Key   = "testdata/zokrates/mul/bn128/ark-g16/verification.key"
	gm17Key  = "testdata/zokrates/mul/bn128/ark-gm17/verification.key"
	g16Proof = "testdata/zokrates/mul/bn128/ark-g16/proof.json"
)

func TestSelector(t *testing.T) {
	t.Parallel()
	for signature, want := range map[string]string{
		"transfer(address,uint256)": "a9059cbb",
		"balanceOf(address)":        "70a08231",
		"Error(string)":             "08c379a0",
	} {
		if got := fmt.Sprintf("%x", selector(signature)); got != want {
			t.Errorf("%s: got %s, want %s", signature, got, want)
		}
	}
}

// TestCasesAreProofs has the schemes' equations, written as in the papers, say
// which of the proofs in cases.json hold: what the contracts must say on an EVM.
func TestCasesAreProofs(t *testing.T) {
	t.Parallel()
	for _, c := range readCases(t) {
		k, err := parseKey(read(t, filepath.Join(root, c.Key)))
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		for _, path := range append([]string{c.Proof}, c.Forged...) {
			p, err := parseProof(read(t, filepath.Join(root, path)))
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if got, want := holds(t, k, p), path == c.Proof; got != want {
				t.Errorf("%s: holds = %v, want %v", path, got, want)
			}
		}
	}
}

// holds checks the scheme's equations.
func holds(t testing.TB, k *verifyingKey, p *proof) bool {
	t.Helper()
	a, b, c := affine1(p.a), affine2(p.b), affine1(p.c)
	x := affine1(k.linear[0])
	for i, w := range p.inputs {
		s := new(fr.Element).SetBytes(w[:])
		term := bn254.G1{}.Mul(new(affine1(k.linear[i+1])), s)
		x = bn254.G1{}.Add(&x, &term)
	}
	alpha, beta, gamma := affine1(k.alpha), affine2(k.beta), affine2(k.gamma)
	if k.scheme == scheme.Groth16 {
		return pairing(t, a, b) == product(pairing(t, alpha, beta), pairing(t, x, gamma), pairing(t, c, affine2(k.delta)))
	}
	left := pairing(t, bn254.G1{}.Add(&a, &alpha), bn254.G2{}.Add(&b, &beta))
	right := product(pairing(t, alpha, beta), pairing(t, x, gamma), pairing(t, c, affine2(k.h)))
	return left == right && pairing(t, a, gamma) == pairing(t, affine1(k.gammaG1), b)
}

func affine1(p g1) (out gnark.G1Affine) {
	out.X.SetBytes(p.X[:])
	out.Y.SetBytes(p.Y[:])
	return out
}

func affine2(p g2) (out gnark.G2Affine) {
	out.X.A0.SetBytes(p.X[0][:])
	out.X.A1.SetBytes(p.X[1][:])
	out.Y.A0.SetBytes(p.Y[0][:])
	out.Y.A1.SetBytes(p.Y[1][:])
	return out
}

func pairing(t testing.TB, p gnark.G1Affine, q gnark.G2Affine) gnark.GT {
	t.Helper()
	out, err := gnark.Pair([]gnark.G1Affine{p}, []gnark.G2Affine{q})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func product(factors ...gnark.GT) (out gnark.GT) {
	out.SetOne()
	for i := range factors {
		out.Mul(&out, &factors[i])
	}
	return out
}

// TestOwnKeys writes a contract for a key in the form that the service exports.
func TestOwnKeys(t *testing.T) {
	t.Parallel()
	b, err := groth16.New(curve.BN128)
	if err != nil {
		t.Fatal(err)
	}
	vk, err := b.ParseVerifyingKey(read(t, filepath.Join(root, g16Key)))
	if err != nil {
		t.Fatal(err)
	}
	exported, err := vk.Encode()
	if err != nil {
		t.Fatal(err)
	}
	text, err := Solidity(exported, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("VERIFYING_KEY_DIGEST = 0x%x;", sha256.Sum256(exported)); !strings.Contains(text, want) {
		t.Errorf("the contract lacks %q", want)
	}
}

// edit returns a document with one member replaced; a nil value removes it.
func edit(t testing.TB, document []byte, member string, value any) []byte {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(document, &m); err != nil {
		t.Fatal(err)
	}
	if _, ok := m[member]; !ok {
		t.Fatalf("the document has no %s", member)
	}
	m[member] = value
	if value == nil {
		delete(m, member)
	}
	return encodeJSON(t, m)
}

func TestSolidityRefuses(t *testing.T) {
	t.Parallel()
	g16, gm17 := read(t, filepath.Join(root, g16Key)), read(t, filepath.Join(root, gm17Key))
	word := func(digits string) string { return "0x" + strings.Repeat("0", 64-len(digits)) + digits }
	p := fmt.Sprintf("0x%064x", baseModulus())
	one, two, zero := word("1"), word("2"), word("0")
	outside := []any{[]string{one, zero}, []string{
		"0x2869111d5381f072f8e2728fdb825a51aadd70e52c9830e9ab4b871c0531f1bb", // on the curve, not in the group
		"0x0d1271953ed9ea0836846e70a1934187998c7f790cb4d7511b7f8da82de048a4",
	}}
	many := make([][]string, maxInputs+2)
	for i := range many {
		many[i] = []string{one, two}
	}
	tests := []struct {
		name string
		key  []byte
		want fault.Code
	}{
		{"empty", nil, fault.InvalidArtifact},
		{"not JSON", []byte("pragma solidity"), fault.InvalidArtifact},
		{"null", []byte("null"), fault.InvalidArtifact},
		{"two values", append(bytes.Clone(g16), g16...), fault.InvalidArtifact},
		{"too long", make([]byte, maxJSON+1), fault.TooLarge},
		{"marlin", edit(t, g16, "scheme", "marlin"), fault.Unsupported},
		{"unknown scheme", edit(t, g16, "scheme", "plonk"), fault.Unsupported},
		{"no scheme", edit(t, g16, "scheme", nil), fault.InvalidArtifact},
		{"no curve", edit(t, g16, "curve", nil), fault.InvalidArtifact},
		{"another curve", edit(t, g16, "curve", "bls12_381"), fault.Unsupported},
		{"another scheme's members", edit(t, g16, "scheme", "gm17"), fault.InvalidArtifact},
		{"and the other way", edit(t, gm17, "scheme", "g16"), fault.InvalidArtifact},
		{"no alpha", edit(t, g16, "alpha", nil), fault.InvalidArtifact},
		{"alpha isn't on the curve", edit(t, g16, "alpha", []string{one, one}), fault.InvalidArtifact},
		{"alpha at infinity", edit(t, g16, "alpha", []string{zero, zero}), fault.InvalidArtifact},
		{"alpha of three words", edit(t, g16, "alpha", []string{one, two, zero}), fault.InvalidArtifact},
		{"alpha without 0x", edit(t, g16, "alpha", []string{one[2:], two[2:]}), fault.InvalidArtifact},
		{"alpha too short", edit(t, g16, "alpha", []string{"0x1", "0x2"}), fault.InvalidArtifact},
		{"alpha isn't hexadecimal", edit(t, g16, "alpha", []string{one, "0x" + strings.Repeat("g", 64)}), fault.InvalidArtifact},
		{"alpha of numbers", edit(t, g16, "alpha", []int{1, 2}), fault.InvalidArtifact},
		{"a coordinate is p", edit(t, g16, "alpha", []string{p, two}), fault.InvalidArtifact},
		{"beta is a point of G1", edit(t, g16, "beta", []string{one, two}), fault.InvalidArtifact},
		{"beta at infinity", edit(t, g16, "beta", [][]string{{zero, zero}, {zero, zero}}), fault.InvalidArtifact},
		{"delta isn't in the subgroup", edit(t, g16, "delta", outside), fault.InvalidArtifact},
		{"no points for inputs", edit(t, g16, "gamma_abc", []any{}), fault.InvalidArtifact},
		{"a bad point for inputs", edit(t, g16, "gamma_abc", [][]string{{one, two}, {one, one}}), fault.InvalidArtifact},
		{"too many inputs", edit(t, g16, "gamma_abc", many), fault.Unsupported},
		{"no h", edit(t, gm17, "h", nil), fault.InvalidArtifact},
		{"h isn't in the subgroup", edit(t, gm17, "h", outside), fault.InvalidArtifact},
		{"no query", edit(t, gm17, "query", nil), fault.InvalidArtifact},
	}
	for _, tc := range tests {
		text, err := Solidity(tc.key, Options{})
		if !fault.Is(err, tc.want) || text != "" {
			t.Errorf("%s: got %q (%v) and %d bytes, want %q", tc.name, fault.CodeOf(err), err, len(text), tc.want)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	key := read(t, filepath.Join(root, g16Key))
	text, err := Solidity(key, Options{ContractName: "Reserves_2", Pragma: ">=0.8.20 <0.9.0", SPDX: "MIT OR Apache-2.0"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\ncontract Reserves_2 {", "\npragma solidity >=0.8.20 <0.9.0;", "// SPDX-License-Identifier: MIT OR Apache-2.0\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the contract lacks %q", want)
		}
	}
	for name, o := range map[string]Options{
		"keyword":           {ContractName: "contract"},
		"digit first":       {ContractName: "1Verifier"},
		"injection":         {ContractName: "V { } contract W"},
		"newline":           {ContractName: "V\n"},
		"not ASCII":         {ContractName: "Vérifier"},
		"too long":          {ContractName: strings.Repeat("V", 65)},
		"taken":             {ContractName: "Pairing"},
		"taken, other case": {ContractName: "PROOF"},
		"pragma injection":  {Pragma: "^0.8.13; contract W { }"},
		"pragma newline":    {Pragma: "^0.8.13\n"},
		"licence injection": {SPDX: "MIT\npragma"},
	} {
		if text, err := Solidity(key, o); !fault.Is(err, fault.InvalidRequest) || text != "" {
			t.Errorf("%s: got %v, want %s", name, err, fault.InvalidRequest)
		}
	}
}

// TestBytecode checks what the code of a key is; test/evm runs it.
func TestBytecode(t *testing.T) {
	t.Parallel()
	for _, c := range readCases(t) {
		key := read(t, filepath.Join(root, c.Key))
		code, err := Bytecode(key)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if digest, ok := KeyedDigest(code.Runtime); !ok || digest != sha256.Sum256(key) || digest != code.Digest {
			t.Errorf("%s: got digest %x, %v", c.Name, digest, ok)
		}
		wantInputs := (len(c.Call.Calldata)-2)/2/wordBytes - 8
		if !bytes.HasSuffix(code.Creation, code.Runtime) || code.NumInputs != wantInputs {
			t.Errorf("%s: got %d inputs, want %d, or the creation doesn't end with the runtime code", c.Name, code.NumInputs, wantInputs)
		}
		if text := strings.ToLower(fmt.Sprintf("%x", code.Runtime)); !strings.Contains(text, c.Call.Selector[2:]) {
			t.Errorf("%s: the code lacks the selector %s", c.Name, c.Call.Selector)
		}
	}
	key := read(t, filepath.Join(root, gm17Key))
	code, err := Bytecode(key)
	if err != nil {
		t.Fatal(err)
	}
	same, err := Bytecode(append(bytes.Clone(key), ' '))
	if err != nil || bytes.Equal(same.Runtime, code.Runtime) || !code.Matches(same.Runtime) {
		t.Errorf("the key with a blank behind it isn't the same key (%v)", err)
	}
	for at := range code.Runtime {
		other := bytes.Clone(code.Runtime)
		other[at] ^= 1
		inDigest := at >= len(other)-2*wordBytes && at < len(other)-wordBytes
		if code.Matches(other) != inDigest {
			t.Errorf("byte %d altered: matches = %v", at, !inDigest)
		}
	}
	if code.Matches(code.Runtime[1:]) || code.Matches(nil) || code.Matches(append(bytes.Clone(code.Runtime), 0)) {
		t.Error("code of another length matches")
	}
	if _, ok := KeyedDigest([]byte{0x60, 0x80}); ok {
		t.Error("other code has a digest")
	}
}

// TestBytecodeLimit asks for code for as many inputs as a contract has room for.
func TestBytecodeLimit(t *testing.T) {
	t.Parallel()
	key := read(t, filepath.Join(root, g16Key))
	one := []string{"0x" + strings.Repeat("0", 63) + "1", "0x" + strings.Repeat("0", 63) + "2"}
	for n, want := range map[int]fault.Code{350: "", 380: fault.Unsupported} {
		code, err := Bytecode(edit(t, key, "gamma_abc", slices.Repeat([][]string{one}, n+1)))
		if fault.CodeOf(err) != want || (err == nil) != (want == "") {
			t.Errorf("%d inputs: got %v, want %q", n, err, want)
		}
		if err == nil && len(code.Runtime) > maxCode {
			t.Errorf("%d inputs: got %d bytes", n, len(code.Runtime))
		}
	}
}
