package ntt

import (
	"context"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/parallel"
)

// run is one use of a plan.
type run struct {
	*Plan
	ctx     context.Context
	threads int
}

// chunk is the number of blocks of a piece of work that stays in the first-level
// cache.
const chunk = 64

// blocks calls f for ranges of blocks, whose lengths are multiples of 8.
func (r *run) blocks(f func(lo, hi int)) error {
	return parallel.Chunks(r.ctx, r.threads, r.parts, 16*chunk, func(lo, hi int) error {
		f(lo, hi)
		return nil
	})
}

// load converts src, by part.
func (r *run) load(v []lanes, src []fr.Element) error {
	return r.blocks(func(lo, hi int) { fromElements(&v[lo], &src[lo], r.parts, (hi-lo)/8) })
}

// evaluate sets v, by part, to the evaluations of the polynomial with the
// evaluations src at other points: those that table takes coefficients to.
func (r *run) evaluate(v []lanes, src []fr.Element, table []lanes) error {
	return inSteps(
		func() error { return r.load(v, src) },
		func() error { return r.forward(v) },
		func() error { return r.blocks(func(lo, hi int) { scale(&v[lo], &table[lo], hi-lo) }) },
		func() error { return r.back(v) },
	)
}

// forward transforms v, by part, to bit-reversed order by lane.
func (r *run) forward(v []lanes) error {
	err := r.blocks(func(lo, hi int) { openDIF(&v[lo], &r.open[lo/8*groupTwiddles], (hi-lo)/8) })
	shared := r.shared()
	for s := 0; s < shared && err == nil; s++ {
		err = r.together(v, s, difStage)
	}
	if err != nil {
		return err
	}
	return r.apart(v, shared, r.dif)
}

// back transforms v in bit-reversed order by lane to natural order by part.
func (r *run) back(v []lanes) error {
	shared := r.shared()
	err := r.apart(v, shared, r.dit)
	for s := shared - 1; s >= 0 && err == nil; s-- {
		err = r.together(v, s, ditStage)
	}
	if err != nil {
		return err
	}
	return r.blocks(func(lo, hi int) { closeDIT(&v[lo], &r.open[lo/8*groupTwiddles], (hi-lo)/8) })
}

// lookBlocks is the number of blocks up to which a transform runs without a
// look at the context.
const lookBlocks = 1 << 14

// shared returns the number of stages that run in step over the whole vector,
// so that there are a few parts for each thread afterwards, none of them long.
func (r *run) shared() int {
	n := max(0, bits.Len(uint(r.parts/lookBlocks)))
	if r.threads > 1 {
		n = max(n, bits.Len(uint(r.threads))+1)
	}
	return min(n, len(r.stages)-1)
}

// together runs stage s over the whole vector.
func (r *run) together(v []lanes, s int, stage func(low, upper *lanes, w *element, half, count int)) error {
	half := len(r.stages[s])
	return parallel.Chunks(r.ctx, r.threads, r.parts/2, min(half, chunk), func(lo, hi int) error {
		// Butterfly k of the stage is butterfly k mod half of section k/half.
		at := lo/half*2*half + lo%half
		stage(&v[at], &v[at+half], &r.stages[s][lo%half], hi-lo, 1)
		return nil
	})
}

// apart runs the stages from s on, on each of stage s's sections.
func (r *run) apart(v []lanes, s int, transform func(v []lanes, s int)) error {
	size := r.parts >> s
	return parallel.Each(r.ctx, r.threads, 1<<s, func(i int) error {
		transform(v[i*size:(i+1)*size], s)
		return nil
	})
}

// dif runs the stages from s on over v, a section of stage s.
func (r *run) dif(v []lanes, s int) {
	half := len(v) / 2
	if len(v) > chunk {
		difStage(&v[0], &v[half], &r.stages[s][0], half, 1)
		r.dif(v[:half], s+1)
		r.dif(v[half:], s+1)
		return
	}
	for ; half > 0; s, half = s+1, half/2 {
		difStage(&v[0], &v[half], &r.stages[s][0], half, len(v)/(2*half))
	}
}

// dit runs the stages down to s over v, a section of stage s.
func (r *run) dit(v []lanes, s int) {
	if half := len(v) / 2; len(v) > chunk {
		r.dit(v[:half], s+1)
		r.dit(v[half:], s+1)
		ditStage(&v[0], &v[half], &r.stages[s][0], half, 1)
		return
	}
	last := len(r.stages) - 1
	for half := 1; half < len(v); half *= 2 {
		ditStage(&v[0], &v[half], &r.stages[last][0], half, len(v)/(2*half))
		last--
	}
}
