// Package chain is the ledger's contract: compiling and deploying it, reading its
// root, and settling batches.
package chain

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"

	"provery/client/evm"
)

// Contract is the ledger's contract, compiled.
type Contract struct {
	ABI  json.RawMessage `json:"abi"`
	Code string          `json:"code"` // in hex
}

// Sources are where the contract's source, and the compiler's script for node, are.
type Sources struct {
	Contract string `help:"The contract's source." default:"examples/rollup/contract/Ledger.sol"`
	Compiler string `help:"The script that compiles it." default:"test/evm/compile.mjs"`
}

// Compile compiles the contract for a circuit with batch transfers in a proof.
func (s Sources) Compile(ctx context.Context, batch int) (*Contract, error) {
	text, err := os.ReadFile(s.Contract)
	if err != nil {
		return nil, err
	}
	const size = "uint256 constant BATCH = 5;"
	if !strings.Contains(string(text), size) {
		return nil, fmt.Errorf("%s has no %q", s.Contract, size)
	}
	text = []byte(strings.Replace(string(text), size, fmt.Sprintf("uint256 constant BATCH = %d;", batch), 1))
	stdin, err := json.Marshal(map[string]any{"sources": map[string]string{"ledger": string(text)}, "optimize": true})
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "node", filepath.Base(s.Compiler))
	cmd.Dir, cmd.Stdin, cmd.Stderr = filepath.Dir(s.Compiler), bytes.NewReader(stdin), &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("compile the contract (`make setup` installs the compiler): %w\n%s", err, stderr.String())
	}
	var out struct {
		Contracts map[string]map[string]Contract
		Messages  map[string][]string
	}
	if err := json.Unmarshal(stdout, &out); err != nil {
		return nil, fmt.Errorf("read the compiler's answer: %w", err)
	}
	c := out.Contracts["ledger"]["Ledger"]
	if messages := out.Messages["ledger"]; len(messages) > 0 || c.Code == "" {
		return nil, fmt.Errorf("compile the contract: %s", strings.Join(messages, "\n"))
	}
	return &c, nil
}

// Deployment says where the contracts are, and what making them cost.
type Deployment struct {
	Verifier, Ledger common.Address
	Gas              uint64
}

// ParseABI reads a contract's ABI.
func ParseABI(text json.RawMessage) (abi.ABI, error) { return abi.JSON(bytes.NewReader(text)) }

// Deploy makes the contract and, before it, the verifier of a verifying key, for a
// ledger that starts with a root. With a journal that lasts it makes them once.
func (c *Contract) Deploy(ctx context.Context, s *evm.Sender, verifyingKey []byte, root *big.Int) (d Deployment, err error) {
	verifier, first, err := s.DeployVerifier(ctx, "deploy-verifier", verifyingKey)
	if err != nil {
		return d, fmt.Errorf("deploy the verifier: %w", err)
	}
	code, err := hex.DecodeString(c.Code)
	if err != nil {
		return d, err
	}
	parsed, err := ParseABI(c.ABI)
	if err != nil {
		return d, err
	}
	arguments, err := parsed.Pack("", verifier, root)
	if err != nil {
		return d, err
	}
	ledger, second, err := s.Deploy(ctx, "deploy-ledger", append(code, arguments...))
	if err != nil {
		return d, fmt.Errorf("deploy the ledger: %w", err)
	}
	return Deployment{verifier, ledger, first.GasUsed + second.GasUsed}, nil
}
