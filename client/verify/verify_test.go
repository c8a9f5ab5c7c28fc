package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"provery/api"
)

func file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// proofs are pairs of keys and proofs that ZoKrates and snarkjs made.
var proofs = []struct{ key, proof, public, scheme, curve string }{
	{"zokrates/mul/bn128/ark-g16/verification.key", "zokrates/mul/bn128/ark-g16/proof.json", "", "groth16", "bn128"},
	{"zokrates/mul/bn128/ark-gm17/verification.key", "zokrates/mul/bn128/ark-gm17/proof.json", "", "gm17", "bn128"},
	{"zokrates/mul/bls12_381/ark-g16/verification.key", "zokrates/mul/bls12_381/ark-g16/proof.json", "", "groth16", "bls12_381"},
	{"zokrates/mul/bw6_761/ark-g16/verification.key", "zokrates/mul/bw6_761/ark-g16/proof.json", "", "groth16", "bw6_761"},
	{"circom/bn128/verification_key.json", "circom/bn128/proof.json", "circom/bn128/public.json", "groth16", "bn128"},
	{"circom/bls12381/verification_key.json", "circom/bls12381/proof.json", "circom/bls12381/public.json", "groth16", "bls12_381"},
}

// read returns a key and its proof, with the inputs in the proof.
func read(t *testing.T, i int) (key *Key, proof []byte) {
	t.Helper()
	p := proofs[i]
	key, err := ParseKey(file(t, p.key))
	if err != nil {
		t.Fatalf("%s: %v", p.key, err)
	}
	proof = file(t, p.proof)
	if p.public != "" {
		proof = bytes.Join([][]byte{[]byte(`{"proof":`), proof, []byte(`,"public":`), file(t, p.public), []byte(`}`)}, nil)
	}
	return key, proof
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for i, p := range proofs {
		key, proof := read(t, i)
		if key.Scheme() != p.scheme || key.Curve() != p.curve || key.NumPublic() == 0 {
			t.Errorf("%s: got %s on %s with %d inputs", p.key, key.Scheme(), key.Curve(), key.NumPublic())
		}
		if err := key.Verify(proof, nil); err != nil {
			t.Errorf("%s: %v", p.proof, err)
		}
		forged := make([]string, key.NumPublic())
		for i := range forged {
			forged[i] = "12345"
		}
		for _, inputs := range [][]string{forged, forged[1:], {}} {
			if err := key.Verify(proof, inputs); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s for inputs %v: got %v, want ErrInvalid", p.proof, inputs, err)
			}
		}
		other, otherProof := read(t, (i+1)%len(proofs))
		if err := key.Verify(otherProof, nil); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s by the key %s: got %v, want ErrInvalid", other.Curve(), p.key, err)
		}
	}
}

// TestTamperedProofs changes every number of a proof in turn.
func TestTamperedProofs(t *testing.T) {
	t.Parallel()
	key, proof := read(t, 0)
	numbers := regexp.MustCompile("0x[0-9a-f]+").FindAllIndex(proof, -1)
	if len(numbers) < 8 {
		t.Fatalf("found %d numbers, want two points, one over the extension, and inputs", len(numbers))
	}
	for _, at := range numbers {
		bad := bytes.Clone(proof)
		if last := &bad[at[1]-1]; *last == '0' {
			*last = '1'
		} else {
			*last = '0'
		}
		if err := key.Verify(bad, nil); err == nil {
			t.Errorf("it holds with %s instead of %s", bad[at[0]:at[1]], proof[at[0]:at[1]])
		}
	}
}

func TestBadText(t *testing.T) {
	t.Parallel()
	key, proof := read(t, 0)
	for _, bad := range []string{"", "{}", "[]", `{"scheme":"g16","curve":"bn128"}`, string(proof[:len(proof)/2])} {
		if err := key.Verify([]byte(bad), nil); err == nil || errors.Is(err, ErrInvalid) {
			t.Errorf("proof %.20q: got %v, want another error than ErrInvalid", bad, err)
		}
		if _, err := ParseKey([]byte(bad)); err == nil {
			t.Errorf("key %.20q: got no error", bad)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	key, proof := read(t, 0)
	var own struct{ Inputs []string }
	if err := json.Unmarshal(proof, &own); err != nil {
		t.Fatal(err)
	}
	result := func(change func(*api.Result)) *api.Proof {
		r := &api.Result{Proof: proof, PublicInputs: own.Inputs}
		change(r)
		return &api.Proof{ID: "prf_1", Result: r}
	}
	if err := key.Check(t.Context(), result(func(*api.Result) {})); err != nil {
		t.Errorf("a good proof: got %v", err)
	}
	for name, p := range map[string]*api.Proof{
		"no result":    {},
		"no inputs":    result(func(r *api.Result) { r.PublicInputs = nil }),
		"other inputs": result(func(r *api.Result) { r.PublicInputs = []string{own.Inputs[0], "0x1"} }),
	} {
		if err := key.Check(t.Context(), p); !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "verify: ") {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}
