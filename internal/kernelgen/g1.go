package main

import (
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// Places of an addition's record, in the order of recordG1 in package msm.
const (
	g1X1 = iota
	g1Y1 // with its sign
	g1Sum
	g1DX
	g1DY
	g1Before
	g1Record // their number
)

// Registers of the kernels' arguments.
const (
	records = "DI"
	work    = "R9"
	source  = "R8"
	pairs   = "SI"
	groups  = "CX"
	special = "R10"
	address = "AX"
	target  = "DX"
)

func msmKernels() []byte {
	p := newProgram(fp.Modulus(), "base")
	p.gatherG1()
	p.chordG1()
	p.gatherG2()
	p.chordG2()
	return p.Bytes()
}

// argument loads an argument of a function.
func (p *program) argument(name string, offset int, register string) {
	p.op("MOVQ", fmt.Sprintf("%s+%d(FP)", name, offset), register)
}

// signs sets K2 and K3 to the signs of the left and of the right points of a
// group's pairs.
func (p *program) signs(temp int) {
	p.op("VMOVDQU64", fmt.Sprintf("(%s)", pairs), z(temp))
	p.op("VPTESTMQ.BCST", p.constant(constOne), z(temp), "K2")
	p.op("VPTESTMQ.BCST", p.constant(constBit32), z(temp), "K3")
}

// rows loads 64 bytes of each point on one side of a group's pairs: offset is
// that of the side's picks, 0 or 4, size the bytes of a point, and part which of
// its 64 bytes to load.
func (p *program) rows(r [8]int, offset, sizeBits, part int) {
	for i, row := range r {
		p.op("MOVL", fmt.Sprintf("%d(%s)", 8*i+offset, pairs), address)
		p.op("SHRL", "$1", address)
		p.op("SHLQ", fmt.Sprintf("$%d", sizeBits), address)
		p.op("VMOVDQU64", fmt.Sprintf("%d(%s)(%s*1)", 64*part, source, address), z(row))
	}
}

// zeroLanes sets mask to the lanes in which all of the registers are 0.
func (p *program) zeroLanes(mask string, temp int, r ...int) {
	p.op("VPORQ", z(r[0]), z(r[1]), z(temp))
	for _, v := range r[2:] {
		p.op("VPORQ", z(v), z(temp), z(temp))
	}
	p.op("VPTESTNMQ", z(temp), z(temp), mask)
}

// negate changes v's sign in the lanes of mask. Limbs become negative.
func (p *program) negate(v vector, mask string, temp int) {
	p.op("VPXORQ", z(temp), z(temp), z(temp))
	for _, r := range v {
		p.op("VPSUBQ", z(r), z(temp), mask, z(r))
	}
}

// oneIn sets v to 1 in the lanes of mask.
func (p *program) oneIn(v vector, mask string) {
	p.op("VPBROADCASTQ", p.constant(constOne), mask, z(v[0]))
	for _, r := range v[1:] {
		p.op("VPXORQ", z(r), z(r), mask, z(r))
	}
}

// prefetch asks for the points of the group after next, if there is one.
func (p *program) prefetch(name string, sizeBits int) {
	p.op("CMPQ", groups, "$3")
	p.op("JLT", name)
	for i := range 16 {
		p.op("MOVL", fmt.Sprintf("%d(%s)", 128+4*i, pairs), address)
		p.op("SHRL", "$1", address)
		p.op("SHLQ", fmt.Sprintf("$%d", sizeBits), address)
		for part := range 1 << (sizeBits - 6) {
			p.op("PREFETCHT0", fmt.Sprintf("%d(%s)(%s*1)", 64*part, source, address))
		}
	}
	p.label(name)
}

// gatherG1 loads the points of pairs, fills in their records, and multiplies the
// product of all denominators, lane by lane. Pairs that the chord rule doesn't
// hold for get the denominator 1 and a bit in special.
func (p *program) gatherG1() {
	p.function("func gatherG1(records *recordG1, work *lanes, src *bn254.G1Affine, pairs *uint32, groups int, special *uint8)", "gatherG1", 48)
	p.argument("records", 0, records)
	p.argument("work", 8, work)
	p.argument("src", 16, source)
	p.argument("pairs", 24, pairs)
	p.argument("groups", 32, groups)
	p.argument("special", 40, special)
	p.loadConstants()
	p.label("gather")
	p.prefetch("near", 6)
	record, product := place{records, 0}, place{work, 0}
	rows, words := [8]int{0, 1, 2, 3, 4, 5, 6, 7}, [8]int{8, 9, 10, 11, 12, 13, 14, 15}
	xWords, yWords := [4]int(words[:4]), [4]int(words[4:])
	const temp = 16
	x, y := registers(0), registers(25)

	p.signs(31)
	p.comment("left points")
	p.rows(rows, 0, 6, 0)
	p.transpose(rows, words)
	p.zeroLanes("K4", temp, xWords[:]...)
	p.to52(x, xWords, temp)
	p.store(record.at(g1X1), x)
	p.to52(y, yWords, temp)
	p.negate(y, "K2", temp)
	p.store(record.at(g1Y1), y)

	p.comment("right points")
	p.rows(rows, 4, 6, 0)
	p.transpose(rows, words)
	p.zeroLanes("K5", temp, xWords[:]...)
	p.op("KORB", "K5", "K4", "K4")
	p.to52(x, xWords, temp)
	p.to52(y, yWords, temp)
	p.negate(y, "K3", temp)

	p.comment("y2 - y1, below 4p")
	p.eachPlace("VPSUBQ", y, y, record.at(g1Y1))
	p.eachConst("VPADDQ", y, y, constTwice)
	p.carry(y, temp)
	p.store(record.at(g1DY), y)

	p.comment("x1 + x2; x2 - x1, below 2p")
	p.eachPlace("VPADDQ", y, x, record.at(g1X1))
	p.store(record.at(g1Sum), y)
	p.eachPlace("VPSUBQ", x, x, record.at(g1X1))
	p.zeroLanes("K5", temp, x[:]...)
	p.op("KORB", "K5", "K4", "K4")
	p.op("KMOVB", "K4", fmt.Sprintf("(%s)", special))
	p.each("VPADDQ", x, x, prime)
	p.carry(x, temp)
	p.oneIn(x, "K4")
	p.store(record.at(g1DX), x)

	p.comment("the product so far, and with this denominator")
	p.load(left, product)
	p.store(record.at(g1Before), left)
	p.store(product, p.mul(record.at(g1DX)))

	p.op("ADDQ", fmt.Sprintf("$%d", g1Record*laneBytes), records)
	p.op("ADDQ", "$64", pairs)
	p.op("ADDQ", "$1", special)
	p.op("SUBQ", "$1", groups)
	p.op("JNZ", "gather")
	p.op("VZEROUPPER")
	p.op("RET")
}

// chordG1 adds by the chord rule, from the last record back to the first. The
// first lanes of work hold the inverse of the product of all denominators.
//
// Coordinates have a factor of 2^256, and mul divides by 2^260. The inverses
// of denominators are made with the factor 2^262, so that slopes have 2^258:
// squares of slopes have 2^256 then, and products with the fourfold difference
// of coordinates too.
func (p *program) chordG1() {
	p.function("func chordG1(last *recordG1, work *lanes, dst *bn254.G1Affine, groups int)", "chordG1", 32)
	p.argument("last", 0, records)
	p.argument("work", 8, work)
	p.argument("dst", 16, target)
	p.argument("groups", 24, groups)
	p.loadConstants()
	p.label("chord")
	record, inverse, slope := place{records, 0}, place{work, 0}, place{work, laneBytes}
	wide, spare := vector{5, 6, 7, 8, 30}, 31

	p.comment("this denominator's inverse, and that of the product of those before")
	p.load(left, inverse)
	p.store(slope, p.mul(record.at(g1Before)))
	p.store(inverse, p.mul(record.at(g1DX)))

	p.comment("the slope")
	p.load(left, record.at(g1DY))
	t := p.mul(slope)
	p.store(slope, t)

	p.comment("x3 = slope² - x1 - x2, below 4p before its reduction")
	p.move(left, t)
	t = p.mul(slope)
	p.eachPlace("VPSUBQ", t, t, record.at(g1Sum))
	p.eachConst("VPADDQ", t, t, constTwice)
	p.carry(t, spare)
	p.reduceOnce(second, t, constTwice, spare)
	p.reduceOnce(wide, second, constPrime, spare)

	p.comment("4(x1 - x3), below 8p")
	p.load(left, record.at(g1X1))
	p.each("VPSUBQ", left, left, wide)
	p.each("VPADDQ", left, left, prime)
	for _, r := range left {
		p.op("VPSLLQ", "$2", z(r), z(r))
	}
	p.carry(left, spare)
	x := [4]int(second[:4])
	p.to64(x, wide, spare)

	p.comment("y3 = slope·(x1 - x3) - y1, below 4p before its reduction")
	t = p.mul(slope)
	p.eachPlace("VPSUBQ", t, t, record.at(g1Y1))
	p.each("VPADDQ", t, t, prime)
	p.carry(t, spare)
	p.reduceOnce(wide, t, constTwice, spare)
	p.reduceOnce(left, wide, constPrime, spare)
	p.to64([4]int{0, 1, 2, 3}, left, spare)
	points := [8]int{4, 5, 6, 7, 8, 9, 10, 11}
	p.transpose([8]int{x[0], x[1], x[2], x[3], 0, 1, 2, 3}, points)
	for i, r := range points {
		p.op("VMOVDQU64", z(r), fmt.Sprintf("%d(%s)", 64*i, target))
	}

	p.op("SUBQ", fmt.Sprintf("$%d", g1Record*laneBytes), records)
	p.op("SUBQ", "$512", target)
	p.op("SUBQ", "$1", groups)
	p.op("JNZ", "chord")
	p.op("VZEROUPPER")
	p.op("RET")
}
