package msm

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// FuzzAgainstMultiExp reads terms from bytes, three for each: a point's
// logarithm from -8 to 8 (so that equal and opposite points meet often), the
// form of the scalar, and a parameter of it.
func FuzzAgainstMultiExp(f *testing.F) {
	f.Add([]byte{1, 0, 0, 1, 1, 1}, uint8(3))
	f.Add([]byte{1, 4, 9, 15, 4, 9, 1, 4, 9, 0, 4, 9}, uint8(4))
	f.Add([]byte{2, 5, 0, 2, 5, 1, 14, 5, 0, 3, 3, 253, 3, 2, 128}, uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, window uint8) {
		var terms terms
		for ; len(data) >= 3 && len(terms.scalars) < 400; data = data[3:] {
			terms.term(int(data[0]%17)-8, fuzzScalar(data[1], data[2]))
		}
		c := int(window % (maxWindow + 1))
		if c < 2 || c > 8 {
			c = 0 // wide windows take long
		}
		terms.check(t, "fuzz", c)
	})
}

func fuzzScalar(form, v byte) fr.Element {
	switch form % 6 {
	case 0:
		return small(int64(v) % 2)
	case 1:
		return minusOne
	case 2:
		return small(int64(v) - 128)
	case 3:
		return power(uint(v) % 254)
	case 4:
		k := power(uint(v) % 254)
		k.Sub(&k, &one)
		return k
	}
	return half(int64(v) - 128)
}
