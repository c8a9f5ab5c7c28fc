package bn254

import (
	"math/big"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// factor is a scalar as points are multiplied by it: of the values k and k-r
// the one nearer to 0.
type factor struct {
	negative bool
	small    uint64   // the magnitude
	large    *big.Int // the magnitude, if it has more than 64 bits
}

func factorOf(k *fr.Element) factor {
	var f factor
	magnitude := *k
	if f.negative = k.LexicographicallyLargest(); f.negative {
		magnitude.Neg(k)
	}
	if v := magnitude.BigInt(new(big.Int)); v.IsUint64() {
		f.small = v.Uint64()
	} else {
		f.large = v
	}
	return f
}

// top returns the number of the highest bit of a small magnitude, -1 for 0.
func (f *factor) top() int { return bits.Len64(f.small) - 1 }
