package evm_test

import (
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/rpc"
)

// txGas is the limit of a transaction, and of a call: a precompiled contract that
// fails takes nearly all of it.
const txGas = 8_000_000

// chain is an EVM with one funded account. It belongs to one test.
type chain struct {
	t       testing.TB
	backend *simulated.Backend
	key     *ecdsa.PrivateKey
	from    common.Address
	nonce   uint64
}

func newChain(t testing.TB) *chain {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	from := crypto.PubkeyToAddress(key.PublicKey)
	fortune := new(big.Int).Lsh(big.NewInt(1), 100)
	backend := simulated.NewBackend(types.GenesisAlloc{from: {Balance: fortune}})
	t.Cleanup(func() {
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
	})
	return &chain{t: t, backend: backend, key: key, from: from}
}

// send runs a transaction; without a receiver it makes a contract.
func (c *chain) send(to *common.Address, data []byte) *types.Receipt {
	c.t.Helper()
	client, ctx := c.backend.Client(), c.t.Context()
	id, err := client.ChainID(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	price := big.NewInt(100_000_000_000)
	tx, err := types.SignNewTx(c.key, types.LatestSignerForChainID(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: c.nonce, GasTipCap: price, GasFeeCap: price, Gas: txGas, To: to, Data: data,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.nonce++
	if err := client.SendTransaction(ctx, tx); err != nil {
		c.t.Fatal(err)
	}
	c.backend.Commit()
	receipt, err := client.TransactionReceipt(ctx, tx.Hash())
	if err != nil {
		c.t.Fatal(err)
	}
	if receipt.Status != types.ReceiptStatusSuccessful {
		c.t.Fatalf("transaction failed, with %d gas used", receipt.GasUsed)
	}
	return receipt
}

// deploy makes a contract, after its libraries, and returns its address and the
// gas of it all.
func (c *chain) deploy(a artifact, libraries map[string]artifact) (at common.Address, gas uint64) {
	c.t.Helper()
	code := a.Code
	for _, l := range a.Libraries {
		library, used := c.deploy(libraries[l.Name], nil)
		code = strings.ReplaceAll(code, l.Placeholder, hex.EncodeToString(library[:]))
		gas += used
	}
	bytes, err := hex.DecodeString(code)
	if err != nil || len(bytes) == 0 {
		c.t.Fatalf("contract has no code, or a library without an address: %v", err)
	}
	receipt := c.send(nil, bytes)
	return receipt.ContractAddress, gas + receipt.GasUsed
}

// outcome is how a call ended: "true", "false" or "reverted", the latter with the
// name of the error after a space if it has one that the contract declares.
type outcome string

// verify calls a verifier with the bytes.
func (c *chain) verify(a artifact, at common.Address, data []byte) outcome {
	c.t.Helper()
	return c.verifyWith(txGas, a, at, data)
}

// verifyWith is verify with a limit on the gas.
func (c *chain) verifyWith(gas uint64, a artifact, at common.Address, data []byte) outcome {
	c.t.Helper()
	result, err := c.call(gas, at, data)
	if err != nil {
		return c.reverted(a, err)
	}
	switch {
	case len(result) != 32 || new(big.Int).SetBytes(result).BitLen() > 1:
		c.t.Fatalf("got %x, want a bool", result)
	case result[31] == 1:
		return "true"
	}
	return "false"
}

// read calls a function that can't fail.
func (c *chain) read(at common.Address, data []byte) []byte {
	c.t.Helper()
	result, err := c.call(txGas, at, data)
	if err != nil {
		c.t.Fatal(err)
	}
	return result
}

func (c *chain) call(gas uint64, at common.Address, data []byte) ([]byte, error) {
	msg := ethereum.CallMsg{From: c.from, To: &at, Gas: gas, Data: data}
	return c.backend.Client().CallContract(c.t.Context(), msg, nil)
}

// codeSize returns the size of a contract's code in bytes.
func (c *chain) codeSize(at common.Address) int {
	c.t.Helper()
	code, err := c.backend.Client().CodeAt(c.t.Context(), at, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return len(code)
}

// reverted names the error that a call ended with.
func (c *chain) reverted(a artifact, err error) outcome {
	c.t.Helper()
	var coded rpc.DataError
	if !errors.As(err, &coded) {
		// Out of gas, or an invalid instruction.
		return "reverted"
	}
	data := common.FromHex(fmt.Sprint(coded.ErrorData()))
	for name, e := range a.ABI.Errors {
		if len(data) == 4 && [4]byte(data) == [4]byte(e.ID[:4]) {
			return outcome("reverted " + name)
		}
	}
	return "reverted"
}
