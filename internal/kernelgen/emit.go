package main

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"
)

// limbs is the number of limbs of an element, laneBytes the size of eight
// elements in memory: limb by limb, the eight lanes of each together.
const (
	limbs     = 5
	limbBits  = 52
	laneBytes = limbs * 64
)

// program is the text of one file.
type program struct {
	bytes.Buffer
	modulus *big.Int
	name    string // prefix of its constants
}

// op writes one instruction. Operands are in the order of Go's assembler: the
// destination is the last.
func (p *program) op(name string, operands ...string) {
	fmt.Fprintf(p, "\t%s %s\n", name, strings.Join(operands, ", "))
}

func (p *program) comment(text string) { fmt.Fprintf(p, "\n\t// %s\n", text) }

func (p *program) label(name string) { fmt.Fprintf(p, "\n%s:\n", name) }

// z names a vector register.
func z(n int) string { return fmt.Sprintf("Z%d", n) }

// vector is an element for each lane in five registers.
type vector [limbs]int

// registers returns the five registers from first on.
func registers(first int) (v vector) {
	for i := range v {
		v[i] = first + i
	}
	return v
}

// place is an element for each lane in memory.
type place struct {
	base   string
	offset int
}

// at returns the k-th of consecutive places.
func (m place) at(k int) place { return place{m.base, m.offset + k*laneBytes} }

// limb returns the operand of limb i.
func (m place) limb(i int) string { return fmt.Sprintf("%d(%s)", m.offset+64*i, m.base) }

// The registers that all kernels agree on.
var (
	sum    = registers(0)  // results
	high   = registers(5)  // used by mul and dot
	left   = registers(12) // operand of mul and dot
	prime  = registers(17) // p, the same in each lane
	second = registers(25) // operand of dot
)

const (
	quotient = 10 // of a step of mul
	right    = 11 // limb of an operand of mul
	negInv   = 22 // -1/p mod 2^52
	mask     = 23 // 2^52 - 1
	right2   = 24 // limb of the other right operand of dot
)

// constants writes the table of the modulus's multiples: p and 2p as limbs, then
// -1/p mod 2^52 and the mask.
func (p *program) constants() {
	radix := new(big.Int).Lsh(big.NewInt(1), limbBits)
	inverse := new(big.Int).ModInverse(p.modulus, radix)
	inverse.Sub(radix, inverse)
	words := append(split(p.modulus), split(new(big.Int).Lsh(p.modulus, 1))...)
	words = append(words, inverse.Uint64(), 1<<limbBits-1, 1, 1<<32)
	for i, w := range words {
		fmt.Fprintf(p, "DATA %s<>+%d(SB)/8, $%#x\n", p.name, 8*i, w)
	}
	fmt.Fprintf(p, "GLOBL %s<>(SB), RODATA|NOPTR, $%d\n", p.name, 8*len(words))
}

// Indexes into the table of constants.
const (
	constPrime  = 0
	constTwice  = limbs
	constNegInv = 2 * limbs
	constMask   = 2*limbs + 1
	constOne    = 2*limbs + 2
	constBit32  = 2*limbs + 3
)

// split returns v's limbs.
func split(v *big.Int) []uint64 {
	out := make([]uint64, limbs)
	m := big.NewInt(1<<limbBits - 1)
	for i := range out {
		out[i] = new(big.Int).And(new(big.Int).Rsh(v, uint(limbBits*i)), m).Uint64()
	}
	return out
}

// constant is the operand of a constant for instructions that broadcast it.
func (p *program) constant(index int) string { return fmt.Sprintf("%s<>+%d(SB)", p.name, 8*index) }

// loadConstants fills the registers of the modulus.
func (p *program) loadConstants() {
	for i, r := range prime {
		p.op("VPBROADCASTQ", p.constant(constPrime+i), z(r))
	}
	p.op("VPBROADCASTQ", p.constant(constNegInv), z(negInv))
	p.op("VPBROADCASTQ", p.constant(constMask), z(mask))
}

func (p *program) load(v vector, m place) {
	for i, r := range v {
		p.op("VMOVDQU64", m.limb(i), z(r))
	}
}

func (p *program) store(m place, v vector) {
	for i, r := range v {
		p.op("VMOVDQU64", z(r), m.limb(i))
	}
}

// each applies an instruction of three operands to the limbs: dst = a op b, as
// in VPSUBQ for dst = a - b.
func (p *program) each(name string, dst, a, b vector) {
	for i := range dst {
		p.op(name, z(b[i]), z(a[i]), z(dst[i]))
	}
}

// eachPlace is each with b in memory.
func (p *program) eachPlace(name string, dst, a vector, b place) {
	for i := range dst {
		p.op(name, b.limb(i), z(a[i]), z(dst[i]))
	}
}

// eachConst is each with b a multiple of the modulus, from the table.
func (p *program) eachConst(name string, dst, a vector, index int) {
	for i := range dst {
		p.op(name+".BCST", p.constant(index+i), z(a[i]), z(dst[i]))
	}
}

// carry brings v's limbs, which may be negative or beyond 52 bits, into their
// range. The value must lie in [0, 2^260), or the top limb keeps what is too
// much: it is negative if the value is. It uses temp.
func (p *program) carry(v vector, temp int) {
	for i := range limbs - 1 {
		p.op("VPSRAQ", fmt.Sprintf("$%d", limbBits), z(v[i]), z(temp))
		p.op("VPANDQ", z(mask), z(v[i]), z(v[i]))
		p.op("VPADDQ", z(temp), z(v[i+1]), z(v[i+1]))
	}
}

// product is one of the operands of dot.
type product struct {
	left      vector
	right     place
	limb      int  // register for a limb of right
	broadcast bool // right is one element of five words, for all lanes
}

// loadRight loads limb i of f's right operand.
func (p *program) loadRight(f product, i int) {
	if f.broadcast {
		p.op("VPBROADCASTQ", fmt.Sprintf("%d(%s)", f.right.offset+8*i, f.right.base), z(f.limb))
		return
	}
	p.op("VMOVDQU64", f.right.limb(i), z(f.limb))
}

// mul returns left·b/2^260 mod p; see dot.
func (p *program) mul(b place) vector { return p.dot(product{left: left, right: b, limb: right}) }

// dot returns the sum of the products, divided by 2^260, mod p: below
// p·(1 + x·y/84) for one product of operands below x·p and y·p. Each step adds a
// limb of the right operands times the left ones, and the multiple of p that
// makes the lowest limb zero, and drops that limb. The result is in registers of
// sum and high; dot changes these, quotient and the products' limb.
func (p *program) dot(products ...product) vector {
	t, h := sum, high
	for _, r := range t {
		p.op("VPXORQ", z(r), z(r), z(r))
	}
	for step := range limbs {
		for _, r := range h {
			p.op("VPXORQ", z(r), z(r), z(r))
		}
		for _, f := range products {
			p.loadRight(f, step)
			for i := range limbs {
				p.op("VPMADD52LUQ", z(f.limb), z(f.left[i]), z(t[i]))
			}
			for i := range limbs {
				p.op("VPMADD52HUQ", z(f.limb), z(f.left[i]), z(h[i]))
			}
		}
		p.op("VPXORQ", z(quotient), z(quotient), z(quotient))
		p.op("VPMADD52LUQ", z(negInv), z(t[0]), z(quotient))
		for i := range limbs {
			p.op("VPMADD52LUQ", z(quotient), z(prime[i]), z(t[i]))
		}
		for i := range limbs {
			p.op("VPMADD52HUQ", z(quotient), z(prime[i]), z(h[i]))
		}
		// The lowest limb is a multiple of 2^52 now. Its carry goes to the
		// next, and all move down by one.
		p.op("VPSRLQ", fmt.Sprintf("$%d", limbBits), z(t[0]), z(t[0]))
		p.op("VPADDQ", z(t[0]), z(t[1]), z(t[1]))
		for i := range limbs - 1 {
			p.op("VPADDQ", z(h[i]), z(t[i+1]), z(t[i+1]))
		}
		free := t[0]
		t = vector{t[1], t[2], t[3], t[4], h[4]}
		h[4] = free
	}
	p.carry(t, quotient)
	return t
}

// move copies v to dst, which don't overlap.
func (p *program) move(dst, v vector) {
	for i := range v {
		p.op("VMOVDQA64", z(v[i]), z(dst[i]))
	}
}

// reduceOnce sets dst to v less the multiple of p at index of the table, or to v
// where v is below it. It uses spare and K1.
func (p *program) reduceOnce(dst, v vector, index, spare int) {
	p.eachConst("VPSUBQ", dst, v, index)
	p.carry(dst, spare)
	p.op("VPMOVQ2M", z(dst[limbs-1]), "K1")
	for i := range v {
		p.op("VMOVDQA64", z(v[i]), "K1", z(dst[i]))
	}
}

// transpose sets t to the columns of the matrix whose rows of eight words are in
// r, which it changes.
func (p *program) transpose(r, t [8]int) {
	low := func(dst, a, b int) { p.op("VPUNPCKLQDQ", z(b), z(a), z(dst)) }
	upper := func(dst, a, b int) { p.op("VPUNPCKHQDQ", z(b), z(a), z(dst)) }
	even := func(dst, a, b int) { p.op("VSHUFI64X2", "$0x88", z(b), z(a), z(dst)) }
	odd := func(dst, a, b int) { p.op("VSHUFI64X2", "$0xdd", z(b), z(a), z(dst)) }
	for i := 0; i < 8; i += 2 {
		low(t[i], r[i], r[i+1])
		upper(t[i+1], r[i], r[i+1])
	}
	// r[0..3] from the first four rows, r[4..7] from the others.
	for half := 0; half < 8; half += 4 {
		even(r[half], t[half], t[half+2])
		even(r[half+1], t[half+1], t[half+3])
		odd(r[half+2], t[half], t[half+2])
		odd(r[half+3], t[half+1], t[half+3])
	}
	for i := range 4 {
		even(t[i], r[i], r[i+4])
		odd(t[i+4], r[i], r[i+4])
	}
}

// to52 sets v to the limbs of the four words w.
func (p *program) to52(v vector, w [4]int, temp int) {
	p.op("VPANDQ", z(mask), z(w[0]), z(v[0]))
	for i := 1; i < 4; i++ {
		p.op("VPSRLQ", fmt.Sprintf("$%d", 64-12*i), z(w[i-1]), z(v[i]))
		p.op("VPSLLQ", fmt.Sprintf("$%d", 12*i), z(w[i]), z(temp))
		p.op("VPORQ", z(temp), z(v[i]), z(v[i]))
		p.op("VPANDQ", z(mask), z(v[i]), z(v[i]))
	}
	p.op("VPSRLQ", "$16", z(w[3]), z(v[4]))
}

// to64 sets w to the four words of the limbs v, which make less than 2^256.
func (p *program) to64(w [4]int, v vector, temp int) {
	for i := range 4 {
		p.op("VPSLLQ", fmt.Sprintf("$%d", limbBits-12*i), z(v[i+1]), z(temp))
		if i == 0 {
			p.op("VPORQ", z(v[0]), z(temp), z(w[0]))
			continue
		}
		p.op("VPSRLQ", fmt.Sprintf("$%d", 12*i), z(v[i]), z(w[i]))
		p.op("VPORQ", z(temp), z(w[i]), z(w[i]))
	}
}

// function begins a function with its declaration in Go as a comment.
func (p *program) function(declaration, symbol string, arguments int) {
	fmt.Fprintf(p, "\n// %s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", declaration, symbol, arguments)
}

func newProgram(modulus *big.Int, name string) *program {
	p := &program{modulus: modulus, name: name}
	p.WriteString("// Code generated by internal/kernelgen; DO NOT EDIT.\n\n//go:build !purego\n\n#include \"textflag.h\"\n\n")
	p.constants()
	return p
}
