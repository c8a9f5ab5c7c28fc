// Package msm computes multi-scalar multiplications, sums of scalars[i]·points[i],
// on BN254 faster than gnark-crypto's MultiExp where the CPU has vector
// instructions for field arithmetic.
//
// It is Pippenger's bucket method with all additions in affine coordinates.
// The scalars are cut into signed digits of c bits. For each digit position (a
// window) the points are sorted by the digit's absolute value, into buckets.
// A bucket is added up as a balanced tree: its points in pairs, the results in
// pairs, and so on; the pairs of many buckets make one batch of a thousand and
// more independent additions, which share one inversion and run as vector
// operations. The buckets' weighted sum is made the same way, with running
// sums over many segments of all windows at once.
//
// Scalars of 0 are dropped, the points of 1 and -1 added up as one more
// bucket, and scalars above r/2 negated together with their points. So witnesses
// of real programs, which are mostly bits, cost about one addition per one.
//
// Several multiplications can share one queue of work and one set of threads
// ([Set]): while the last parts of one run, idle threads begin with the next.
package msm

import (
	"context"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/fault"
	"provery/internal/parallel"
)

// Set is a set of multiplications that are computed together. The zero value
// is empty and ready to use; a Set is run once.
type Set struct {
	// Threads is the greatest number of goroutines; at least one is used.
	Threads int
	// Window is the number of bits of a digit, 2 to 15, or 0 for the best.
	Window int
	// Portable keeps to code without instructions of particular CPUs.
	Portable bool

	jobs []starter
	err  error
}

// starter is a multiplication that can be put into a queue.
type starter interface {
	start(q *parallel.Queue, rank int)
	// release gives its scratch memory back. Nothing of it runs any more.
	release()
}

// G1 adds the multiplication of points by scalars to the set; Run will leave
// the sum in dst. The lengths are equal. The points are any of the curve,
// infinity (both coordinates 0) and repeated ones included; coordinates are
// below p. started, if not nil, is called when the work on it begins.
func (s *Set) G1(dst *bn254.G1Affine, points []bn254.G1Affine, scalars []fr.Element, started func()) {
	add[bn254.G1Affine, bn254.G1Jac](s, groupG1{}, dst, points, scalars, started)
}

// G2 is G1 for the other group.
func (s *Set) G2(dst *bn254.G2Affine, points []bn254.G2Affine, scalars []fr.Element, started func()) {
	add[bn254.G2Affine, bn254.G2Jac](s, groupG2{}, dst, points, scalars, started)
}

func add[A, J any, P jacobian[A, J]](s *Set, g group[A, J], dst *A, points []A, scalars []fr.Element, started func()) {
	if len(points) != len(scalars) || len(points) > maxTerms {
		s.err = fault.New(fault.Internal, "multiply %d points by %d scalars", len(points), len(scalars))
		return
	}
	s.jobs = append(s.jobs, &job[A, J, P]{
		set: s, group: g, dst: dst, points: points, scalars: scalars, started: started,
	})
}

// Run computes the set's sums. The context is looked at every few
// milliseconds; Run returns its error if it is done.
func (s *Set) Run(ctx context.Context) error {
	if s.err != nil {
		return s.err
	}
	s.Threads = max(s.Threads, 1)
	var q parallel.Queue
	for i, j := range s.jobs {
		defer j.release() // of one that didn't finish
		j.start(&q, i)
	}
	return q.Run(ctx, s.Threads)
}

// maxTerms bounds the number of terms: a term's index and sign have 32 bits.
const maxTerms = 1 << 31

// group is what differs between G1 and G2, whose affine points are A and
// Jacobian ones J.
type group[A, J any] interface {
	// adder returns the scratch memory of one thread.
	adder(portable bool) adder[A]
	isInfinity(p *A) bool
	neg(p *A)
	fromJacobian(dst *A, p *J)
	// memory returns a pool of scratch memory.
	memory() *pool[A]
}

// adder adds pairs of points. It isn't safe for concurrent use.
type adder[A any] interface {
	// add sets dst[i] to the sum of the two signed points of src that
	// pairs[2i] and pairs[2i+1] name: 2k stands for src[k], 2k+1 for its
	// negative. There are at most maxBatch pairs; dst doesn't overlap src.
	// Every case is allowed: equal points, opposite ones, infinity.
	add(dst, src []A, pairs []uint32)
}

// maxBatch is the greatest number of additions that share an inversion. The
// operands and intermediate values of a batch stay in the second-level cache.
const maxBatch = 1024

// jacobian are the operations of a Jacobian point.
type jacobian[A, J any] interface {
	*J
	AddMixed(*A) *J
	AddAssign(*J) *J
	DoubleAssign() *J
	FromAffine(*A) *J
}
