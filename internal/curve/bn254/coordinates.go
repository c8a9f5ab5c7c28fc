package bn254

import (
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// infinityFlag marks infinity in the last byte of an encoded point.
const infinityFlag = 0x40

// coordinateG1 is a coordinate of a point of G1.
type coordinateG1 = fp.Element

const coordinateBytesG1 = fp.Bytes

// decodeCoordinateG1 reads a little-endian value and reports whether it is below p.
func decodeCoordinateG1(dst *coordinateG1, src *[coordinateBytesG1]byte) bool {
	e, err := fp.LittleEndian.Element(src)
	*dst = e
	return err == nil
}

func encodeCoordinateG1(dst *[coordinateBytesG1]byte, src *coordinateG1) {
	fp.LittleEndian.PutElement(dst, *src)
}

func generatorG1() bn254.G1Affine {
	_, _, g, _ := bn254.Generators()
	return g
}

func generatorG2() bn254.G2Affine {
	_, _, _, g := bn254.Generators()
	return g
}
