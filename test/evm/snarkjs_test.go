package evm_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"provery/internal/curve"
	"provery/internal/scheme/groth16"
)

// snarkjsCall is a call of verifyProof with the arguments that snarkjs printed:
// all of them have a fixed size, so that the words follow each other.
func snarkjsCall(t testing.TB) []byte {
	t.Helper()
	words := strings.NewReplacer("[", "", "]", "", "\"", "", ",", "", "0x", "", " ", "", "\n", "").
		Replace(string(readFile(t, "testdata/circom/bn128/calldata.txt")))
	return append([]byte{0x5f, 0xe8, 0xc1, 0x3b}, common.FromHex(words)...)
}

// TestVerifyProof calls the contract for a key of snarkjs as callers of
// snarkjs's contracts do, with snarkjs's own proof.
func TestVerifyProof(t *testing.T) {
	t.Parallel()
	for _, optimize := range settings() {
		t.Run(fmt.Sprintf("optimizer=%v", optimize), func(t *testing.T) {
			t.Parallel()
			source := string(readFile(t, "internal/contract/testdata/snarkjs-tiny/verifier.sol"))
			result := compile(t, map[string]string{"snarkjs": source}, optimize)
			if messages := result.Messages["snarkjs"]; messages != nil {
				t.Fatal(strings.Join(messages, "\n"))
			}
			contract := result.Contracts["snarkjs"]["Groth16Verifier"]
			c := newChain(t)
			at, _ := c.deploy(contract, nil)
			refusesAltered(t, c, contract, at)
		})
	}
	t.Run("keyed", func(t *testing.T) {
		t.Parallel()
		source := string(readFile(t, "internal/contract/testdata/snarkjs-tiny/verifier.sol"))
		names := compile(t, map[string]string{"snarkjs": source}, true).Contracts["snarkjs"]["Groth16Verifier"]
		backend, err := groth16.New(curve.BN128)
		if err != nil {
			t.Fatal(err)
		}
		vk, err := backend.ParseVerifyingKey(readFile(t, "testdata/circom/bn128/verification_key.json"))
		if err != nil {
			t.Fatal(err)
		}
		key, err := vk.Encode()
		if err != nil {
			t.Fatal(err)
		}
		c := newChain(t)
		at, _ := c.deployKeyed(key)
		refusesAltered(t, c, names, at)
	})
}

// refusesAltered has a contract verify snarkjs's proof, and what isn't it.
func refusesAltered(t *testing.T, c *chain, contract artifact, at common.Address) {
	t.Helper()
	data := snarkjsCall(t)
	if got := c.verify(contract, at, data); got != "true" {
		t.Errorf("snarkjs's proof: got %q", got)
	}
	for i := range numWords(data) {
		altered := with(data, i, plus(wordAt(data, i), 1))
		if got := c.verify(contract, at, altered); got == "true" {
			t.Errorf("word %d altered: got %q", i, got)
		}
	}
	order, _ := new(big.Int).SetString("21888242871839275222246405745257275088548364400416034343698204186575808495617", 10)
	last := numWords(data) - 1
	large := with(data, last, new(big.Int).Add(wordAt(data, last), order))
	if got := c.verify(contract, at, large); got != "reverted InputNotInField" {
		t.Errorf("a signal plus the field's order: got %q", got)
	}
}
