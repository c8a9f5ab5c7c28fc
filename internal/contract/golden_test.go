package contract

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// The contracts and calls in testdata are what this package writes for the keys
// and proofs that cases.json names. They can be read there, and test/evm compiles
// and runs them. Write them anew with: go test ./internal/contract -update
var update = flag.Bool("update", false, "write testdata anew")

// root is the module's, seen from here; paths in cases.json start there.
const root = "../.."

// testCase is one element of cases.json.
type testCase struct {
	Name   string   `json:"name"`   // its folder in testdata
	Key    string   `json:"key"`    // a verification.key
	Proof  string   `json:"proof"`  // a proof.json that holds
	Forged []string `json:"forged"` // proofs that don't, all of valid points
	Call   *Call    `json:"call"`   // what NewCall returns for Proof
}

// fixtures are the folders below testdata/zokrates to write contracts for.
var fixtures = map[string]string{
	"g16-ark-square":  "square/bn128/ark-g16",
	"g16-ark-mul":     "mul/bn128/ark-g16",
	"g16-ark-mixed":   "mixed/bn128/ark-g16",
	"g16-bellman-mul": "mul/bn128/bellman-g16",
	"gm17-ark-square": "square/bn128/ark-gm17",
	"gm17-ark-mul":    "mul/bn128/ark-gm17",
	"gm17-ark-mixed":  "mixed/bn128/ark-gm17",
}

func madeKeys(t testing.TB) map[string]made {
	return map[string]made{
		"g16-made-0":      makeGroth16(t, 1, 0, 0),
		"g16-made-20":     makeGroth16(t, 2, 20, 0),
		"g16-made-unused": makeGroth16(t, 3, 3, 2),
		"gm17-made-0":     makeGM17(t, 4, 0, 0, fr.One()),
		"gm17-made-20":    makeGM17(t, 5, 20, 7, fr.NewElement(1234567)),
	}
}

// TestGolden compares what the package writes with testdata.
func TestGolden(t *testing.T) {
	t.Parallel()
	var cases []testCase
	for name, dir := range fixtures {
		dir = "testdata/zokrates/" + dir
		cases = append(cases, testCase{Name: name, Key: dir + "/verification.key", Proof: dir + "/proof.json", Forged: []string{}})
	}
	for name, m := range madeKeys(t) {
		dir := "internal/contract/testdata/" + name + "/"
		c := testCase{Name: name, Key: dir + "verification.key", Proof: dir + "proof.json", Forged: []string{}}
		golden(t, filepath.Join(root, c.Key), m.key)
		golden(t, filepath.Join(root, c.Proof), m.proof)
		for i, forged := range m.forged {
			c.Forged = append(c.Forged, dir+"forged-"+string(rune('1'+i))+".json")
			golden(t, filepath.Join(root, c.Forged[i]), forged)
		}
		cases = append(cases, c)
	}
	slices.SortFunc(cases, func(a, b testCase) int { return strings.Compare(a.Name, b.Name) })
	for i, c := range cases {
		text, err := Solidity(read(t, filepath.Join(root, c.Key)), Options{})
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		golden(t, filepath.Join("testdata", c.Name, "verifier.sol"), []byte(text))
		if cases[i].Call, err = NewCall(read(t, filepath.Join(root, c.Proof))); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
	}
	golden(t, "testdata/cases.json", encodeJSON(t, cases))
}

// golden compares a file with what it should hold, or writes it with -update.
func golden(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(read(t, path), want) {
		t.Errorf("%s isn't what the package writes: look at the difference that -update makes", path)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readCases returns the elements of cases.json.
func readCases(t testing.TB) []testCase {
	t.Helper()
	var cases []testCase
	if err := json.Unmarshal(read(t, "testdata/cases.json"), &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}
