package main

import (
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// The values of transforms are below 2p, with limbs of up to 53 bits between
// two stages.

func nttKernels() []byte {
	p := newProgram(fr.Modulus(), "scalar")
	p.stage("difStage", p.difButterfly)
	p.stage("ditStage", p.ditButterfly)
	p.open()
	p.close()
	p.multiply("scale", false)
	p.multiply("multiply", true)
	p.fromElements()
	p.join("difference", false)
	p.join("differenceOfParts", true)
	return p.Bytes()
}

// Registers of the kernels' arguments.
const (
	low      = "DI"
	upper    = "SI"
	twiddles = "DX"
	counter  = "CX"
	outer    = "R8"
	again    = "R9"
	distance = "R10"
	blocks   = "R11"
)

// below2p adds 2p to v, which carry has left above -2p, in the lanes where it is
// negative.
func (p *program) below2p(v vector) {
	p.op("VPMOVQ2M", z(v[limbs-1]), "K1")
	for i, r := range v {
		p.op("VPADDQ.BCST", p.constant(constTwice+i), z(r), "K1", z(r))
	}
}

// difButterfly sets a, b to a+b, (a-b)·w.
func (p *program) difButterfly(a, b place, w product) {
	const temp = 30
	p.load(second, a)
	p.load(left, b)
	p.each("VPADDQ", sum, second, left)
	p.eachConst("VPSUBQ", sum, sum, constTwice)
	p.carry(sum, temp)
	p.below2p(sum)
	p.store(a, sum)
	p.each("VPSUBQ", left, second, left)
	p.eachConst("VPADDQ", left, left, constTwice)
	p.carry(left, temp)
	p.store(b, p.dot(w))
}

// ditButterfly sets a, b to a+w·b, a-w·b.
func (p *program) ditButterfly(a, b place, w product) {
	const temp = 31
	wide := vector{5, 6, 7, 8, 30}
	p.load(left, b)
	p.carry(left, temp)
	t := p.dot(w)
	p.load(second, a)
	p.each("VPADDQ", wide, second, t)
	p.eachConst("VPSUBQ", wide, wide, constTwice)
	p.carry(wide, temp)
	p.below2p(wide)
	p.store(a, wide)
	p.each("VPSUBQ", t, second, t)
	p.carry(t, temp)
	p.below2p(t)
	p.store(b, t)
}

// stage runs butterflies between low and upper, with one twiddle for all lanes
// of each, count times half of them: each time on the next 2·half blocks.
func (p *program) stage(name string, butterfly func(a, b place, w product)) {
	p.function(fmt.Sprintf("func %s(low, upper *lanes, twiddles *element, half, count int)", name), name, 40)
	p.argument("low", 0, low)
	p.argument("upper", 8, upper)
	p.argument("twiddles", 16, again)
	p.argument("half", 24, distance)
	p.argument("count", 32, outer)
	p.loadConstants()
	p.op("IMUL3Q", fmt.Sprintf("$%d", laneBytes), distance, blocks)
	p.label("next")
	p.op("MOVQ", again, twiddles)
	p.op("MOVQ", distance, counter)
	p.label("butterfly")
	butterfly(place{low, 0}, place{upper, 0}, product{left: left, right: place{twiddles, 0}, limb: right, broadcast: true})
	p.op("ADDQ", fmt.Sprintf("$%d", laneBytes), low)
	p.op("ADDQ", fmt.Sprintf("$%d", laneBytes), upper)
	p.op("ADDQ", fmt.Sprintf("$%d", 8*limbs), twiddles)
	p.op("SUBQ", "$1", counter)
	p.op("JNZ", "butterfly")
	p.op("ADDQ", blocks, low)
	p.op("ADDQ", blocks, upper)
	p.op("SUBQ", "$1", outer)
	p.op("JNZ", "next")
	p.op("VZEROUPPER")
	p.op("RET")
}

// The first three stages of a transform of n elements, and the last three of
// the other direction, are butterflies between elements n/8 and more apart. A
// group is eight blocks: in block k, lane l is element k·n/8 + l of those from
// the group's first on. Its twiddles are seven blocks, in the order of stages.
const groupTwiddles = 7

// threeStages calls f for the twelve butterflies of a group, in the order of
// decimation in frequency: blocks a and b with twiddle w.
func threeStages(f func(a, b, w int)) {
	for k := range 4 {
		f(k, k+4, k)
	}
	for k := range 4 {
		a := k&1 | k&2<<1
		f(a, a+2, 4+k&1)
	}
	for k := range 4 {
		f(2*k, 2*k+1, 6)
	}
}

// transposeGroup exchanges the numbers of blocks and lanes of a group.
func (p *program) transposeGroup(group place) {
	rows, columns := [8]int{0, 1, 2, 3, 4, 5, 6, 7}, [8]int{8, 9, 10, 11, 12, 13, 14, 15}
	for i := range limbs {
		for k, r := range rows {
			p.op("VMOVDQU64", group.at(k).limb(i), z(r))
		}
		p.transpose(rows, columns)
		for k, r := range columns {
			p.op("VMOVDQU64", z(r), group.at(k).limb(i))
		}
	}
}

func (p *program) groupLoop(name string, body func(group, w place)) {
	p.function(fmt.Sprintf("func %s(groups, twiddles *lanes, count int)", name), name, 24)
	p.argument("groups", 0, low)
	p.argument("twiddles", 8, twiddles)
	p.argument("count", 16, counter)
	p.loadConstants()
	p.label("group")
	body(place{low, 0}, place{twiddles, 0})
	p.op("ADDQ", fmt.Sprintf("$%d", 8*laneBytes), low)
	p.op("ADDQ", fmt.Sprintf("$%d", groupTwiddles*laneBytes), twiddles)
	p.op("SUBQ", "$1", counter)
	p.op("JNZ", "group")
	p.op("VZEROUPPER")
	p.op("RET")
}

// open runs the first three stages of decimation in frequency, and transposes:
// afterwards lane k of the blocks is part k of the transform.
func (p *program) open() {
	p.groupLoop("openDIF", func(group, w place) {
		threeStages(func(a, b, k int) {
			p.difButterfly(group.at(a), group.at(b), product{left: left, right: w.at(k), limb: right})
		})
		p.transposeGroup(group)
	})
}

// close transposes, and runs the last three stages of decimation in time.
func (p *program) close() {
	type butterfly struct{ a, b, w int }
	var all []butterfly
	threeStages(func(a, b, w int) { all = append(all, butterfly{a, b, w}) })
	p.groupLoop("closeDIT", func(group, w place) {
		p.transposeGroup(group)
		for _, stage := range [][]butterfly{all[8:], all[4:8], all[:4]} {
			for _, f := range stage {
				p.ditButterfly(group.at(f.a), group.at(f.b), product{left: left, right: w.at(f.w), limb: right})
			}
		}
	})
}

// multiply sets a to a·b, block by block. Unless b has limbs of 52 bits, as
// tables have, it is brought into that form.
func (p *program) multiply(name string, loose bool) {
	p.function(fmt.Sprintf("func %s(a, b *lanes, count int)", name), name, 24)
	p.argument("a", 0, low)
	p.argument("b", 8, upper)
	p.argument("count", 16, counter)
	p.loadConstants()
	p.label("block")
	a, b := place{low, 0}, place{upper, 0}
	if loose {
		p.load(left, b)
		p.carry(left, quotient)
		p.store(b, left)
	}
	p.load(left, a)
	p.carry(left, quotient)
	p.store(a, p.mul(b))
	p.op("ADDQ", fmt.Sprintf("$%d", laneBytes), low)
	p.op("ADDQ", fmt.Sprintf("$%d", laneBytes), upper)
	p.op("SUBQ", "$1", counter)
	p.op("JNZ", "block")
	p.op("VZEROUPPER")
	p.op("RET")
}

// fromElements reads the elements of groups.
func (p *program) fromElements() {
	p.function("func fromElements(groups *lanes, src *fr.Element, eighth, count int)", "fromElements", 32)
	p.argument("groups", 0, low)
	p.argument("src", 8, upper)
	p.argument("eighth", 16, distance)
	p.argument("count", 24, counter)
	p.loadConstants()
	p.op("SHLQ", "$5", distance)
	p.label("group")
	p.op("MOVQ", upper, address)
	rows, words := [8]int{0, 1, 2, 3, 4, 5, 6, 7}, [8]int{8, 9, 10, 11, 12, 13, 14, 15}
	for k := 0; k < 8; k += 2 {
		for i, r := range rows {
			p.op("VMOVDQU64", fmt.Sprintf("%d(%s)", 32*i, address), fmt.Sprintf("Y%d", r))
			p.op("VINSERTI64X4", "$1", fmt.Sprintf("%d(%s)(%s*1)", 32*i, address, distance), z(r), z(r))
		}
		p.transpose(rows, words)
		for half := range 2 {
			p.to52(registers(0), [4]int(words[4*half:]), 16)
			p.store(place{low, 0}.at(k+half), registers(0))
		}
		p.op("ADDQ", distance, address)
		p.op("ADDQ", distance, address)
	}
	p.op("ADDQ", fmt.Sprintf("$%d", 8*laneBytes), low)
	p.op("ADDQ", "$256", upper)
	p.op("SUBQ", "$1", counter)
	p.op("JNZ", "group")
	p.op("VZEROUPPER")
	p.op("RET")
}

// join writes a·f + c·factor, two blocks at a time, as elements below p. Each
// block's elements lie together, at the place that order names. f is another
// block for each, and the elements are in bit-reversed order of the lanes; or, in
// parts, f is one element for all, and they are in the lanes' order. a is
// overwritten.
func (p *program) join(name string, parts bool) {
	const (
		a, c, table, factor = "DI", "SI", "DX", "R9"
		order, dst, other   = "R10", "R8", "BX"
		temp                = 31
	)
	declared := "a, c, f *lanes, factor *element"
	if parts {
		declared = "a, c *lanes, f, factor *element"
	}
	p.function(fmt.Sprintf("func %s(dst *fr.Element, %s, order *uint32, count int)", name, declared), name, 56)
	p.argument("dst", 0, dst)
	p.argument("a", 8, a)
	p.argument("c", 16, c)
	p.argument("f", 24, table)
	p.argument("factor", 32, factor)
	p.argument("order", 40, order)
	p.argument("count", 48, counter)
	p.loadConstants()
	p.label("blocks")
	for half, words := range [][4]int{{0, 1, 2, 3}, {4, 5, 6, 7}} {
		p.load(left, place{a, 0}.at(half))
		p.carry(left, temp)
		p.load(second, place{c, 0}.at(half))
		p.carry(second, temp)
		f := product{left: left, right: place{table, 0}, limb: right, broadcast: parts}
		if !parts {
			f.right = f.right.at(half)
		}
		t := p.dot(f, product{left: second, right: place{factor, 0}, limb: right2, broadcast: true})
		p.reduceOnce(left, t, constPrime, temp)
		p.to64(words, left, temp)
		for i, r := range words {
			p.op("VMOVDQU64", z(r), place{a, 0}.at(half).limb(i))
		}
	}
	rows, columns := [8]int{0, 1, 2, 3, 4, 5, 6, 7}, [8]int{8, 9, 10, 11, 12, 13, 14, 15}
	for i, r := range rows {
		p.op("VMOVDQU64", place{a, 0}.at(i/4).limb(i%4), z(r))
	}
	p.transpose(rows, columns)
	p.op("MOVL", fmt.Sprintf("(%s)", order), address)
	p.op("MOVL", fmt.Sprintf("4(%s)", order), other)
	p.op("SHLQ", "$8", address)
	p.op("SHLQ", "$8", other)
	for k, r := range columns {
		at := k
		if !parts {
			at = k>>2 | k&2 | k&1<<2
		}
		p.op("VMOVDQU64", fmt.Sprintf("Y%d", r), fmt.Sprintf("%d(%s)(%s*1)", 32*at, dst, address))
		p.op("VEXTRACTI64X4", "$1", z(r), fmt.Sprintf("%d(%s)(%s*1)", 32*at, dst, other))
	}
	for _, r := range []string{a, c, table} {
		if r != table || !parts {
			p.op("ADDQ", fmt.Sprintf("$%d", 2*laneBytes), r)
		}
	}
	p.op("ADDQ", "$8", order)
	p.op("SUBQ", "$1", counter)
	p.op("JNZ", "blocks")
	p.op("VZEROUPPER")
	p.op("RET")
}
