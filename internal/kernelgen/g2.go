package main

import "fmt"

// Places of an addition's record, in the order of recordG2 in package msm. All
// but the last two are elements c0 + c1·u of the quadratic extension, u² = -1.
const (
	g2X1     = 0
	g2Y1     = 2 // with its sign
	g2Sum    = 4
	g2DX     = 6 // the conjugate: c0 - c1·u
	g2DY     = 8
	g2Norm   = 10
	g2Before = 11
	g2Record = 12 // their number
)

// Places of chordG2's intermediate values, behind the inverse of the product.
const (
	workInverse = 0
	workSlope   = 1 // two
	workA       = 3 // three, used again and again
	workPoint   = 6 // two: x3, then y3
)

// gatherG2 is gatherG1 for G2. The denominators are norms: the inverse of d is
// the conjugate of d over its norm.
func (p *program) gatherG2() {
	p.function("func gatherG2(records *recordG2, work *lanes, src *bn254.G2Affine, pairs *uint32, groups int, special *uint8)", "gatherG2", 48)
	p.argument("records", 0, records)
	p.argument("work", 8, work)
	p.argument("src", 16, source)
	p.argument("pairs", 24, pairs)
	p.argument("groups", 32, groups)
	p.argument("special", 40, special)
	p.loadConstants()
	p.label("gather")
	p.prefetch("near", 7)
	record, product := place{records, 0}, place{work, 0}
	const temp = 16
	c0, c1 := registers(0), registers(25)
	// coordinate loads x (part 0) or y (part 1) of the points on a side.
	coordinate := func(offset, part int, zero string) {
		words := [8]int{8, 9, 10, 11, 12, 13, 14, 15}
		p.rows([8]int{0, 1, 2, 3, 4, 5, 6, 7}, offset, 7, part)
		p.transpose([8]int{0, 1, 2, 3, 4, 5, 6, 7}, words)
		if zero != "" {
			p.zeroLanes(zero, temp, words[:]...)
		}
		p.to52(c0, [4]int(words[:4]), temp)
		p.to52(c1, [4]int(words[4:]), temp)
	}

	p.signs(31)
	p.comment("left points")
	coordinate(0, 0, "K4")
	p.store(record.at(g2X1), c0)
	p.store(record.at(g2X1+1), c1)
	coordinate(0, 1, "")
	p.negate(c0, "K2", temp)
	p.negate(c1, "K2", temp)
	p.store(record.at(g2Y1), c0)
	p.store(record.at(g2Y1+1), c1)

	p.comment("x1 + x2 of the right points; the conjugate of x2 - x1, below 2p")
	coordinate(4, 0, "K5")
	p.op("KORB", "K5", "K4", "K4")
	t := registers(5)
	p.eachPlace("VPADDQ", t, c0, record.at(g2X1))
	p.store(record.at(g2Sum), t)
	p.eachPlace("VPADDQ", t, c1, record.at(g2X1+1))
	p.store(record.at(g2Sum+1), t)
	p.eachPlace("VPSUBQ", c0, c0, record.at(g2X1))
	p.eachPlace("VPSUBQ", c1, c1, record.at(g2X1+1))
	p.zeroLanes("K5", temp, append(c0[:], c1[:]...)...)
	p.op("KORB", "K5", "K4", "K4")
	p.op("KMOVB", "K4", fmt.Sprintf("(%s)", special))
	p.each("VPADDQ", c0, c0, prime)
	p.each("VPSUBQ", c1, prime, c1)
	p.carry(c0, temp)
	p.carry(c1, temp)
	p.oneIn(c0, "K4")
	for _, r := range c1 {
		p.op("VPXORQ", z(r), z(r), "K4", z(r))
	}
	p.store(record.at(g2DX), c0)
	p.store(record.at(g2DX+1), c1)

	p.comment("y2 - y1, below 4p")
	coordinate(4, 1, "")
	for i, c := range []vector{c0, c1} {
		p.negate(c, "K3", temp)
		p.eachPlace("VPSUBQ", c, c, record.at(g2Y1+i))
		p.eachConst("VPADDQ", c, c, constTwice)
		p.carry(c, temp)
		p.store(record.at(g2DY+i), c)
	}

	p.comment("the norm; the product of norms so far, and with this one")
	p.load(left, record.at(g2DX))
	p.load(second, record.at(g2DX+1))
	p.store(record.at(g2Norm), p.dot(product2(left, record.at(g2DX), second, record.at(g2DX+1))...))
	p.load(left, product)
	p.store(record.at(g2Before), left)
	p.store(product, p.mul(record.at(g2Norm)))

	p.op("ADDQ", fmt.Sprintf("$%d", g2Record*laneBytes), records)
	p.op("ADDQ", "$64", pairs)
	p.op("ADDQ", "$1", special)
	p.op("SUBQ", "$1", groups)
	p.op("JNZ", "gather")
	p.op("VZEROUPPER")
	p.op("RET")
}

// product2 is the argument of dot for a·b + c·d.
func product2(a vector, b place, c vector, d place) []product {
	return []product{{left: a, right: b, limb: right}, {left: c, right: d, limb: right2}}
}

// chordG2 is chordG1 for G2, with the same factors of powers of 2: the inverse of the
// product of norms has 2^518, as chordG1's of denominators.
func (p *program) chordG2() {
	p.function("func chordG2(last *recordG2, work *lanes, dst *bn254.G2Affine, groups int)", "chordG2", 32)
	p.argument("last", 0, records)
	p.argument("work", 8, work)
	p.argument("dst", 16, target)
	p.argument("groups", 24, groups)
	p.loadConstants()
	p.label("chord")
	record := place{records, 0}
	in := func(k int) place { return place{work, k * laneBytes} }
	slope, a, b, c := in(workSlope), in(workA), in(workA+1), in(workA+2)
	const spare = 31
	wide := vector{5, 6, 7, 8, 30}
	// reduced brings t, below 4p, below p.
	reduced := func(t vector) vector {
		p.reduceOnce(wide, t, constTwice, spare)
		p.reduceOnce(t, wide, constPrime, spare)
		return t
	}

	p.comment("the norm's inverse, and that of the product of those before")
	p.load(left, in(workInverse))
	p.store(a, p.mul(record.at(g2Before)))
	p.store(in(workInverse), p.mul(record.at(g2Norm)))

	p.comment("the inverse of x2 - x1: a + b·u; c is -b, below 2p")
	p.load(left, a)
	t := p.mul(record.at(g2DX + 1))
	p.store(b, t)
	p.eachConst("VPSUBQ", t, t, constTwice)
	p.op("VPXORQ", z(spare), z(spare), z(spare))
	for _, r := range t {
		p.op("VPSUBQ", z(r), z(spare), z(r))
	}
	p.carry(t, spare)
	p.store(c, t)
	p.store(a, p.mul(record.at(g2DX)))

	p.comment("the slope, below 1.2p")
	p.load(left, record.at(g2DY))
	p.load(second, record.at(g2DY+1))
	p.store(slope, p.dot(product2(left, a, second, c)...))
	p.store(slope.at(1), p.dot(product2(left, b, second, a)...))

	p.comment("x3 = slope² - x1 - x2 with slope² = (c0 + c1)(c0 - c1) + 2·c0·c1·u")
	p.load(left, slope)
	p.eachPlace("VPSUBQ", left, left, slope.at(1))
	p.eachConst("VPADDQ", left, left, constTwice)
	p.carry(left, spare)
	p.store(a, left)
	p.load(left, slope)
	p.eachPlace("VPADDQ", left, left, slope.at(1))
	p.carry(left, spare)
	finishX := func(i int, t vector) {
		p.eachPlace("VPSUBQ", t, t, record.at(g2Sum+i))
		p.eachConst("VPADDQ", t, t, constTwice)
		p.carry(t, spare)
		p.store(in(workPoint+i), reduced(t))
	}
	finishX(0, p.mul(a))
	p.load(left, slope.at(1))
	p.each("VPADDQ", left, left, left)
	p.carry(left, spare)
	finishX(1, p.mul(slope))
	p.storePoints(in(workPoint), 0, spare)

	p.comment("4(x1 - x3) = a + b·u, below 8p; c is -b")
	difference := func(dst, m, n place) {
		p.load(left, m)
		p.eachPlace("VPSUBQ", left, left, n)
		p.each("VPADDQ", left, left, prime)
		for _, r := range left {
			p.op("VPSLLQ", "$2", z(r), z(r))
		}
		p.carry(left, spare)
		p.store(dst, left)
	}
	difference(a, record.at(g2X1), in(workPoint))
	difference(b, record.at(g2X1+1), in(workPoint+1))
	difference(c, in(workPoint+1), record.at(g2X1+1))

	p.comment("y3 = slope·(x1 - x3) - y1, below 4p before its reduction")
	p.load(left, slope)
	p.load(second, slope.at(1))
	finishY := func(i int, t vector) {
		p.eachPlace("VPSUBQ", t, t, record.at(g2Y1+i))
		p.each("VPADDQ", t, t, prime)
		p.carry(t, spare)
		p.store(in(workPoint+i), reduced(t))
	}
	finishY(0, p.dot(product2(left, a, second, c)...))
	finishY(1, p.dot(product2(left, b, second, a)...))
	p.storePoints(in(workPoint), 64, spare)

	p.op("SUBQ", fmt.Sprintf("$%d", g2Record*laneBytes), records)
	p.op("SUBQ", "$1024", target)
	p.op("SUBQ", "$1", groups)
	p.op("JNZ", "chord")
	p.op("VZEROUPPER")
	p.op("RET")
}

// storePoints writes a coordinate c0 + c1·u of eight points of G2, offset bytes
// behind the beginning of each.
func (p *program) storePoints(coordinate place, offset, spare int) {
	p.load(left, coordinate)
	p.load(second, coordinate.at(1))
	p.to64([4]int{0, 1, 2, 3}, left, spare)
	p.to64([4]int{4, 5, 6, 7}, second, spare)
	rows := [8]int{8, 9, 10, 11, 12, 13, 14, 15}
	p.transpose([8]int{0, 1, 2, 3, 4, 5, 6, 7}, rows)
	for i, r := range rows {
		p.op("VMOVDQU64", z(r), fmt.Sprintf("%d(%s)", 128*i+offset, target))
	}
}
