package bn254

import (
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve"
	"provery/internal/fault"
)

// Suite returns everything that a scheme needs of BN254.
func Suite() *curve.Suite[fr.Element, bn254.G1Affine, bn254.G2Affine] {
	f := NewField()
	return &curve.Suite[fr.Element, bn254.G1Affine, bn254.G2Affine]{
		Params: f.params,
		Field:  f,
		G1:     G1{},
		G2:     G2{},
		NewDomain: func(n int, omega *fr.Element) (curve.Domain[fr.Element], error) {
			return NewDomain(n, omega)
		},
		Sum:          sum,
		PairingIsOne: pairingIsOne,
	}
}

// pairingIsOne reports whether the product of e(p[i], q[i]) is 1. Pairs with
// infinity contribute 1. The points must lie in their subgroups.
func pairingIsOne(p []bn254.G1Affine, q []bn254.G2Affine) (bool, error) {
	if len(p) != len(q) {
		return false, fault.New(fault.Internal, "pairing of %d with %d points", len(p), len(q))
	}
	if len(p) == 0 {
		return true, nil
	}
	ok, err := bn254.PairingCheck(p, q)
	return ok, fault.Wrap(err, fault.Internal, "compute pairing")
}
