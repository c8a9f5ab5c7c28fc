package ceremony

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"testing"

	"provery/internal/curve"
	"provery/internal/iden3"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
	"provery/internal/zkey"
)

// powersOfTau makes a .ptau file of a tau, an alpha and a beta that everybody
// knows, as snarkjs does of ones that nobody does.
func powersOfTau[S, A1, A2 any](t testing.TB, suite *curve.Suite[S, A1, A2], power int) []byte {
	t.Helper()
	f := suite.Field
	secrets := make([]S, 3)
	for i := range secrets {
		f.SetUint64(&secrets[i], uint64(1_000_003+i))
		f.Exp(&secrets[i], &secrets[i], big.NewInt(99))
	}
	tau, alpha, beta := secrets[0], secrets[1], secrets[2]
	n := 1 << power
	var one S
	f.SetUint64(&one, 1)
	g1, g2 := suite.G1.Generator(), suite.G2.Generator()
	inG1 := func(scalars []S) []byte {
		points, err := suite.G1.MulEach(t.Context(), &g1, scalars, 2)
		if err != nil {
			t.Fatal(err)
		}
		return suite.G1.Memory(points)
	}
	inG2 := func(scalars []S) []byte {
		points, err := suite.G2.MulEach(t.Context(), &g2, scalars, 2)
		if err != nil {
			t.Fatal(err)
		}
		return suite.G2.Memory(points)
	}
	powers := func(n int, first *S) []S {
		out := make([]S, n)
		f.Powers(out, first, &tau)
		return out
	}
	lagrange := func(first *S, blocks int) []S {
		var out []S
		for k := range blocks {
			out = append(out, lagrangeAt(t, suite, 1<<k, &tau, first)...)
		}
		return out
	}
	quotient := lagrangeAt(t, suite, 2*n, &tau, &one)
	withoutHighest(t, suite, quotient, &tau)

	header := binary.LittleEndian.AppendUint32(nil, uint32(suite.Params.BaseBytes))
	header = append(header, zkey.LittleEndian(suite.Params.BaseModulus, suite.Params.BaseBytes)...)
	header = binary.LittleEndian.AppendUint32(header, uint32(power))
	header = binary.LittleEndian.AppendUint32(header, uint32(power))
	var out bytes.Buffer
	err := iden3.Write(&out, "ptau", 1, []iden3.Section{
		iden3.Data(1, header),
		iden3.Data(2, inG1(powers(2*n-1, &one))),
		iden3.Data(3, inG2(powers(n, &one))),
		iden3.Data(4, inG1(powers(n, &alpha))),
		iden3.Data(5, inG1(powers(n, &beta))),
		iden3.Data(6, inG2([]S{beta})),
		iden3.Data(7, make([]byte, 4)),
		iden3.Data(12, inG1(append(lagrange(&one, power+1), quotient...))),
		iden3.Data(13, inG2(lagrange(&one, power+1))),
		iden3.Data(14, inG1(lagrange(&alpha, power+1))),
		iden3.Data(15, inG1(lagrange(&beta, power+1))),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func omegaOf[S, A1, A2 any](t testing.TB, suite *curve.Suite[S, A1, A2], n int) S {
	t.Helper()
	omega, err := wire.NewBase(suite, scheme.Groth16, "g16").Omega(scheme.LayoutSnarkJS, n)
	if err != nil {
		t.Fatal(err)
	}
	return omega
}

// lagrangeAt returns the Lagrange polynomials of n points at tau, times a factor.
func lagrangeAt[S, A1, A2 any](t testing.TB, suite *curve.Suite[S, A1, A2], n int, tau, factor *S) []S {
	t.Helper()
	f := suite.Field
	omega := omegaOf(t, suite, n)
	var z, one S
	f.SetUint64(&one, 1)
	f.Exp(&z, tau, big.NewInt(int64(n)))
	f.Sub(&z, &z, &one)
	out := wire.Lagrange(f, n, &omega, tau, &z)
	f.ScaleVec(out, out, factor)
	return out
}

// withoutHighest takes from the Lagrange polynomials of n points at tau their
// terms of tau^(n-1), omega^i/n.
func withoutHighest[S, A1, A2 any](t testing.TB, suite *curve.Suite[S, A1, A2], lagrange []S, tau *S) {
	t.Helper()
	f, n := suite.Field, len(lagrange)
	omega := omegaOf(t, suite, n)
	var first S
	f.SetUint64(&first, uint64(n))
	f.Inverse(&first, &first)
	var power S
	f.Exp(&power, tau, big.NewInt(int64(n-1)))
	f.Mul(&first, &first, &power)
	terms := make([]S, n)
	f.Powers(terms, &first, &omega)
	f.SubVec(lagrange, lagrange, terms)
}
