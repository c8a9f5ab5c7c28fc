package evm_test

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

const wordBytes = 32

// The words of a call, after its selector.
const (
	wordA      = 0
	wordB      = 2 // x.c0, x.c1, y.c0, y.c1
	wordC      = 6
	wordInputs = 8
)

// Orders of the base field and of the groups.
var (
	baseOrder, _   = new(big.Int).SetString("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47", 16)
	scalarOrder, _ = new(big.Int).SetString("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001", 16)
)

// outsider is on G2's curve and outside of its subgroup.
var outsider = []string{
	"0x1", "0x0",
	"0x2869111d5381f072f8e2728fdb825a51aadd70e52c9830e9ab4b871c0531f1bb",
	"0x0d1271953ed9ea0836846e70a1934187998c7f790cb4d7511b7f8da82de048a4",
}

// with returns a copy of a call with words from number at on replaced.
func with(data []byte, at int, words ...*big.Int) []byte {
	out := bytes.Clone(data)
	for i, w := range words {
		w.FillBytes(out[4+(at+i)*wordBytes:][:wordBytes])
	}
	return out
}

func wordAt(data []byte, i int) *big.Int {
	return new(big.Int).SetBytes(data[4+i*wordBytes:][:wordBytes])
}

func numWords(data []byte) int { return (len(data) - 4) / wordBytes }

func plus(a *big.Int, b int64) *big.Int { return new(big.Int).Add(a, big.NewInt(b)) }

type pointG1 struct{ X, Y *big.Int }
type pointG2 struct{ X, Y [2]*big.Int }
type proofArgument struct {
	A pointG1
	B pointG2
	C pointG1
}

// arguments reads a proof.json as arguments of verifyTx.
func arguments(t testing.TB, path string) []any {
	t.Helper()
	in := readJSON[struct {
		Proof struct {
			A, C [2]string
			B    [2][2]string
		}
		Inputs []string
	}](t, path)
	n := func(hex string) *big.Int { return new(big.Int).SetBytes(common.FromHex(hex)) }
	p := proofArgument{
		pointG1{n(in.Proof.A[0]), n(in.Proof.A[1])},
		pointG2{[2]*big.Int{n(in.Proof.B[0][0]), n(in.Proof.B[0][1])}, [2]*big.Int{n(in.Proof.B[1][0]), n(in.Proof.B[1][1])}},
		pointG1{n(in.Proof.C[0]), n(in.Proof.C[1])},
	}
	if len(in.Inputs) == 0 {
		return []any{p}
	}
	inputs := make([]*big.Int, len(in.Inputs))
	for i := range inputs {
		inputs[i] = n(in.Inputs[i])
	}
	return []any{p, inputs}
}
