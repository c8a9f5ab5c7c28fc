package evm_test

import (
	"fmt"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
)

// consumer is written against ZoKrates's contract, with its names, by every way
// there is: calling it, building its structs and inheriting from it.
const consumer = `
// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.13;
import "verifier";

contract Caller {
    Verifier private immutable verifier = new Verifier();

    function check(uint256[10] calldata w) external view returns (bool r) {
        Verifier.Proof memory proof;
        proof.a = Pairing.G1Point(w[0], w[1]);
        proof.b = Pairing.G2Point([w[2], w[3]], [w[4], w[5]]);
        proof.c = Pairing.G1Point({X: w[6], Y: w[7]});
        return verifier.verifyTx(proof, [w[8], w[9]]);
    }
}

contract Heir is Verifier {
    function check(uint256[10] calldata w) external view returns (bool r) {
        uint256[40] memory fence = marked();
        Proof memory proof = Proof(
            Pairing.G1Point(w[0], w[1]),
            Pairing.G2Point([w[2], w[3]], [w[4], w[5]]),
            Pairing.G1Point(w[6], w[7])
        );
        r = verifyTx(proof, [w[8], w[9]]) && verifyTx(proof, [w[8], w[9]]);
        uint256[40] memory later = marked();
        for (uint256 i = 0; i < 40; i++) require(fence[i] == i + 1 && later[i] == i + 1);
        require(proof.a.X == w[0] && proof.b.Y[1] == w[5] && proof.c.Y == w[7]);
    }

    function marked() private pure returns (uint256[40] memory m) {
        for (uint256 i = 0; i < 40; i++) m[i] = i + 1;
    }
}
`

// TestConsumers compiles the same consumers with our contract and with ZoKrates's.
// The heir also checks that a call inside of a contract leaves its memory alone.
func TestConsumers(t *testing.T) {
	t.Parallel()
	c := findCase(t, "g16-ark-mul")
	call := append(crypto.Keccak256([]byte("check(uint256[10])"))[:4], c.calldata()[4:]...)
	altered := with(call, wordInputs, plus(wordAt(call, wordInputs), 1))
	verifiers := map[string]string{
		"ours":   string(readFile(t, "internal/contract/testdata/"+c.Name+"/verifier.sol")),
		"theirs": string(readFile(t, "testdata/zokrates/mul/bn128/ark-g16/verifier.sol")),
	}
	for name, verifier := range verifiers {
		for _, optimize := range settings() {
			out := compile(t, map[string]string{"verifier": verifier, "consumer": consumer}, optimize)
			for _, kind := range []string{"Caller", "Heir"} {
				t.Run(fmt.Sprintf("%s/%s/optimizer=%v", name, kind, optimize), func(t *testing.T) {
					t.Parallel()
					chain, a := newChain(t), out.Contracts["consumer"][kind]
					if a.Code == "" {
						t.Fatalf("doesn't compile: %v", out.Messages)
					}
					at, _ := chain.deploy(a, nil)
					if got := chain.verify(a, at, call); got != "true" {
						t.Errorf("got %q, want true", got)
					}
					if got := chain.verify(a, at, altered); got != "false" {
						t.Errorf("altered input: got %q, want false", got)
					}
				})
			}
		}
	}
}

func findCase(t testing.TB, name string) verifierCase {
	t.Helper()
	for _, c := range cases(t) {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no case %s", name)
	return verifierCase{}
}
