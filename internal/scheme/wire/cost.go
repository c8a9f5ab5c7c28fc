package wire

import (
	"math/bits"
	"time"

	"provery/internal/scheme"
)

// Steps counts what a proof does, for its cost.
type Steps struct {
	Domain int // points of the domain
	// Tables and Vectors are numbers of vectors of scalars of the domain's
	// length: those that stay with the key, and the most that a proof holds at
	// once beside the witness.
	Tables, Vectors int
	Witness         int // scalars of the witness
	Scalars         int // that a proof holds beside all that
	G1, G2          int // points that are multiplied
	// Longest is the greatest number of points of one multiplication.
	Longest int
	// Dense is the part of G1 and G2 that belongs to the quotient, whose
	// scalars are of full size; those of a witness are mostly small.
	Dense int
}

const (
	// termBytes is what a multi-scalar multiplication holds for each term:
	// its digits, and lists of indexes. The points stay where they are.
	termBytes = 64
	// bucketBytes are the buckets that are in use at once.
	bucketBytes = 8 << 20
	// threadBytes is the scratch memory of one thread.
	threadBytes = 2 << 20
	// fixedBytes is what a proof takes whatever its size.
	fixedBytes = 1 << 20
)

// Cost returns the cost of a proof of these steps. While the last parts of one
// multiplication run, other threads begin with the next.
func (b *Base[S, A1, A2]) Cost(s Steps, threads int) scheme.Cost {
	threads = max(threads, 1)
	scalar, domain := int64(b.Params.ScalarBytes), int64(s.Domain)
	solving := fixedBytes + scalar*(domain*int64(s.Tables)+int64(s.Witness))
	terms := int64(s.Longest) * int64(min(threads, 2)) * termBytes
	proving := scalar*(domain*int64(s.Vectors)+int64(s.Scalars)) + terms + min(bucketBytes, terms) + int64(threads)*threadBytes
	// The cost of a product goes with the square of the limbs, that of a
	// coordinate in an extension by 3 with the degree 2, and a scalar has a
	// digit for each dozen bits or so.
	limbs := float64(b.Params.BaseBytes / 8)
	point := limbs * limbs / 16 * float64(b.Params.ScalarBits) / 254
	inG2 := 1.0
	if b.Params.G2Degree == 2 {
		inG2 = 2.6
	}
	const dense, sparse = 2500, 900 // ns for a term in G1 on BN254
	sums := float64(s.Dense)*dense + (float64(s.G1-s.Dense)+float64(s.G2)*inG2)*sparse
	transforms := 6 * float64(s.Domain) * float64(bits.Len(uint(s.Domain))) * 8 * float64(scalar*scalar) / 1024
	return scheme.Cost{
		Bytes:   solving + proving,
		Solving: solving,
		Work:    time.Duration(sums*point+transforms) + time.Millisecond,
	}
}
