package evm

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

// The keys and proofs of one program in both schemes, and of another program.
const (
	fixtures   = "../../testdata/zokrates/"
	mulGroth16 = fixtures + "mul/bn128/ark-g16/"
	mulGM17    = fixtures + "mul/bn128/ark-gm17/"
	square     = fixtures + "square/bn128/ark-g16/"
)

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// deployVerifier makes the verifier of a key.
func (c *chain) deployVerifier(s *Sender, key []byte) common.Address {
	c.t.Helper()
	creation, _, err := VerifierCode(key)
	if err != nil {
		c.t.Fatal(err)
	}
	m, err := c.do(s, Call{Data: creation})
	if err != nil {
		c.t.Fatal(err)
	}
	return *m.Contract
}

// altered returns a proof with its last public input replaced.
func altered(t testing.TB, proof []byte, input string) []byte {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(proof, &m); err != nil {
		t.Fatal(err)
	}
	inputs := m["inputs"].([]any)
	inputs[len(inputs)-1] = input
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestVerifier(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	client := c.client(Options{})
	s := c.sender(client)
	for _, dir := range []string{mulGroth16, mulGM17} {
		key, proof := readFile(t, dir+"verification.key"), readFile(t, dir+"proof.json")
		at := c.deployVerifier(s, key)
		if err := client.CheckVerifier(t.Context(), at, key); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		if err := client.CheckVerifier(t.Context(), at, append([]byte("\n"), key...)); err != nil {
			t.Errorf("%s, key with white space: %v", dir, err)
		}
		if err := client.Verify(t.Context(), at, proof); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		const seven = "0x0000000000000000000000000000000000000000000000000000000000000007"
		if err := client.Verify(t.Context(), at, altered(t, proof, seven)); !errors.Is(err, ErrProofRefused) {
			t.Errorf("%s: public inputs altered on the way: got %v, want a refusal", dir, err)
		}
		if err := client.Verify(t.Context(), at, readFile(t, square+"proof.json")); err == nil {
			t.Errorf("%s: the proof of another circuit holds", dir)
		}
	}
}

// liar returns runtime code that answers every call with the word: a digest, or
// true.
func liar(word []byte) []byte {
	code := append([]byte{0x7f}, common.LeftPadBytes(word, 32)...) // PUSH32
	return append(code, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3)        // MSTORE at 0, RETURN 32 bytes
}

func TestCheckVerifierRefuses(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	client := c.client(Options{})
	s := c.sender(client)
	key, other := readFile(t, mulGroth16+"verification.key"), readFile(t, square+"verification.key")
	_, runtime, err := VerifierCode(key)
	if err != nil {
		t.Fatal(err)
	}
	_, foreign, err := VerifierCode(other)
	if err != nil {
		t.Fatal(err)
	}
	digest := runtime[len(runtime)-64 : len(runtime)-32]
	changed := bytes.Clone(runtime)
	changed[len(changed)-100] ^= 1 // in a point of the key
	tests := []struct {
		name    string
		runtime []byte
		claims  []byte // nil: nothing
	}{
		{"another key's", foreign, foreign[len(foreign)-64 : len(foreign)-32]},
		{"a point altered", changed, digest},
		{"a byte more", append(bytes.Clone(runtime), 0), nil},
		{"a byte less", runtime[:len(runtime)-1], nil},
		{"lies about the key", liar(digest), digest},
		{"accepts everything", liar([]byte{1}), common.LeftPadBytes([]byte{1}, 32)},
		{"no verifier at all", puppet, nil},
	}
	for _, tc := range tests {
		m, err := c.do(s, Call{Data: creation(tc.runtime)})
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		var wrong *WrongVerifierError
		if err := client.CheckVerifier(t.Context(), *m.Contract, key); !errors.As(err, &wrong) {
			t.Errorf("%s: got %v, want a wrong verifier", tc.name, err)
		} else if tc.claims != nil && !bytes.Equal(wrong.Claims[:], tc.claims) {
			t.Errorf("%s: got a claim to be of %x, want %x", tc.name, wrong.Claims, tc.claims)
		}
		// What the caller says is the code is compared with as well.
		if err := client.CheckVerifier(t.Context(), *m.Contract, key, tc.runtime); err != nil {
			t.Errorf("%s, given as compiled: %v", tc.name, err)
		}
	}
	if err := client.CheckVerifier(t.Context(), common.HexToAddress("0x1234"), key); !errors.Is(err, ErrNoContract) {
		t.Errorf("no contract: got %v", err)
	}
	if err := client.Verify(t.Context(), common.HexToAddress("0x1234"), readFile(t, mulGroth16+"proof.json")); !errors.Is(err, ErrNoContract) {
		t.Errorf("no contract: got %v", err)
	}
}

func TestWithoutMetadata(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, code, want string }{
		{"empty", "", ""},
		{"one byte", "00", "00"},
		{"a map of three bytes", "6001fea1aabb0003", "6001fe"},
		{"not a map", "6001fe11aabb0003", "6001fe11aabb0003"},
		{"longer than the code", "a1000f", "a1000f"},
		{"length zero", "6001a00000", "6001a00000"},
	} {
		if got := withoutMetadata(common.FromHex(tc.code)); !bytes.Equal(got, common.FromHex(tc.want)) {
			t.Errorf("%s: got %x, want %s", tc.name, got, tc.want)
		}
	}
}

func TestParseProof(t *testing.T) {
	t.Parallel()
	proof := readFile(t, mulGroth16+"proof.json")
	p, inputs, err := ParseProof(proof)
	if err != nil || len(inputs) != 2 {
		t.Fatalf("got %d inputs, %v", len(inputs), err)
	}
	data, err := Calldata(proof)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range []interface{ FillBytes([]byte) []byte }{p.A.X, p.A.Y, p.B.X[0], p.B.X[1], p.B.Y[0], p.B.Y[1], p.C.X, p.C.Y, inputs[0], inputs[1]} {
		if got, want := w.FillBytes(make([]byte, 32)), data[4+32*i:][:32]; !bytes.Equal(got, want) {
			t.Errorf("word %d: got %x, want %x", i, got, want)
		}
	}
	if _, _, err := ParseProof([]byte(`{}`)); err == nil {
		t.Error("an empty proof was read")
	}
}
