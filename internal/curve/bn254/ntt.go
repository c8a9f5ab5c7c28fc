package bn254

import (
	"context"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/parallel"
)

// parallelNTT is the length from which a transform is worth more than one goroutine.
const parallelNTT = 1 << 11

// nttLookBits says how long a transform may run between two looks at the
// context: as long as one of 2^nttLookBits points, some tens of milliseconds.
const nttLookBits = 17

// nttBlock is the number of butterflies between two changes from additions to
// multiplications: what both touch stays in the first-level cache.
const nttBlock = 128

// twiddles returns, for each stage s of a transform of length n, the powers
// omega^(2^s·i) for i < n/2^(s+1).
func twiddles(n int, omega *fr.Element) [][]fr.Element {
	stages := make([][]fr.Element, bits.TrailingZeros(uint(n)))
	for s := range stages {
		row := make([]fr.Element, n>>(s+1))
		if s == 0 {
			x := fr.One()
			for i := range row {
				row[i] = x
				x.Mul(&x, omega)
			}
		} else {
			for i := range row {
				row[i] = stages[s-1][2*i]
			}
		}
		stages[s] = row
	}
	return stages
}

// nttToBitReversed replaces the coefficients a, in natural order, by their
// transform sum_j a[j]·omega^(ij), in bit-reversed order (decimation in
// frequency). len(a) is d.n. It fails only if ctx is done.
//
// On several threads the first stages run in step over the whole vector, and
// the others apart on each of the blocks that those stages leave.
func (d *Domain) nttToBitReversed(ctx context.Context, a []fr.Element, threads int) error {
	shared := d.sharedStages(threads)
	for s := range shared {
		if err := d.together(ctx, a, s, threads, difStage); err != nil {
			return err
		}
	}
	return d.apart(ctx, a, shared, threads, d.difBlock)
}

// nttToNatural is nttToBitReversed for coefficients in bit-reversed order and
// a transform in natural order (decimation in time): the same stages, the
// other way round.
func (d *Domain) nttToNatural(ctx context.Context, a []fr.Element, threads int) error {
	shared := d.sharedStages(threads)
	if err := d.apart(ctx, a, shared, threads, d.ditBlock); err != nil {
		return err
	}
	for s := shared - 1; s >= 0; s-- {
		if err := d.together(ctx, a, s, threads, ditStage); err != nil {
			return err
		}
	}
	return nil
}

// sharedStages returns how many stages to run in step, so that there are a
// few blocks for each thread, and none of them too long for one look at the
// context.
func (d *Domain) sharedStages(threads int) int {
	long := max(0, d.bits-nttLookBits)
	if threads <= 1 || d.n < parallelNTT {
		return long
	}
	return max(long, min(bits.Len(uint(threads))+1, d.bits-8))
}

// together runs stage s over the whole vector, in pieces that each lie in one
// block of the stage.
func (d *Domain) together(ctx context.Context, a []fr.Element, s, threads int, stage func(lo, hi, w []fr.Element)) error {
	half := d.n >> (s + 1)
	return parallel.Chunks(ctx, threads, d.n/2, min(half, 4*nttBlock), func(lo, hi int) error {
		// Butterfly k of the stage is butterfly k mod half of block k/half.
		from, to := lo%half, lo%half+hi-lo
		block := a[lo/half*2*half:][:2*half]
		stage(block[from:to], block[half+from:half+to], d.twiddles()[s][from:to])
		return nil
	})
}

// apart runs the stages from s on, on each of stage s's blocks.
func (d *Domain) apart(ctx context.Context, a []fr.Element, s, threads int, run func(a []fr.Element, s int)) error {
	size := d.n >> s
	return parallel.Each(ctx, threads, 1<<s, func(i int) error {
		run(a[i*size:(i+1)*size], s)
		return nil
	})
}

// difBlock runs the stages from s on over a, one block of stage s.
func (d *Domain) difBlock(a []fr.Element, s int) {
	switch m := len(a) / 2; m {
	case 0:
	case 1:
		fr.Butterfly(&a[0], &a[1])
	case 2:
		fr.Butterfly(&a[0], &a[2])
		fr.Butterfly(&a[1], &a[3])
		a[3].Mul(&a[3], &d.twiddles()[s][1])
		fr.Butterfly(&a[0], &a[1])
		fr.Butterfly(&a[2], &a[3])
	default:
		difStage(a[:m], a[m:], d.twiddles()[s])
		d.difBlock(a[:m], s+1)
		d.difBlock(a[m:], s+1)
	}
}

// ditBlock runs the stages down to s over a, one block of stage s.
func (d *Domain) ditBlock(a []fr.Element, s int) {
	switch m := len(a) / 2; m {
	case 0:
	case 1:
		fr.Butterfly(&a[0], &a[1])
	case 2:
		fr.Butterfly(&a[0], &a[1])
		fr.Butterfly(&a[2], &a[3])
		a[3].Mul(&a[3], &d.twiddles()[s][1])
		fr.Butterfly(&a[0], &a[2])
		fr.Butterfly(&a[1], &a[3])
	default:
		d.ditBlock(a[:m], s+1)
		d.ditBlock(a[m:], s+1)
		ditStage(a[:m], a[m:], d.twiddles()[s])
	}
}

// difStage sets lo[i], hi[i] to lo[i]+hi[i], (lo[i]-hi[i])·w[i].
func difStage(lo, hi, w []fr.Element) {
	for i := 0; i < len(lo); i += nttBlock {
		end := min(i+nttBlock, len(lo))
		for j := i; j < end; j++ {
			fr.Butterfly(&lo[j], &hi[j])
		}
		mulVec(hi[i:end], w[i:end])
	}
}

// ditStage sets lo[i], hi[i] to lo[i]+w[i]·hi[i], lo[i]-w[i]·hi[i].
func ditStage(lo, hi, w []fr.Element) {
	for i := 0; i < len(lo); i += nttBlock {
		end := min(i+nttBlock, len(lo))
		mulVec(hi[i:end], w[i:end])
		for j := i; j < end; j++ {
			fr.Butterfly(&lo[j], &hi[j])
		}
	}
}

// mulVec multiplies a by b, in which the first element is often 1.
func mulVec(a, b []fr.Element) {
	if b[0].IsOne() {
		a, b = a[1:], b[1:]
	}
	(*fr.Vector)(&a).Mul(a, b)
}
