package evm_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
)

// root is the repository's, seen from here.
const root = "../.."

// verifierCase is one element of internal/contract/testdata/cases.json; paths
// start at the repository's root.
type verifierCase struct {
	Name   string   `json:"name"`
	Key    string   `json:"key"`
	Proof  string   `json:"proof"`
	Forged []string `json:"forged"`
	Call   struct {
		Function string `json:"function"`
		Selector string `json:"selector"`
		Calldata string `json:"calldata"`
	} `json:"call"`
}

// calldata are the bytes that the product gives for the proof.
func (c *verifierCase) calldata() []byte { return common.FromHex(c.Call.Calldata) }

// key is what the tests need of a verification.key.
type key struct {
	GammaABC [][2]string `json:"gamma_abc"`
	Query    [][2]string `json:"query"`
}

// unused reports for each input whether its point is infinity: then any value of
// it verifies.
func (c *verifierCase) unused(t testing.TB) []bool {
	k := readJSON[key](t, c.Key)
	var out []bool
	for _, p := range append(k.GammaABC, k.Query...)[1:] {
		out = append(out, common.HexToHash(p[0]) == common.Hash{} && common.HexToHash(p[1]) == common.Hash{})
	}
	return out
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readJSON[T any](t testing.TB, path string) (v T) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, path), &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

func cases(t testing.TB) []verifierCase {
	t.Helper()
	out := readJSON[[]verifierCase](t, "internal/contract/testdata/cases.json")
	if len(out) < 10 {
		t.Fatalf("got %d cases, want at least 10", len(out))
	}
	return out
}

// artifact is a compiled contract. The code has a placeholder for the address of
// each library that has to be deployed before it.
type artifact struct {
	ABI       abi.ABI `json:"abi"`
	Code      string  `json:"code"`
	Libraries []struct {
		Name        string `json:"name"`
		Placeholder string `json:"placeholder"`
	} `json:"libraries"`
}

// compiled is what the compiler says.
type compiled struct {
	Contracts map[string]map[string]artifact `json:"contracts"`
	Messages  map[string][]string            `json:"messages"`
}

// verifiers are a case's contracts: Provery's and ZoKrates's, with the libraries
// of the latter.
type verifiers struct {
	ours, theirs artifact
	libraries    map[string]artifact
}

// builds holds the contracts of all cases, with the optimizer off and on. They
// are compiled once, for that takes most of the time.
var builds struct {
	sync.Mutex
	done map[bool]map[string]verifiers
}

// build returns the contracts of all cases. Ours must compile without a warning.
func build(t testing.TB, optimize bool) map[string]verifiers {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	if out := builds.done[optimize]; out != nil {
		return out
	}
	sources := zokratesSources(t)
	for _, c := range cases(t) {
		sources["ours/"+c.Name] = string(readFile(t, "internal/contract/testdata/"+c.Name+"/verifier.sol"))
	}
	result := compile(t, sources, optimize)
	out := map[string]verifiers{}
	for _, c := range cases(t) {
		if messages := result.Messages["ours/"+c.Name]; messages != nil {
			t.Fatalf("%s: %s", c.Name, strings.Join(messages, "\n"))
		}
		libraries := result.Contracts["theirs/"+c.Name]
		v := verifiers{result.Contracts["ours/"+c.Name]["Verifier"], libraries["Verifier"], libraries}
		if v.ours.Code == "" || v.theirs.Code == "" {
			t.Fatalf("%s: a contract is missing: %v", c.Name, result.Messages)
		}
		out[c.Name] = v
	}
	if builds.done == nil {
		builds.done = map[bool]map[string]verifiers{}
	}
	builds.done[optimize] = out
	return out
}

func compile(t testing.TB, sources map[string]string, optimize bool) (out compiled) {
	t.Helper()
	if _, err := os.Stat("node_modules/solc"); err != nil {
		t.Fatal("the Solidity compiler isn't installed: run `npm ci` in test/evm")
	}
	output := runNode(t, map[string]any{"sources": sources, "optimize": optimize}, "compile.mjs")
	if err := json.Unmarshal(output, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// zokratesSources has zokrates-js write its own verifier for every case.
func zokratesSources(t testing.TB) map[string]string {
	t.Helper()
	const toolchain = root + "/toolchain/zokrates/"
	if _, err := os.Stat(toolchain + "node_modules/zokrates-js"); err != nil {
		t.Fatal("zokrates-js isn't installed: run `make setup`, or `npm ci` in toolchain/zokrates")
	}
	dir := t.TempDir()
	var commands []map[string]string
	for _, c := range cases(t) {
		commands = append(commands, map[string]string{
			"command": "solidity", "vk": filepath.Join(root, c.Key), "out": filepath.Join(dir, c.Name),
		})
	}
	runNode(t, commands, toolchain+"zokrates.mjs", "batch")
	sources := map[string]string{}
	for _, c := range cases(t) {
		text, err := os.ReadFile(filepath.Join(dir, c.Name))
		if err != nil {
			t.Fatalf("zokrates-js wrote no contract: %v", err)
		}
		sources["theirs/"+c.Name] = string(text)
	}
	return sources
}

// runNode runs a script with a JSON value for its input.
func runNode(t testing.TB, input any, script ...string) []byte {
	t.Helper()
	stdin, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", script...)
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("node %s: %v", script[0], err)
	}
	return output
}
