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
	"sync"
	"sync/atomic"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/utils/cpu"

	"provery/internal/fault"
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
	// toCoset and fromCoset are in the order that the stages leave: see Tables.
	toCoset, fromCoset []lanes
	factor             element
	order              []uint32                  // for each block by lane, a bit-reversed number
	odd                atomic.Pointer[oddTables] // of the last root
	pool               sync.Pool
}

// Tables says what a Plan computes.
type Tables struct {
	// Omega generates the domain: its order is the vectors' length, a power
	// of two of at least MinSize.
	Omega fr.Element
	// ToCoset takes coefficients to those on the coset: it multiplies the
	// forward transform of evaluations, in bit-reversed order.
	ToCoset []fr.Element
	// FromCoset multiplies the coefficients of the product on the coset, in
	// natural order; Factor those of C, before they are added.
	FromCoset []fr.Element
	Factor    fr.Element
}

// NewPlan returns a plan. It takes as much time as two transforms.
func NewPlan(t *Tables) *Plan {
	n := len(t.ToCoset)
	p := &Plan{n: n, parts: n / 8}
	p.twiddle(&t.Omega)
	p.order = make([]uint32, p.parts)
	width := bits.Len(uint(p.parts)) - 1
	for b := range p.order {
		p.order[b] = uint32(bits.Reverse64(uint64(b)) >> (64 - width))
	}
	p.toCoset, p.fromCoset = make([]lanes, p.parts), make([]lanes, p.parts)
	for b := range p.parts {
		for k := range 8 {
			p.toCoset[b].set(k, &t.ToCoset[k*p.parts+b], 16)
			// The product of two vectors lacks a factor of 16: see set.
			p.fromCoset[b].set(k, &t.FromCoset[8*p.order[b]+uint32(bits.Reverse8(uint8(k))>>5)], 256)
		}
	}
	var f lanes
	f.set(0, &t.Factor, 16)
	p.factor = f.lane(0)
	p.pool.New = func() any {
		v := make([]lanes, p.parts)
		return &v
	}
	return p
}

// twiddle makes the tables of twiddles.
func (p *Plan) twiddle(omega *fr.Element) {
	p.open = make([]lanes, p.parts/8*groupTwiddles)
	powers := make([]fr.Element, p.n/2)
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

// Quotient overwrites a with FromCoset·H + Factor·C', coefficient by
// coefficient, where H are the coefficients of A·B on the coset and C' n times
// those of C, and a, b, c hold the evaluations of A, B, C. With the tables of a
// curve's domain that is what curve.Domain's Quotient wants. c is overwritten too.
//
// It works on at most threads goroutines, takes six transforms, and returns
// ctx.Err() if ctx is done before the end. It borrows two vectors of 40n bytes.
func (p *Plan) Quotient(ctx context.Context, a, b, c []fr.Element, threads int) error {
	if len(b) != p.n {
		return fault.New(fault.Internal, "quotient of %d evaluations on %d points", len(b), p.n)
	}
	return p.quotient(ctx, a, c, threads, func(r *run, x, y []lanes) error {
		return inSteps(
			func() error { return r.evaluate(x, a, p.toCoset) },
			func() error { return r.evaluate(y, b, p.toCoset) },
			func() error { return r.blocks(func(lo, hi int) { multiply(&x[lo], &y[lo], hi-lo) }) },
		)
	})
}

// SquareQuotient is Quotient with the square of A in place of the product of A
// and B. It takes four transforms.
func (p *Plan) SquareQuotient(ctx context.Context, a, c []fr.Element, threads int) error {
	return p.quotient(ctx, a, c, threads, func(r *run, x, _ []lanes) error {
		return inSteps(
			func() error { return r.evaluate(x, a, p.toCoset) },
			func() error { return r.blocks(func(lo, hi int) { multiply(&x[lo], &x[lo], hi-lo) }) },
		)
	})
}

// quotient completes the quotient of the product that product leaves in x, by
// part; it may use y.
func (p *Plan) quotient(ctx context.Context, a, c []fr.Element, threads int, product func(r *run, x, y []lanes) error) error {
	if len(a) != p.n || len(c) != p.n {
		return fault.New(fault.Internal, "quotient of %d and %d evaluations on %d points", len(a), len(c), p.n)
	}
	vx, vy := p.pool.Get().(*[]lanes), p.pool.Get().(*[]lanes)
	defer p.pool.Put(vx)
	defer p.pool.Put(vy)
	x, y := *vx, *vy
	r := &run{p, ctx, threads}
	return inSteps(
		func() error { return product(r, x, y) },
		func() error { return r.forward(x) },
		func() error {
			// The forward transform of evaluations in reverse order gives
			// the coefficients in order.
			reverse(c[1:])
			return r.load(y, c)
		},
		func() error { return r.forward(y) },
		func() error {
			return r.blocks(func(lo, hi int) {
				difference(&a[0], &x[lo], &y[lo], &p.fromCoset[lo], &p.factor, &p.order[lo], (hi-lo)/2)
			})
		},
	)
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
