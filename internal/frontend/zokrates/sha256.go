package zokrates

import "math/bits"

// The built-in SHA-256 compression has, as inputs, the bits of a message block
// and of a chaining value, and as outputs every variable of bellman's gadget
// in the order in which the gadget allocates them.
const (
	sha256BlockBits    = 512
	sha256RoundInputs  = sha256BlockBits + 256
	sha256RoundOutputs = 1 + sha256RoundInputs + sha256GadgetBits

	sha256GadgetBits = 48*(32+29+32+22+34) + 64*(64+32+64+64) + 63*2*35 + 2*35 + 6*33
)

// sha256K are the round constants (FIPS 180-4, section 4.2.2).
var sha256K = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// bitTrace appends the bits of values, least significant first.
type bitTrace []byte

func (t *bitTrace) word(v uint64, width int) {
	for i := range width {
		*t = append(*t, byte(v>>i&1))
	}
}

// sum appends the sum of the operands with its carries, width bits in all, and
// returns it modulo 2^32.
func (t *bitTrace) sum(width int, operands ...uint32) uint32 {
	total := uint64(0)
	for _, v := range operands {
		total += uint64(v)
	}
	t.word(total, width)
	return uint32(total)
}

// xor3 appends x^y and then the low bits of x^y^z, which it returns. Higher
// bits of z are zero, so that the gadget has no variables for them.
func (t *bitTrace) xor3(x, y, z uint32, low int) uint32 {
	t.word(uint64(x^y), 32)
	t.word(uint64(x^y^z), low)
	return x ^ y ^ z
}

func rotr(x uint32, n int) uint32 { return bits.RotateLeft32(x, -n) }

// sha256Gadget returns the values of the gadget's variables beyond its inputs,
// sha256GadgetBits zeros and ones, for a block and a chaining value. trace is
// appended to.
func sha256Gadget(trace bitTrace, block [16]uint32, chain [8]uint32) bitTrace {
	w := trace.schedule(block)
	s := chain
	var pendingA, pendingE []uint32 // operands of the sums that become a and e
	for i := range 64 {
		if i > 0 {
			s[4] = trace.sum(35, pendingE...)
		}
		s1 := trace.xor3(rotr(s[4], 6), rotr(s[4], 11), rotr(s[4], 25), 32)
		ch := s[4]&s[5] ^ ^s[4]&s[6]
		trace.word(uint64(ch), 32)
		if i > 0 {
			s[0] = trace.sum(35, pendingA...)
		}
		s0 := trace.xor3(rotr(s[0], 2), rotr(s[0], 13), rotr(s[0], 22), 32)
		maj := trace.majority(s[0], s[1], s[2])
		pendingE = []uint32{s[7], s1, ch, sha256K[i], w[i], s[3]}
		pendingA = []uint32{s[7], s1, ch, sha256K[i], w[i], s0, maj}
		s = [8]uint32{0, s[0], s[1], s[2], 0, s[4], s[5], s[6]}
	}
	trace.sum(35, append(pendingA, chain[0])...)
	for i := 1; i < 8; i++ {
		if i == 4 {
			trace.sum(35, append(pendingE, chain[4])...)
		} else {
			trace.sum(33, chain[i], s[i])
		}
	}
	return trace
}

// schedule appends the message schedule and returns its 64 words.
func (t *bitTrace) schedule(block [16]uint32) (w [64]uint32) {
	copy(w[:], block[:])
	for i := 16; i < 64; i++ {
		x, y := w[i-15], w[i-2]
		s0 := t.xor3(rotr(x, 7), rotr(x, 18), x>>3, 29)
		s1 := t.xor3(rotr(y, 17), rotr(y, 19), y>>10, 22)
		w[i] = t.sum(34, w[i-16], s0, w[i-7], s1)
	}
	return w
}

// majority appends, bit by bit, the majority of a, b and c and the product of
// b and c.
func (t *bitTrace) majority(a, b, c uint32) uint32 {
	and := b & c
	maj := and ^ a&(b^c)
	for i := range 32 {
		*t = append(*t, byte(maj>>i&1), byte(and>>i&1))
	}
	return maj
}
