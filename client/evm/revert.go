package evm

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
)

// RevertError is a call that failed on the chain, or would.
type RevertError struct {
	// Name is that of the custom error, Error or Panic; "" if the failure has
	// none, or one that no known ABI declares.
	Name string
	// Arguments are the error's.
	Arguments []any
	// Data are the bytes that the call ended with.
	Data []byte
	// OutOfGas says that the call needed more gas than it had.
	OutOfGas bool
	// Mined is the transaction that failed, nil in a simulation.
	Mined *Mined
	// reason is what the node says.
	reason string
}

func (e *RevertError) Error() string {
	var b strings.Builder
	if e.Mined != nil {
		fmt.Fprintf(&b, "transaction %v in block %d: ", e.Mined.Hash, e.Mined.Block)
	}
	switch {
	case e.OutOfGas && e.Mined != nil:
		fmt.Fprintf(&b, "out of gas: %d isn't enough", e.Mined.GasLimit)
	case e.OutOfGas:
		b.WriteString("out of gas")
	case e.Name == "Error" && len(e.Arguments) == 1:
		fmt.Fprintf(&b, "reverted: %v", e.Arguments[0])
	case e.Name != "":
		fmt.Fprintf(&b, "reverted with %s(%s)", e.Name, joined(e.Arguments))
	case len(e.Data) > 0:
		fmt.Fprintf(&b, "reverted with %#x, which no known ABI declares", e.Data)
	case e.reason != "" && e.reason != "execution reverted":
		fmt.Fprintf(&b, "failed: %s", e.reason)
	default:
		b.WriteString("reverted without a reason")
	}
	return b.String()
}

func joined(values []any) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprint(v)
		if b, ok := v.([32]byte); ok {
			out[i] = hexutil.Encode(b[:])
		}
	}
	return strings.Join(out, ", ")
}

// errorTable has the custom errors of the contracts that are called.
type errorTable map[[4]byte]abi.Error

// verifierErrors are those of Provery's verifiers.
var verifierErrors = [...]string{"InputNotInField", "CoordinateNotInField", "PrecompileFailed"}

func newErrorTable(abis []abi.ABI) errorTable {
	t := errorTable{}
	for _, name := range verifierErrors {
		t.add(abi.NewError(name, nil))
	}
	t.add(abi.NewError("Error", arguments("string")))
	t.add(abi.NewError("Panic", arguments("uint256")))
	for _, a := range abis {
		for _, e := range a.Errors {
			t.add(e)
		}
	}
	return t
}

func (t errorTable) add(e abi.Error) { t[[4]byte(e.ID[:4])] = e }

// arguments returns the unnamed arguments of elementary types.
func arguments(types ...string) (out abi.Arguments) {
	for _, name := range types {
		if t, err := abi.NewType(name, "", nil); err == nil {
			out = append(out, abi.Argument{Type: t})
		}
	}
	return out
}

// explain returns the *RevertError of what a node answered to a call, nil if the
// answer says nothing about the call.
func (t errorTable) explain(err error) *RevertError {
	var coded rpc.Error
	if !errors.As(err, &coded) {
		return nil
	}
	e := &RevertError{reason: coded.Error()}
	text := strings.ToLower(e.reason)
	var data rpc.DataError
	if errors.As(err, &data) {
		e.Data = revertData(data.ErrorData())
	}
	switch {
	case strings.Contains(text, "out of gas"), strings.Contains(text, "gas required exceeds"):
		e.OutOfGas = true
	case coded.ErrorCode() != 3 && len(e.Data) == 0 && !failedExecution(text):
		return nil
	}
	t.decode(e)
	return e
}

// revertData returns the bytes that a call ended with. Nodes have them as a string,
// some with a word in front, or in an object.
func revertData(v any) []byte {
	switch v := v.(type) {
	case string:
		if _, digits, ok := strings.Cut(v, "0x"); ok {
			return common.FromHex(digits)
		}
	case map[string]any:
		return revertData(v["data"])
	}
	return nil
}

// failedExecution reports whether a node's message is about the call that it
// ran, and not about the request for it. Their words differ; go-ethereum's are
// the names of its virtual machine's errors.
func failedExecution(text string) bool {
	for _, s := range []string{"revert", "invalid opcode", "invalid jump", "stack underflow", "vm execution error"} {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// decode names the error that the data are of.
func (t errorTable) decode(e *RevertError) {
	if len(e.Data) < 4 {
		return
	}
	known, ok := t[[4]byte(e.Data[:4])]
	if !ok {
		return
	}
	values, err := known.Inputs.Unpack(e.Data[4:])
	if err != nil {
		return
	}
	e.Name, e.Arguments = known.Name, values
	if known.Name == "Panic" {
		if text, err := abi.UnpackRevert(e.Data); err == nil {
			e.Arguments = []any{text}
		}
	}
}

// Simulate makes a call without a transaction on the newest block, as the
// account, and returns what the contract returns. One that fails is
// *RevertError.
func (c *Client) Simulate(ctx context.Context, from common.Address, call Call) ([]byte, error) {
	out, err := c.backend.CallContract(ctx, call.message(from), nil)
	return out, c.callError("simulate the call", err)
}

// EstimateGas returns the gas that a call needs on the newest block. One that
// fails with any amount is *RevertError.
func (c *Client) EstimateGas(ctx context.Context, from common.Address, call Call) (uint64, error) {
	gas, err := c.backend.EstimateGas(ctx, call.message(from))
	return gas, c.callError("estimate the call's gas", err)
}

func (c *Client) callError(doing string, err error) error {
	if err == nil {
		return nil
	}
	if e := c.errors.explain(err); e != nil {
		return e
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// failure says why a transaction that is in a block failed. It makes the call
// again on the block before, with the same gas: receipts have no reasons. A call
// that succeeds there with more gas had too little, whatever it ended with.
func (c *Client) failure(ctx context.Context, from common.Address, call Call, m *Mined) *RevertError {
	again := func(gas uint64) error {
		call.Gas = gas
		_, err := c.backend.CallContract(ctx, call.message(from), new(big.Int).SetUint64(m.Block-1)) // the first block has no transactions
		return err
	}
	err := again(m.GasLimit)
	if explained := c.errors.explain(err); explained != nil {
		explained.Mined = m
		explained.OutOfGas = explained.OutOfGas || again(0) == nil
		return explained
	}
	e := &RevertError{Mined: m, reason: fmt.Sprintf("the node can't make the call again on the block before to find out why (%v)", err)}
	if err == nil {
		e.reason = "on the block before the call succeeds: another transaction of its block was in the way"
		e.OutOfGas = m.GasUsed == m.GasLimit
	}
	return e
}
