package bw6761

// g2Degree is the degree of G2's coordinates over the base field: the twist
// that holds G2 is over the base field itself.
const g2Degree = 1

// coordinateG2 is a coordinate of a point of G2.
type coordinateG2 = coordinateG1

const coordinateBytesG2 = coordinateBytesG1

func decodeCoordinateG2(dst *coordinateG2, src *[coordinateBytesG2]byte) bool {
	return decodeCoordinateG1(dst, src)
}

func encodeCoordinateG2(dst *[coordinateBytesG2]byte, src *coordinateG2) {
	encodeCoordinateG1(dst, src)
}
