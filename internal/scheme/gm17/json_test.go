package gm17

import (
	"encoding/json"
	"strings"
	"testing"

	"provery/internal/curve/bls12381"
	"provery/internal/fault"
	"provery/internal/scheme"
)

// documents returns the JSON of a small key and of a proof under it.
func documents[S, A1, A2 any](t testing.TB, b *backend[S, A1, A2]) (vk, proof []byte) {
	t.Helper()
	pk, sys, w := setUp(t, b, 5, shape{public: 2, constraints: 4})
	encoded, err := pk.VerifyingKey().Encode()
	if err != nil {
		t.Fatal(err)
	}
	return encoded, prove(t, b, scheme.ProveInput{Key: pk, System: sys, Witness: w, Threads: 1})
}

// replaced returns doc with the value of a key replaced, or left out.
func replaced(t *testing.T, doc []byte, key string, value any) []byte {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(doc, &tree); err != nil {
		t.Fatal(err)
	}
	if tree[key] = value; value == nil {
		delete(tree, key)
	}
	out, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	b := onBN254()
	good, proof := documents(t, b)
	one, zero := "0x"+strings.Repeat("0", 63)+"1", "0x"+strings.Repeat("0", 64)
	parse := func(name string, doc []byte) {
		t.Helper()
		if _, err := b.ParseVerifyingKey(doc); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %v, want invalid_artifact", name, err)
		}
	}
	for _, key := range []string{"g_alpha", "g_gamma", "query", "h", "h_beta", "h_gamma"} {
		for name, v := range map[string]any{
			"missing": nil, "number": 3, "empty": []any{}, "off the curve": []string{one, one}, "origin": []string{zero, zero},
			"off the twist": [][]string{{one, zero}, {zero, one}}, "list of such": []any{[]string{one, one}},
		} {
			parse(key+": "+name, replaced(t, good, key, v))
		}
	}
	for _, name := range []string{"scheme", "curve"} {
		for _, v := range []any{nil, "g16", "groth16", "bls12_381", 4} {
			parse(name, replaced(t, good, name, v))
			if _, _, err := b.ParseProof(replaced(t, proof, name, v)); !fault.Is(err, fault.InvalidRequest) {
				t.Errorf("proof with %s %v: got %v, want invalid_request", name, v, err)
			}
		}
	}
	parse("empty", nil)
	parse("cut", good[:len(good)/2])
	parse("twice", append(good[:len(good):len(good)], good...))
}

func TestVerifyRefusesForeignParts(t *testing.T) {
	t.Parallel()
	b, other := onBN254(), newBackend(bls12381.Suite())
	document, encoded := documents(t, b)
	vk, err := b.ParseVerifyingKey(document)
	if err != nil {
		t.Fatal(err)
	}
	proof, public, err := b.ParseProof(encoded)
	if err != nil {
		t.Fatal(err)
	}
	document, encoded = documents(t, other)
	foreignKey, err := other.ParseVerifyingKey(document)
	if err != nil {
		t.Fatal(err)
	}
	foreign, foreignPublic, err := other.ParseProof(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if vk.Equal(foreignKey) || foreignKey.Equal(vk) {
		t.Error("keys on different curves are equal")
	}
	for name, err := range map[string]error{
		"key":     b.Verify(foreignKey, proof, public),
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
