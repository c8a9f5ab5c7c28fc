// Package evm_test compiles the contracts in internal/contract/testdata and runs
// them on go-ethereum's EVM, beside those that ZoKrates writes for the same keys.
package evm_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"provery/internal/contract"
)

// settings are those of the optimizer; in short mode the one that contracts are
// deployed with.
func settings() []bool {
	if testing.Short() {
		return []bool{true}
	}
	return []bool{true, false}
}

// eachCase runs f on a chain that has the case's contracts, for the settings of
// the optimizer.
func eachCase(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	for _, optimize := range settings() {
		built := build(t, optimize)
		for _, c := range cases(t) {
			t.Run(fmt.Sprintf("%s/optimizer=%v", c.Name, optimize), func(t *testing.T) {
				t.Parallel()
				f(t, newRig(t, c, built[c.Name]))
			})
		}
	}
}

// rig is a case's contracts on a chain: the one in Solidity, the one of bytecode
// with the key behind it, and ZoKrates's.
type rig struct {
	*chain
	testCase            verifierCase
	artifacts           verifiers
	ours, keyed, theirs common.Address
	data                []byte
}

func newRig(t testing.TB, c verifierCase, v verifiers) *rig {
	r := &rig{chain: newChain(t), testCase: c, artifacts: v, data: c.calldata()}
	r.ours, _ = r.deploy(v.ours, nil)
	r.keyed, _ = r.deployKeyed(readFile(t, c.Key))
	r.theirs, _ = r.deploy(v.theirs, v.libraries)
	return r
}

// deployKeyed makes the contract whose code needs no compiler.
func (c *chain) deployKeyed(key []byte) (at common.Address, gas uint64) {
	c.t.Helper()
	code, err := contract.Bytecode(key)
	if err != nil {
		c.t.Fatal(err)
	}
	receipt := c.send(nil, code.Creation)
	got, err := c.backend.Client().CodeAt(c.t.Context(), receipt.ContractAddress, nil)
	if err != nil || !bytes.Equal(got, code.Runtime) {
		c.t.Fatalf("got code %x (%v), want %x", got, err, code.Runtime)
	}
	return receipt.ContractAddress, receipt.GasUsed
}

// expectOurs calls our contracts.
func (r *rig) expectOurs(what string, data []byte, want outcome) outcome {
	r.t.Helper()
	ours := r.verify(r.artifacts.ours, r.ours, data)
	if ours != want {
		r.t.Errorf("%s: got %q, want %q", what, ours, want)
	}
	if got := r.verify(r.artifacts.ours, r.keyed, data); got != want {
		r.t.Errorf("%s, contract with its key behind it: got %q, want %q", what, got, want)
	}
	return ours
}

// expect calls both contracts. Ours must end as wanted; theirs must accept what
// ours accepts and nothing else.
func (r *rig) expect(what string, data []byte, want outcome) {
	r.t.Helper()
	ours := r.expectOurs(what, data, want)
	if theirs := r.verify(r.artifacts.theirs, r.theirs, data); (theirs == "true") != (ours == "true") {
		r.t.Errorf("%s: got %q, and %q from ZoKrates's contract", what, ours, theirs)
	}
}

// TestAccepts calls both contracts with the same bytes, and checks those against
// go-ethereum's own encoder.
func TestAccepts(t *testing.T) {
	t.Parallel()
	eachCase(t, func(t *testing.T, r *rig) {
		r.expect("the proof", r.data, "true")
		packed, err := r.artifacts.ours.ABI.Pack("verifyTx", arguments(t, r.testCase.Proof)...)
		if err != nil || !bytes.Equal(packed, r.data) {
			t.Errorf("got %x, want %x as go-ethereum packs it (error %v)", r.data, packed, err)
		}
	})
}

// TestRefusesAlteredWords alters each word of a call in several ways.
func TestRefusesAlteredWords(t *testing.T) {
	t.Parallel()
	eachCase(t, func(t *testing.T, r *rig) {
		for i := range wordInputs {
			value := wordAt(r.data, i)
			r.expect(fmt.Sprintf("word %d plus 1", i), with(r.data, i, plus(value, 1)), "reverted PrecompileFailed")
			r.expect(fmt.Sprintf("word %d zero", i), with(r.data, i, new(big.Int)), "reverted PrecompileFailed")
			// Ours only: ZoKrates's Groth16 contract accepts the y of c plus p.
			const over = "reverted CoordinateNotInField"
			r.expectOurs(fmt.Sprintf("word %d plus p", i), with(r.data, i, new(big.Int).Add(value, baseOrder)), over)
			r.expect(fmt.Sprintf("word %d is p", i), with(r.data, i, baseOrder), over)
			top := new(big.Int).SetBit(value, 255, 1)
			r.expect(fmt.Sprintf("word %d with its top bit", i), with(r.data, i, top), over)
		}
		r.alterInputs()
	})
}

// alterInputs alters each input of the call.
func (r *rig) alterInputs() {
	r.t.Helper()
	unused := r.testCase.unused(r.t)
	if got := numWords(r.data) - wordInputs; got != len(unused) {
		r.t.Fatalf("got %d inputs, want %d", got, len(unused))
	}
	for j, free := range unused {
		i, want := wordInputs+j, outcome("false")
		if free {
			want = "true"
		}
		value := wordAt(r.data, i)
		next := plus(value, 1)
		r.expect(fmt.Sprintf("input %d plus 1", j), with(r.data, i, next.Mod(next, scalarOrder)), want)
		negated := new(big.Int).Sub(scalarOrder, plus(value, 7))
		r.expect(fmt.Sprintf("input %d negated", j), with(r.data, i, negated.Mod(negated, scalarOrder)), want)
		const over = "reverted InputNotInField"
		r.expect(fmt.Sprintf("input %d plus r", j), with(r.data, i, new(big.Int).Add(value, scalarOrder)), over)
		r.expect(fmt.Sprintf("input %d is r", j), with(r.data, i, scalarOrder), over)
	}
}

// TestRefusesOtherPoints replaces points by others of their curves.
func TestRefusesOtherPoints(t *testing.T) {
	t.Parallel()
	zero := new(big.Int)
	var outside []*big.Int
	for _, w := range outsider {
		outside = append(outside, new(big.Int).SetBytes(common.FromHex(w)))
	}
	eachCase(t, func(t *testing.T, r *rig) {
		w := func(i int) *big.Int { return wordAt(r.data, i) }
		minus := func(i int) *big.Int { return new(big.Int).Sub(baseOrder, w(i)) }
		r.expect("-a", with(r.data, wordA+1, minus(wordA+1)), "false")
		r.expect("-b", with(r.data, wordB+2, minus(wordB+2), minus(wordB+3)), "false")
		r.expect("-c", with(r.data, wordC+1, minus(wordC+1)), "false")
		r.expect("a and c swapped", with(with(r.data, wordA, w(wordC), w(wordC+1)), wordC, w(wordA), w(wordA+1)), "false")
		r.expect("a at infinity", with(r.data, wordA, zero, zero), "false")
		r.expect("b at infinity", with(r.data, wordB, zero, zero, zero, zero), "false")
		r.expect("c at infinity", with(r.data, wordC, zero, zero), "false")
		r.expect("all at infinity", with(r.data, wordA, zero, zero, zero, zero, zero, zero, zero, zero), "false")
		r.expect("b outside of the subgroup", with(r.data, wordB, outside...), "reverted PrecompileFailed")
		r.expect("b's parts swapped", with(r.data, wordB, w(wordB+1), w(wordB), w(wordB+3), w(wordB+2)), "reverted PrecompileFailed")
	})
}

// TestMalleability shows what the contracts say they don't protect from: a and b
// both negated are another Groth16 proof. GM17's second equation holds for them
// too, its first doesn't.
func TestMalleability(t *testing.T) {
	t.Parallel()
	eachCase(t, func(t *testing.T, r *rig) {
		minus := func(i int) *big.Int { return new(big.Int).Sub(baseOrder, wordAt(r.data, i)) }
		data := with(with(r.data, wordA+1, minus(wordA+1)), wordB+2, minus(wordB+2), minus(wordB+3))
		want := outcome("true")
		if strings.HasPrefix(r.testCase.Name, "gm17") {
			want = "false"
		}
		r.expect("-a and -b", data, want)
	})
}

// TestRefusesForged calls with valid points that satisfy none or, for GM17, one of
// the equations, or both multiplied.
func TestRefusesForged(t *testing.T) {
	t.Parallel()
	eachCase(t, func(t *testing.T, r *rig) {
		for _, path := range r.testCase.Forged {
			data, err := r.artifacts.ours.ABI.Pack("verifyTx", arguments(t, path)...)
			if err != nil {
				t.Fatal(err)
			}
			r.expect(path, data, "false")
		}
	})
	forged := 0
	for _, c := range cases(t) {
		forged += len(c.Forged)
	}
	if forged < 10 {
		t.Errorf("got %d forged proofs, want at least 10", forged)
	}
}

// TestRefusesMalformedCalls sends what isn't a call of verifyTx.
func TestRefusesMalformedCalls(t *testing.T) {
	t.Parallel()
	eachCase(t, func(t *testing.T, r *rig) {
		r.expect("no data", nil, "reverted")
		r.expect("the selector alone", r.data[:4], "reverted")
		r.expect("a byte missing", r.data[:len(r.data)-1], "reverted")
		r.expect("another selector", append([]byte{1, 2, 3, 4}, r.data[4:]...), "reverted")

		args := arguments(t, r.testCase.Proof)
		more := []any{args[0], []*big.Int{big.NewInt(1)}}
		if len(args) == 2 {
			more = []any{args[0], append([]*big.Int{big.NewInt(1)}, args[1].([]*big.Int)...)}
		}
		if _, err := r.artifacts.ours.ABI.Pack("verifyTx", more...); err == nil {
			t.Error("a call with one input more could be encoded")
		}
	})
}

// TestInterface compares our contracts' interface with that of ZoKrates's.
func TestInterface(t *testing.T) {
	t.Parallel()
	eachCase(t, func(t *testing.T, r *rig) {
		ours, theirs := r.artifacts.ours.ABI.Methods["verifyTx"], r.artifacts.theirs.ABI.Methods["verifyTx"]
		if got, want := ours.Sig, theirs.Sig; got != want || got != r.testCase.Call.Function {
			t.Errorf("got signatures %s and, from Call, %s, want %s", got, r.testCase.Call.Function, want)
		}
		if got, want := common.FromHex(r.testCase.Call.Selector), crypto.Keccak256([]byte(theirs.Sig))[:4]; !bytes.Equal(got, want) {
			t.Errorf("got selector %x, want %x", got, want)
		}
		for _, pair := range [][2]any{{ours.Inputs, theirs.Inputs}, {ours.Outputs, theirs.Outputs}} {
			got, want := asJSON(t, pair[0]), asJSON(t, pair[1])
			if got != want {
				t.Errorf("got arguments %s, want %s", got, want)
			}
		}
		if ours.StateMutability != theirs.StateMutability {
			t.Errorf("got mutability %s, want %s", ours.StateMutability, theirs.StateMutability)
		}
		data := crypto.Keccak256([]byte("VERIFYING_KEY_DIGEST()"))[:4]
		want := sha256.Sum256(readFile(t, r.testCase.Key))
		for _, at := range []common.Address{r.ours, r.keyed} {
			if got := r.read(at, data); !bytes.Equal(got, want[:]) {
				t.Errorf("got digest %x, want %x", got, want)
			}
		}
	})
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestOutOfGasIsNoVerdict calls with every few thousand gas less than needed: a
// call that runs out must fail, never say false.
func TestOutOfGasIsNoVerdict(t *testing.T) {
	t.Parallel()
	eachCase(t, func(t *testing.T, r *rig) {
		accepted := map[common.Address]bool{}
		for gas := uint64(20_000); gas < 700_000; gas += 9_973 {
			for _, at := range []common.Address{r.ours, r.keyed} {
				switch got := r.verifyWith(gas, r.artifacts.ours, at, r.data); {
				case got == "true":
					accepted[at] = true
				case got == "false":
					t.Errorf("got %q with %d gas", got, gas)
				}
			}
		}
		if len(accepted) != 2 {
			t.Error("no amount of gas was enough")
		}
	})
}
