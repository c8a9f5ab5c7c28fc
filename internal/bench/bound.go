package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
	"math/bits"
	"time"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/bench/stats"
	"provery/internal/curve"
	"provery/internal/curve/bn254"
	"provery/internal/frontend"
	"provery/internal/r1cs"
)

// Bound is what the multiplications of a Groth16 proof alone would take one
// thread of this machine, if nothing else had to be done: no addition, no memory,
// no sorting of points. It counts those of the six transforms and of the five
// sums by Pippenger's buckets with affine additions that share their inversions.
// Other ways to add points have other counts, and kernels may multiply faster than
// the library does: it is a measure of what is left, not a law.
type Bound struct {
	Multiplications float64 `json:"multiplications"`
	// Nanoseconds is the time of one, in the library's vectors.
	Nanoseconds float64 `json:"ns_per_multiplication"`
}

// Seconds returns the bound.
func (b *Bound) Seconds() float64 { return b.Multiplications * b.Nanoseconds / 1e9 }

// Multiplications of the base field.
const (
	perAdditionG1 = 6  // 3 for the shared inversion, 2 and a square for the sum
	perAdditionG2 = 17 // the same, with 3 for a product and 2 for a square
)

// bound computes the bound of a proof of the first arguments. Curves other than
// bn128 have none.
func (s *subject) bound(ctx context.Context) (*Bound, error) {
	if s.program.Curve() != curve.BN128 {
		return nil, nil
	}
	solution, err := s.program.Solve(ctx, s.argument(0), frontend.SolveOptions{})
	if err != nil {
		return nil, err
	}
	z, err := curve.Elements[fr.Element](curve.BN128, solution.Witness.Z)
	if err != nil {
		return nil, err
	}
	ns, err := multiplicationTime()
	if err != nil {
		return nil, err
	}
	return &Bound{Multiplications: multiplications(s.program.System(), z, domain(s.program.Statistics())), Nanoseconds: ns}, nil
}

// multiplications counts those of a proof with the assignment z.
func multiplications(s *r1cs.System, z []fr.Element, domain int) float64 {
	inA, inB := columnsOf(s, s.A), columnsOf(s, s.B)
	var a, b, private lengths
	for j := range z {
		n := signedLength(&z[j])
		if inA[j] || j <= s.NumPublic {
			a[n]++
		}
		if inB[j] {
			b[n]++
		}
		if j > s.NumPublic {
			private[n]++
		}
	}
	var h lengths
	h[fr.Bits-1] = domain - 1
	log := bits.Len(uint(domain)) - 1
	transforms := 6 * float64(domain) / 2 * float64(log)
	return transforms + perAdditionG1*(a.additions()+b.additions()+private.additions()+h.additions()) + perAdditionG2*b.additions()
}

// columnsOf reports which columns occur in a matrix: the points of the others
// are at infinity in the key.
func columnsOf(s *r1cs.System, matrix []uint32) []bool {
	out := make([]bool, s.NumVariables)
	for _, row := range matrix {
		for _, column := range s.Rows.Columns[s.Rows.Start[row]:s.Rows.Start[row+1]] {
			out[column] = true
		}
	}
	return out
}

// lengths counts scalars by their length in bits.
type lengths [fr.Bits + 1]int

// signedLength returns the length of v or -v, whichever is shorter.
func signedLength(v *fr.Element) int {
	var negative fr.Element
	negative.Neg(v)
	var a, b big.Int
	return min(v.BigInt(&a).BitLen(), negative.BigInt(&b).BitLen())
}

// additions returns the fewest additions of points for the sum, over the widths
// of a window.
func (l *lengths) additions() float64 {
	longest := 0
	for n, count := range l {
		if count > 0 {
			longest = n
		}
	}
	best := 0.0
	for width := 1; width <= 20; width++ {
		windows := func(n int) float64 { return float64((n + width - 1) / width) }
		// Running sums over the buckets of signed digits: two additions each.
		sum := windows(longest) * float64(int(1)<<width)
		if longest <= 1 {
			sum = 0 // no buckets for zeros and ones
		}
		for n, count := range l {
			sum += float64(count) * windows(n)
		}
		if width == 1 || sum < best {
			best = sum
		}
	}
	return best
}

// multiplicationTime returns the nanoseconds of a multiplication in a vector.
func multiplicationTime() (float64, error) {
	const size, rounds, samples = 1 << 10, 200, 15
	f := bn254.Suite().Field
	a, b := make([]fr.Element, size), make([]fr.Element, size)
	if err := f.Random(a, rand.Reader); err != nil {
		return 0, err
	}
	var v []float64
	for range samples {
		start := time.Now()
		for range rounds {
			f.MulVec(b, a, a)
		}
		v = append(v, float64(time.Since(start).Nanoseconds())/(size*rounds))
	}
	// Whatever disturbs the measurement makes it longer.
	return stats.Summarize(v).Min, nil
}

// text writes the bound beside what the proof took on one thread.
func (b *Bound) text(w io.Writer, l *Lane) {
	took := l.medianOf(func(r *Run) float64 { return r.Prove.CPU })
	fmt.Fprintf(w, "  multiplication bound %s: %.1f million at %.2f ns; the proof on %s takes %.1f times that\n",
		seconds(b.Seconds()), b.Multiplications/1e6, b.Nanoseconds, threadCount(l.Threads), took/b.Seconds())
}
