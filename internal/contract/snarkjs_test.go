package contract

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme/groth16"
)

func circomFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../testdata/circom/bn128/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSnarkJSCall compares with what `snarkjs zkey export soliditycalldata`
// prints: the arguments of verifyProof, every number as 0x and 64 digits.
func TestSnarkJSCall(t *testing.T) {
	t.Parallel()
	whole := fmt.Appendf(nil, `{"proof":%s,"public":%s}`, circomFile(t, "proof.json"), circomFile(t, "public.json"))
	call, err := NewCall(whole)
	if err != nil {
		t.Fatal(err)
	}
	if want := "verifyProof(uint256[2],uint256[2][2],uint256[2],uint256[4])"; call.Function != want {
		t.Errorf("function: got %s, want %s", call.Function, want)
	}
	if want := "0x5fe8c13b"; call.Selector != want {
		t.Errorf("selector: got %s, want %s", call.Selector, want)
	}
	words := strings.NewReplacer("[", "", "]", "", "\"", "", ",", "", "0x", "", "\n", "", " ", "").Replace(string(circomFile(t, "calldata.txt")))
	if got, want := call.Calldata, call.Selector+words; got != want {
		t.Errorf("calldata: got %s, want %s", got, want)
	}
}

func TestSnarkJSContract(t *testing.T) {
	t.Parallel()
	b, err := groth16.New(curve.BN128)
	if err != nil {
		t.Fatal(err)
	}
	vk, err := b.ParseVerifyingKey(circomFile(t, "verification_key.json"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := vk.Encode()
	if err != nil {
		t.Fatal(err)
	}
	source, err := Solidity(text, Options{SnarkJS: true})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join(root, "internal/contract/testdata/snarkjs-tiny/verifier.sol"), []byte(source))
	for _, want := range []string{"contract Groth16Verifier {", "function verifyProof(", "uint256[4] memory signals", "function verifyTx("} {
		if !strings.Contains(source, want) {
			t.Errorf("the contract lacks %q", want)
		}
	}
	if plain, err := Solidity(text, Options{}); err != nil || strings.Contains(plain, "verifyProof") {
		t.Errorf("a contract for ZoKrates has verifyProof, or %v", err)
	}
}

func TestSnarkJSCallRefused(t *testing.T) {
	t.Parallel()
	proof, public := string(circomFile(t, "proof.json")), string(circomFile(t, "public.json"))
	for name, c := range map[string]struct {
		text string
		want fault.Code
	}{
		"no public":     {`{"proof":` + proof + `}`, fault.InvalidRequest},
		"another curve": {`{"proof":` + strings.Replace(proof, "bn128", "bls12381", 1) + `,"public":` + public + `}`, fault.Unsupported},
		"large signal":  {`{"proof":` + proof + `,"public":["21888242871839275222246405745257275088548364400416034343698204186575808495617"]}`, fault.InvalidRequest},
		"sign":          {`{"proof":` + proof + `,"public":["-1"]}`, fault.InvalidRequest},
		"bad point":     {`{"proof":` + strings.Replace(proof, `"1"`, `"2"`, 1) + `,"public":` + public + `}`, fault.InvalidRequest},
	} {
		if _, err := NewCall([]byte(c.text)); !fault.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}
