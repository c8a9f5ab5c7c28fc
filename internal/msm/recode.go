package msm

import (
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// kind is how a scalar enters the sum.
type kind uint8

const (
	zero  kind = iota
	plus       // 1
	minus      // -1
	other
)

var (
	one      = fr.One()
	minusOne = func() (m fr.Element) { m.Neg(&one); return }()
)

func kindOf(s *fr.Element) kind {
	switch {
	case *s == fr.Element{}:
		return zero
	case *s == one:
		return plus
	case *s == minusOne:
		return minus
	}
	return other
}

// scalarBits bounds the bits of a scalar of at most r/2.
const scalarBits = fr.Bits - 1

// maxWindow is the greatest number of bits of a digit: digits are int16.
const maxWindow = 15

// numWindows returns how many signed digits of c bits hold a scalar of at most
// r/2. The last one takes a carry.
func numWindows(c int) int { return (scalarBits + c) / c }

// window returns the number of bits of a digit that is best for n terms. For
// each window there is one addition for each term, and two for each of its
// 2^(c-1) buckets, which are a little slower.
func window(n int) int {
	best, cost := 2, numWindows(2)*(n+4)
	for c := 3; c <= maxWindow; c++ {
		if k := numWindows(c) * (n + 5<<c/4); k < cost {
			best, cost = c, k
		}
	}
	return best
}

// order holds the limbs of r, the order of the groups.
var order = func() (q [fr.Limbs]uint64) {
	for i, w := range fr.Modulus().Bits() {
		q[i] = uint64(w)
	}
	return q
}()

// shortest returns the canonical limbs of s or of -s, whichever is at most
// r/2, and whether it is the latter.
func shortest(s *fr.Element) (limbs [fr.Limbs]uint64, negative bool) {
	if !s.LexicographicallyLargest() {
		return s.Bits(), false
	}
	limbs = s.Bits()
	var borrow uint64
	for i := range limbs {
		limbs[i], borrow = bits.Sub64(order[i], limbs[i], borrow)
	}
	return limbs, true
}

// stride returns the distance between the digits of successive windows of n
// terms: the digits of one term, written at once, lie in different sets of the
// first-level cache.
func stride(n int) int {
	const page, line = 4096 / 2, 64 / 2 // in digits
	return (n+page)/page*page + line
}

// recodeBatch is the number of scalars that are cut into digits together, so
// that the digits of each window are written side by side.
const recodeBatch = 128

// recoder cuts scalars into digits. The zero value is ready to use.
type recoder struct {
	limbs [recodeBatch][fr.Limbs]uint64
	signs [recodeBatch]int32 // 0, or -1 for negative scalars
	n     int
}

// add takes up a scalar; there is room for recodeBatch of them.
func (r *recoder) add(s *fr.Element) {
	limbs, negative := shortest(s)
	r.limbs[r.n], r.signs[r.n] = limbs, 0
	if negative {
		r.signs[r.n] = -1
	}
	r.n++
}

// flush sets digits[w·stride+i], for each window w, to the digit d_w of the i-th
// scalar s, so that s is the sum of d_w·2^(c·w), and empties r. Digits lie
// between -2^(c-1) and 2^(c-1).
func (r *recoder) flush(digits []int16, stride, c int) {
	mask, half := uint64(1)<<c-1, int32(1)<<(c-1)
	var carries [recodeBatch]int32
	for bit, at := 0, 0; at < len(digits); bit, at = bit+c, at+stride {
		row := digits[at:][:r.n]
		k, shift := bit/64, bit%64
		if k >= fr.Limbs { // the carry alone is left
			k, shift = fr.Limbs-1, 64
		}
		var up [fr.Limbs + 1]uint64 // masks the limb above, where the digit reaches it
		if shift+c > 64 && k+1 < fr.Limbs {
			up[k+1] = ^uint64(0)
		}
		next := min(k+1, fr.Limbs-1)
		for i := range row {
			v := r.limbs[i][k]>>shift | (r.limbs[i][next]&up[k+1])<<(64-shift)
			d := int32(v&mask) + carries[i]
			over := (half - d) >> 31 // -1 if the digit is beyond half
			carries[i] = -over
			d += over & (-2 * half)
			row[i] = int16((d ^ r.signs[i]) - r.signs[i])
		}
	}
	r.n = 0
}

// sortDigits lists the terms of the non-zero digits, ordered by the digit's
// absolute value. Term i is picked as 2·terms[i], plus 1 if the digit is negative.
// ends[d] becomes the end of the terms of d in the list, and where those of d+1
// begin; it has 2^(c-1)+1 elements. The terms of 0 are left out: ends[0] is 0.
func sortDigits(picks []uint32, ends []uint32, digits []int16, terms []uint32) {
	clear(ends)
	for _, d := range digits {
		ends[max(d, -d)]++
	}
	ends[0] = 0
	sum := uint32(0)
	for d, n := range ends {
		ends[d] = sum
		sum += n
	}
	for i, d := range digits {
		if d == 0 {
			continue
		}
		negative := uint32(d) >> 31
		at := &ends[max(d, -d)]
		picks[*at] = 2*terms[i] + negative
		*at++
	}
}
