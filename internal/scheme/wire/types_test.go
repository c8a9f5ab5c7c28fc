package wire_test

import (
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

type (
	bn254Element = fr.Element
	bn254Point   = bn254.G1Affine
)
