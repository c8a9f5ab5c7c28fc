//go:build !purego

package msm

import (
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// lanes are eight elements of the base field as the kernels hold them: limbs
// of 52 bits, the eight lowest ones first. Their values are below 2^260 and known
// mod p.
type lanes [5][8]uint64

// element returns the words of lane i, reduced below p.
func (v *lanes) element(i int) fp.Element {
	e := fp.Element{
		v[0][i] | v[1][i]<<52,
		v[1][i]>>12 | v[2][i]<<40,
		v[2][i]>>24 | v[3][i]<<28,
		v[3][i]>>36 | v[4][i]<<16,
	}
	var less fp.Element
	var borrow uint64
	for k, q := range baseModulus {
		less[k], borrow = bits.Sub64(e[k], q, borrow)
	}
	if borrow == 0 {
		return less
	}
	return e
}

// set sets lane i to the words of e.
func (v *lanes) set(i int, e *fp.Element) {
	const mask = 1<<52 - 1
	v[0][i] = e[0] & mask
	v[1][i] = (e[0]>>52 | e[1]<<12) & mask
	v[2][i] = (e[1]>>40 | e[2]<<24) & mask
	v[3][i] = (e[2]>>28 | e[3]<<36) & mask
	v[4][i] = e[3] >> 16
}

var baseModulus = func() (q [fp.Limbs]uint64) {
	for i, w := range fp.Modulus().Bits() {
		q[i] = uint64(w)
	}
	return q
}()

// invert turns the words of each lane, a number v below 2p, into those of
// 2^518/v mod p, as chordG1 and chordG2 want it. fp.Element's inverse of the
// words v is 2^512/v.
func (v *lanes) invert() {
	const lanes = 8
	var e [lanes]fp.Element
	factor := fp.NewElement(1 << (518 - 512))
	for i := range e {
		e[i] = v.element(i)
	}
	invertFew(e[:])
	for i := range e {
		e[i].Mul(&e[i], &factor)
		v.set(i, &e[i])
	}
}

// recordG1 is what the kernels keep of eight additions of p1 and p2: x1, y1,
// x1 + x2, x2 - x1, y2 - y1, and the product of the denominators before.
type recordG1 [6]lanes

//go:noescape
func gatherG1(records *recordG1, work *lanes, src *bn254.G1Affine, pairs *uint32, groups int, special *uint8)

//go:noescape
func chordG1(last *recordG1, work *lanes, dst *bn254.G1Affine, groups int)

// recordG2 is recordG1 for G2, with the norm of x2 - x1 before the last.
type recordG2 [12]lanes

//go:noescape
func gatherG2(records *recordG2, work *lanes, src *bn254.G2Affine, pairs *uint32, groups int, special *uint8)

//go:noescape
func chordG2(last *recordG2, work *lanes, dst *bn254.G2Affine, groups int)

// kernelG1 adds points of G1 with the AVX-512 kernels.
type kernelG1 struct {
	records [maxBatch/8 + 1]recordG1
	work    [2]lanes // the product, later its inverse; the slopes
	special [maxBatch/8 + 1]uint8
}

// add implements adder.
func (k *kernelG1) add(dst, src []bn254.G1Affine, pairs []uint32) {
	if len(dst) == 0 {
		return
	}
	full := len(dst) / 8
	product := &k.work[0]
	*product = lanes{{1, 1, 1, 1, 1, 1, 1, 1}}
	if full > 0 {
		gatherG1(&k.records[0], product, &src[0], &pairs[0], full, &k.special[0])
	}
	rest := len(dst) % 8
	if rest > 0 {
		padded := pad(pairs[16*full:])
		gatherG1(&k.records[full], product, &src[0], &padded[0], 1, &k.special[full])
	}
	product.invert()
	if rest > 0 {
		var last [8]bn254.G1Affine
		chordG1(&k.records[full], product, &last[0], 1)
		copy(dst[8*full:], last[:])
	}
	if full > 0 {
		chordG1(&k.records[full-1], product, &dst[8*(full-1)], full)
	}
	for i := range dst {
		if k.special[i/8]>>(i%8)&1 == 1 {
			exceptG1(&dst[i], src, pairs[2*i], pairs[2*i+1])
		}
	}
}

// kernelG2 is kernelG1 for G2.
type kernelG2 struct {
	records [maxBatch/8 + 1]recordG2
	work    [8]lanes
	special [maxBatch/8 + 1]uint8
}

// add implements adder.
func (k *kernelG2) add(dst, src []bn254.G2Affine, pairs []uint32) {
	if len(dst) == 0 {
		return
	}
	full := len(dst) / 8
	product := &k.work[0]
	*product = lanes{{1, 1, 1, 1, 1, 1, 1, 1}}
	if full > 0 {
		gatherG2(&k.records[0], product, &src[0], &pairs[0], full, &k.special[0])
	}
	rest := len(dst) % 8
	if rest > 0 {
		padded := pad(pairs[16*full:])
		gatherG2(&k.records[full], product, &src[0], &padded[0], 1, &k.special[full])
	}
	product.invert()
	if rest > 0 {
		var last [8]bn254.G2Affine
		chordG2(&k.records[full], product, &last[0], 1)
		copy(dst[8*full:], last[:])
	}
	if full > 0 {
		chordG2(&k.records[full-1], product, &dst[8*(full-1)], full)
	}
	for i := range dst {
		if k.special[i/8]>>(i%8)&1 == 1 {
			exceptG2(&dst[i], src, pairs[2*i], pairs[2*i+1])
		}
	}
}

// newKernelG2 is newKernelG1 for G2.
func newKernelG2() adder[bn254.G2Affine] {
	if !Accelerated() {
		return nil
	}
	return new(kernelG2)
}

// pad returns up to seven pairs with the first repeated to make eight.
func pad(pairs []uint32) (padded [16]uint32) {
	for i := range padded {
		padded[i] = pairs[i%2]
	}
	copy(padded[:], pairs)
	return padded
}

// newKernelG1 returns the adder of the CPU's own instructions, or nil if it
// hasn't got them.
func newKernelG1() adder[bn254.G1Affine] {
	if !Accelerated() {
		return nil
	}
	return new(kernelG1)
}
