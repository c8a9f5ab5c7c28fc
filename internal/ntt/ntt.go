// Package ntt computes the quotient of Groth16 over BN254's scalar field with
// AVX-512 instructions: number-theoretic transforms whose butterflies work on
// eight elements at once.
//
// A vector of n elements is held in blocks of eight, limb by limb, and is
// converted once when it comes in and once when it leaves. Part k of a vector
// is its elements from k·n/8 on. Blocks come in two orders:
//
//   - by part: blocks 8g to 8g+7, a group, hold elements 8g to 8g+7 of the
//     parts 0 to 7;
//   - by lane: block j holds element j of all parts, that of part k in lane k.
//
// The first three stages of a transform combine parts, and need the former; the
// other stages work within parts, and need the latter: then all lanes of a
// block have one twiddle, so that the tables of twiddles are small.
package ntt

import (
	"context"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/utils/cpu"

	"provery/internal/fault"
	"provery/internal/scratch"
)

// lanes are eight field elements as the kernels hold them: limbs of 52 bits,
// the eight lowest ones first.
type lanes [limbs][8]uint64

// element is one of them, for all lanes.
type element [limbs]uint64

const limbs = 5

// MinSize is the length of the shortest vectors that a Plan is made for.
const MinSize = 1 << 9

// Accelerated reports whether the CPU has the instructions that plans need.
func Accelerated() bool { return kernels && cpu.SupportAVX512IFMA }

// Plan holds the tables for vectors of one length. It is safe for concurrent
// use.
type Plan struct {
	n, parts int         // n and n/8
	open     []lanes     // twiddles of the first three stages
	stages   [][]element // and of those that follow
	coset    func() *cosetTables
	factor   element
	order    []uint32                  // for each block by lane, a bit-reversed number
	odd      atomic.Pointer[oddTables] // of the last root
}

// cosetTables are in the order that the stages leave: see Tables.
type cosetTables struct{ to, from []lanes }

// Tables says what a Plan computes.
type Tables struct {
	// N is the vectors' length, a power of two of at least MinSize.
	N int
	// Omega generates the domain: its order is N.
	Omega fr.Element
	// Coset sets its arguments, of N elements each, for the first call of
	// Quotient or SquareQuotient. toCoset takes coefficients to those on the
	// coset: it multiplies the forward transform of evaluations, in
	// bit-reversed order. fromCoset multiplies the coefficients of the product
	// on the coset, in natural order.
	Coset func(toCoset, fromCoset []fr.Element)
	// Factor multiplies the coefficients of C, before they are added.
	Factor fr.Element
}

// NewPlan returns a plan. It takes as much time as two transforms. The tables lie
// outside of the heap, until nobody uses the plan any more.
func NewPlan(t *Tables) *Plan {
	p := &Plan{n: t.N, parts: t.N / 8}
	p.twiddle(&t.Omega)
	p.order = make([]uint32, p.parts)
	width := bits.Len(uint(p.parts)) - 1
	for b := range p.order {
		p.order[b] = uint32(bits.Reverse64(uint64(b)) >> (64 - width))
	}
	var f lanes
	f.set(0, &t.Factor, 16)
	p.factor = f.lane(0)
	fill := t.Coset
	p.coset = sync.OnceValue(func() *cosetTables { return p.newCosetTables(fill) })
	runtime.AddCleanup(p, scratch.Return[lanes], p.open)
	return p
}

func (p *Plan) newCosetTables(fill func(toCoset, fromCoset []fr.Element)) *cosetTables {
	to, from := scratch.Lend[fr.Element](p.n), scratch.Lend[fr.Element](p.n)
	defer scratch.Return(to)
	defer scratch.Return(from)
	fill(to, from)
	t := &cosetTables{to: scratch.Lend[lanes](p.parts), from: scratch.Lend[lanes](p.parts)}
	for b := range p.parts {
		for k := range 8 {
			t.to[b].set(k, &to[k*p.parts+b], 16)
			// The product of two vectors lacks a factor of 16: see set.
			t.from[b].set(k, &from[8*p.order[b]+uint32(bits.Reverse8(uint8(k))>>5)], 256)
		}
	}
	runtime.AddCleanup(t, scratch.Return[lanes], t.to)
	runtime.AddCleanup(t, scratch.Return[lanes], t.from)
	return t
}

// twiddle makes the tables of twiddles.
func (p *Plan) twiddle(omega *fr.Element) {
	p.open = scratch.Lend[lanes](p.parts / 8 * groupTwiddles)
	powers := scratch.Lend[fr.Element](p.n / 2)
	defer scratch.Return(powers)
	x := fr.One()
	for i := range powers {
		powers[i] = x
		x.Mul(&x, omega)
	}
	for j := range p.parts {
		group := p.open[j/8*groupTwiddles:][:groupTwiddles]
		for k := range 4 {
			group[k].set(j%8, &powers[j+k*p.parts], 16)
		}
		for k := range 2 {
			group[4+k].set(j%8, &powers[2*(j+k*p.parts)], 16)
		}
		group[6].set(j%8, &powers[4*j], 16)
	}
	for half, step := p.parts/2, 8; half > 0; half, step = half/2, step*2 {
		row := make([]element, half)
		for i := range row {
			var v lanes
			v.set(0, &powers[i*step], 16)
			row[i] = v.lane(0)
		}
		p.stages = append(p.stages, row)
	}
}

// groupTwiddles is the number of twiddle blocks of a group.
const groupTwiddles = 7

// set sets lane i to factor·e. gnark-crypto's elements have a factor of 2^256,
// and the kernels' multiplication divides by 2^260: tables with a further factor of
// 16 leave the other operand's factor as it was.
func (v *lanes) set(i int, e *fr.Element, factor uint64) {
	const mask = 1<<52 - 1
	w := fr.NewElement(factor)
	w.Mul(&w, e)
	v[0][i] = w[0] & mask
	v[1][i] = (w[0]>>52 | w[1]<<12) & mask
	v[2][i] = (w[1]>>40 | w[2]<<24) & mask
	v[3][i] = (w[2]>>28 | w[3]<<36) & mask
	v[4][i] = w[3] >> 16
}

// lane returns lane i.
func (v *lanes) lane(i int) (e element) {
	for k := range e {
		e[k] = v[k][i]
	}
	return e
}

// position returns where the forward transform leaves a frequency: the reversal
// of its bits.
func (p *Plan) position(frequency int) int {
	return int(bits.Reverse64(uint64(frequency)) >> (65 - bits.Len(uint(p.n))))
}

// Quotient sets h to FromCoset·H + Factor·C', coefficient by coefficient, where
// H are the coefficients of A·B on the coset and C' n times those of C. a, b, c
// write the evaluations of A, B, C into a vector, in turn. With the tables of a
// curve's domain that is what curve.Domain's Quotient wants.
//
// It works on at most threads goroutines, takes six transforms, and returns
// ctx.Err() if ctx is done before the end. It borrows two vectors of 40n bytes.
func (p *Plan) Quotient(ctx context.Context, h []fr.Element, a, b, c func([]fr.Element) error, threads int) error {
	return p.quotient(ctx, h, c, threads, func(r *run, toCoset, x, y []lanes) error {
		return inSteps(
			func() error { return a(h) },
			func() error { return r.evaluate(x, h, toCoset) },
			func() error { return b(h) },
			func() error { return r.evaluate(y, h, toCoset) },
			func() error { return r.blocks(func(lo, hi int) { multiply(&x[lo], &y[lo], hi-lo) }) },
		)
	})
}

// SquareQuotient overwrites a, which holds the evaluations of A, like Quotient
// with the square of A in place of the product of A and B, and c, those of C. It
// takes four transforms.
func (p *Plan) SquareQuotient(ctx context.Context, a, c []fr.Element, threads int) error {
	if len(c) != p.n {
		return fault.New(fault.Internal, "quotient of %d evaluations on %d points", len(c), p.n)
	}
	given := func(dst []fr.Element) error { copy(dst, c); return nil }
	return p.quotient(ctx, a, given, threads, func(r *run, toCoset, x, _ []lanes) error {
		return inSteps(
			func() error { return r.evaluate(x, a, toCoset) },
			func() error { return r.blocks(func(lo, hi int) { multiply(&x[lo], &x[lo], hi-lo) }) },
		)
	})
}

// quotient completes the quotient of the product that product leaves in x, by
// part; it may use y, and h.
func (p *Plan) quotient(ctx context.Context, h []fr.Element, c func([]fr.Element) error, threads int, product func(r *run, toCoset, x, y []lanes) error) error {
	if len(h) != p.n {
		return fault.New(fault.Internal, "quotient of %d evaluations on %d points", len(h), p.n)
	}
	tables := p.coset()
	x, y := scratch.Lend[lanes](p.parts), scratch.Lend[lanes](p.parts)
	defer scratch.Return(x)
	defer scratch.Return(y)
	r := &run{p, ctx, threads}
	defer p.keep(tables)
	return inSteps(
		func() error { return product(r, tables.to, x, y) },
		func() error { return r.forward(x) },
		func() error { return c(h) },
		func() error {
			// The forward transform of evaluations in reverse order gives
			// the coefficients in order.
			reverse(h[1:])
			return r.load(y, h)
		},
		func() error { return r.forward(y) },
		func() error {
			return r.blocks(func(lo, hi int) {
				difference(&h[0], &x[lo], &y[lo], &tables.from[lo], &p.factor, &p.order[lo], (hi-lo)/2)
			})
		},
	)
}

// keep makes sure that the tables of p, and other ones, aren't given back before.
func (p *Plan) keep(other any) {
	runtime.KeepAlive(p)
	runtime.KeepAlive(other)
}

func reverse(v []fr.Element) {
	for i, j := 0, len(v)-1; i < j; i, j = i+1, j-1 {
		v[i], v[j] = v[j], v[i]
	}
}

func inSteps(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
