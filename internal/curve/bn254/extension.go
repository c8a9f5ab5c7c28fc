package bn254

import (
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// g2Degree is the degree of G2's coordinates over the base field.
const g2Degree = 2

// coordinateG2 is a coordinate of a point of G2: c0 + c1·u over the base field.
type coordinateG2 = bn254.E2

const coordinateBytesG2 = g2Degree * fp.Bytes

// decodeCoordinateG2 reads c0 and c1 and reports whether both are below p.
func decodeCoordinateG2(dst *coordinateG2, src *[coordinateBytesG2]byte) bool {
	return decodeCoordinateG1(&dst.A0, (*[fp.Bytes]byte)(src[:fp.Bytes])) &&
		decodeCoordinateG1(&dst.A1, (*[fp.Bytes]byte)(src[fp.Bytes:]))
}

func encodeCoordinateG2(dst *[coordinateBytesG2]byte, src *coordinateG2) {
	encodeCoordinateG1((*[fp.Bytes]byte)(dst[:fp.Bytes]), &src.A0)
	encodeCoordinateG1((*[fp.Bytes]byte)(dst[fp.Bytes:]), &src.A1)
}
