package bn254

import (
	"context"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/fault"
	"provery/internal/parallel"
)

// MSM returns the sum of scalars[i]·points[i], as curve.Group says.
func (g G1) MSM(ctx context.Context, points []bn254.G1Affine, scalars []fr.Element, threads int) (bn254.G1Affine, error) {
	if err := ctx.Err(); err != nil {
		return bn254.G1Affine{}, err
	}
	return msmG1(ctx, points, scalars, threads)
}

// multiExpG1 computes an MSM by gnark-crypto's MultiExp.
//
// Zeros are dropped and the terms of 1 and -1 added up apart, in affine
// batches: in the witnesses of real programs they are the most. A scalar above
// r/2 is negated together with its point, so that small negative values have
// few digits too. MultiExp does the rest, and all of a vector that has few such
// terms.
func multiExpG1(ctx context.Context, points []bn254.G1Affine, scalars []fr.Element, threads int) (bn254.G1Affine, error) {
	var result bn254.G1Affine
	if len(points) != len(scalars) {
		return result, fault.New(fault.Internal, "multiply %d points by %d scalars", len(points), len(scalars))
	}
	var total bn254.G1Jac
	if units, rest := split(scalars); 8*len(rest) < 7*len(points) {
		var err error
		if total, err = sumUnitsG1(ctx, points, units, threads); err != nil {
			return result, err
		}
		points, scalars = gatherG1(points, scalars, rest)
	}
	for len(points) > 0 {
		if err := ctx.Err(); err != nil {
			return result, err
		}
		k := min(len(points), multiExpBlock(coordinateBytesG1, threads))
		var part bn254.G1Jac
		if _, err := part.MultiExp(points[:k], scalars[:k], multiExpConfig(threads)); err != nil {
			return result, fault.Wrap(err, fault.Internal, "multi-scalar multiplication in G1")
		}
		total.AddAssign(&part)
		points, scalars = points[k:], scalars[k:]
	}
	result.FromJacobian(&total)
	return result, nil
}

// sumUnitsG1 returns the sum of the signed points that units names, as split
// made it.
func sumUnitsG1(ctx context.Context, points []bn254.G1Affine, units []uint32, threads int) (bn254.G1Jac, error) {
	var (
		mu    sync.Mutex
		total bn254.G1Jac
	)
	// One range for each thread, since the last rounds of a range's sum are
	// short; but no longer than what may pass between two looks at ctx.
	size := min((len(units)+threads)/max(threads, 1), unitBlock)
	err := parallel.Chunks(ctx, threads, len(units), size, func(lo, hi int) error {
		var part bn254.G1Jac
		if hi-lo <= 2*16 {
			for _, u := range units[lo:hi] {
				p := points[u>>1]
				if u&1 == 1 {
					p.Neg(&p)
				}
				part.AddMixed(&p)
			}
		} else {
			part = new(batchG1).sum(points, units[lo:hi])
		}
		mu.Lock()
		defer mu.Unlock()
		total.AddAssign(&part)
		return nil
	})
	return total, err
}

// gatherG1 copies the terms that rest names, with scalars above r/2 negated.
func gatherG1(points []bn254.G1Affine, scalars []fr.Element, rest []uint32) ([]bn254.G1Affine, []fr.Element) {
	p, s := make([]bn254.G1Affine, len(rest)), make([]fr.Element, len(rest))
	for k, i := range rest {
		p[k], s[k] = points[i], scalars[i]
		if s[k].LexicographicallyLargest() {
			s[k].Neg(&s[k])
			p[k].Neg(&p[k])
		}
	}
	return p, s
}

// MulEach returns scalars[i]·base for each i. It builds a table of base's
// multiples by windows of up to 12 bits and adds in affine batches.
func (g G1) MulEach(ctx context.Context, base *bn254.G1Affine, scalars []fr.Element, threads int) ([]bn254.G1Affine, error) {
	c := 2
	for c < 12 && 1<<(c+4) < len(scalars) {
		c++
	}
	table := windowsG1(base, c)
	out := make([]bn254.G1Affine, len(scalars))
	err := parallel.Chunks(ctx, threads, len(scalars), batchWidthG1, func(lo, hi int) error {
		var (
			batch batchG1
			terms [batchWidthG1]bn254.G1Affine
			limbs [batchWidthG1][fr.Limbs]uint64
		)
		for i := lo; i < hi; i++ {
			limbs[i-lo] = scalars[i].Bits()
		}
		for w, row := range table {
			for i := range hi - lo {
				terms[i] = row[digit(limbs[i][:], w*c, c)]
			}
			batch.add(out[lo:hi], terms[:hi-lo])
		}
		return nil
	})
	return out, err
}

// windowsG1 returns, for each window of c bits of a scalar, the multiples
// d·2^(c·w)·base for d from 0 to 2^c-1.
func windowsG1(base *bn254.G1Affine, c int) [][]bn254.G1Affine {
	table := make([][]bn254.G1Affine, (fr.Bits+c-1)/c)
	var batch batchG1
	step := *base
	for w := range table {
		row := make([]bn254.G1Affine, 1<<c)
		for have := 1; have < len(row); have *= 2 {
			// row[have+i] = row[i] + have·2^(c·w)·base; step is that multiple.
			for lo := 0; lo < have; lo += batchWidthG1 {
				n := min(batchWidthG1, have-lo)
				steps := make([]bn254.G1Affine, n)
				for i := range steps {
					steps[i] = step
				}
				copy(row[have+lo:], row[lo:lo+n])
				batch.add(row[have+lo:have+lo+n], steps)
			}
			step.Double(&step)
		}
		table[w] = row
	}
	return table
}
