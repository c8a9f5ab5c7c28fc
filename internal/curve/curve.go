// Package curve names the four pairing-friendly curves that Provery proves
// on, and declares the seam between them and the code that is written once
// for all: schemes, witness solvers, key readers.
//
// The seam is coarse. An adapter (package curve/<name>) works on whole
// vectors, whole rows and whole multi-scalar multiplications; generic code
// above it decides what happens in which order. So no interface call and no
// type parameter stands inside a loop over field elements that matters.
package curve

import (
	"context"
	"io"
	"math/big"
	"strings"

	"provery/internal/fault"
)

// ID identifies a curve. The zero value is no curve.
type ID uint8

// The supported curves, by the names that ZoKrates gives them.
const (
	BN128    ID = iota + 1 // also called BN254 or alt_bn128
	BLS12381               // BLS12-381
	BLS12377               // BLS12-377
	BW6761                 // BW6-761
)

// All lists every supported curve.
func All() []ID { return []ID{BN128, BLS12381, BLS12377, BW6761} }

var names = [...]string{"", "bn128", "bls12_381", "bls12_377", "bw6_761"}

// String returns the curve's name in the API and in ZoKrates's files, such as
// "bls12_381".
func (id ID) String() string {
	if int(id) >= len(names) || id == 0 {
		return "no curve"
	}
	return names[id]
}

// Parse returns the curve of a name. Beside the names of String it knows the
// usual other spellings (bn254, alt_bn128, bls12-381, bls12381, …). An
// unknown name is fault.Unsupported.
func Parse(name string) (ID, error) {
	n := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))
	switch n {
	case "bn128", "bn254", "altbn128":
		return BN128, nil
	case "bls12381":
		return BLS12381, nil
	case "bls12377":
		return BLS12377, nil
	case "bw6761":
		return BW6761, nil
	}
	return 0, fault.New(fault.Unsupported, "unknown curve; known are bn128, bls12_381, bls12_377 and bw6_761")
}

// Params are the sizes of one curve. Bytes are those of canonical,
// fixed-width encodings.
type Params struct {
	ID            ID
	ScalarModulus *big.Int // r, the order of G1 and G2
	BaseModulus   *big.Int // p
	ScalarBits    int
	ScalarBytes   int // 32; 48 for BW6-761
	BaseBytes     int // 32, 48 or 96
	G2Degree      int // degree of G2's coordinates over the base field: 2; 1 for BW6-761
	TwoAdicity    int // largest s with 2^s dividing r-1
}

// G1Bytes is the size of an uncompressed G1 point, x then y.
func (p *Params) G1Bytes() int { return 2 * p.BaseBytes }

// G2Bytes is the size of an uncompressed G2 point, x then y.
func (p *Params) G2Bytes() int { return 2 * p.G2Degree * p.BaseBytes }

// Field is arithmetic in a curve's scalar field. S is the adapter's element
// type, held in Montgomery form. Pointer arguments may alias. Methods are safe
// for concurrent use on distinct data.
//
// The element methods cost an interface call: keep them out of hot loops.
type Field[S any] interface {
	Params() *Params

	// Add, Sub and Mul set dst to a+b, a-b, a·b; Neg to -a.
	Add(dst, a, b *S)
	Sub(dst, a, b *S)
	Mul(dst, a, b *S)
	Neg(dst, a *S)
	// Inverse sets dst to 1/a, and to 0 if a is 0.
	Inverse(dst, a *S)
	// Exp sets dst to a^e; e is at least 0.
	Exp(dst, a *S, e *big.Int)
	IsZero(a *S) bool
	IsOne(a *S) bool
	Equal(a, b *S) bool
	SetUint64(dst *S, v uint64)
	// SetBig sets dst to v mod r; v may be negative.
	SetBig(dst *S, v *big.Int)
	// Big sets dst to a's canonical value in [0, r) and returns dst.
	Big(dst *big.Int, a *S) *big.Int

	// Decode reads len(dst) canonical little-endian values of ScalarBytes
	// bytes each from src. A value of r or more is fault.InvalidArtifact,
	// as is a src of another length.
	Decode(dst []S, src []byte) error
	// Encode writes the canonical little-endian values of src into dst,
	// which holds len(src)·ScalarBytes bytes.
	Encode(dst []byte, src []S)
	// FromMemory views b, which Memory made, as a vector without copying.
	// b must stay unchanged while the vector is in use, and must be aligned
	// to 8 bytes and a whole number of elements, or it is
	// fault.InvalidArtifact.
	FromMemory(b []byte) ([]S, error)
	// Memory views v's storage as bytes without copying: little-endian
	// limbs in Montgomery form with R = 2^(8·ScalarBytes).
	Memory(v []S) []byte

	// Random fills dst with uniform scalars from the byte source rand.
	Random(dst []S, rand io.Reader) error

	// Bits sets dst to the len(dst) low bits of a's canonical value, most
	// significant first, as zeros and ones.
	Bits(dst []S, a *S)
	// MulVec, SubVec and AddVec set dst[i] to a[i]·b[i], a[i]-b[i],
	// a[i]+b[i]. All have one length; dst may be a or b.
	MulVec(dst, a, b []S)
	SubVec(dst, a, b []S)
	AddVec(dst, a, b []S)
	// ScaleVec sets dst[i] to c·a[i].
	ScaleVec(dst, a []S, c *S)
	// InvertVec inverts a in place; zeros stay zero.
	InvertVec(a []S)
	// Powers sets dst[i] to first·ratio^i.
	Powers(dst []S, first, ratio *S)
	// Gather sets dst[i] to src[index[i]].
	Gather(dst, src []S, index []uint32)

	// Combine sets dst[i] to the value of row lo+i of m at z, for
	// lo <= lo+i < hi: the sum over its terms of table[coef]·z[column].
	// table[0] is 1 and table[1] is -1.
	Combine(dst []S, m *Sparse, lo, hi int, table, z []S)
}

// Sparse is a sparse matrix in compressed sparse row form with its
// coefficients replaced by indexes into a table of distinct values. Row i has
// the terms Start[i] to Start[i+1]-1; term k stands for
// table[Coef16[k]]·z[Columns[k]] (or Coef32[k], where the table has more
// than 65,536 entries). One of Coef16 and Coef32 is nil.
type Sparse struct {
	Start   []uint32
	Columns []uint32
	Coef16  []uint16
	Coef32  []uint32
}

// NumRows returns the number of rows.
func (m *Sparse) NumRows() int { return max(len(m.Start)-1, 0) }

// NumTerms returns the number of terms of all rows.
func (m *Sparse) NumTerms() int { return len(m.Columns) }

// Coef returns the table index of term k.
func (m *Sparse) Coef(k int) int {
	if m.Coef16 != nil {
		return int(m.Coef16[k])
	}
	return int(m.Coef32[k])
}

// Group is arithmetic in G1 or G2. A is the adapter's affine point, with its
// own representation of infinity.
type Group[S, A any] interface {
	// Bytes is the size of an encoded point.
	Bytes() int
	Generator() A
	Infinity() A
	IsInfinity(a *A) bool
	Equal(a, b *A) bool
	Add(a, b *A) A
	Neg(a *A) A
	// Mul returns k·a.
	Mul(a *A, k *S) A
	// MulEach returns scalars[i]·base for each i. It is meant for set-up. It
	// returns an error only if ctx is done.
	MulEach(ctx context.Context, base *A, scalars []S, threads int) ([]A, error)
	// Scale returns k·points[i] for each i. It returns an error only if ctx
	// is done.
	Scale(ctx context.Context, points []A, k *S, threads int) ([]A, error)
	// Combine returns the value of every row of m, which has at least one,
	// at points: the sum over its terms of table[coef]·points[column].
	// Points that are multiplied by 1 and -1 alone needn't lie on the curve.
	// It returns an error only if ctx is done or a column is beyond the
	// points.
	Combine(ctx context.Context, m *Sparse, table []S, points []A, threads int) ([]A, error)
	// MSM returns the sum of scalars[i]·points[i] on at most threads
	// goroutines. The lengths are equal; empty input gives infinity. It
	// returns an error only if ctx is done.
	MSM(ctx context.Context, points []A, scalars []S, threads int) (A, error)

	// Decode reads len(dst) uncompressed points from src: coordinates x
	// and y, each little-endian and canonical, c0 before c1 in G2; bit
	// 0x40 of the last byte marks infinity (arkworks 0.3). Coordinates of
	// p or more, other flag bits and a src of another length are
	// fault.InvalidArtifact. Decode doesn't check the curve equation.
	Decode(dst []A, src []byte) error
	// Encode writes points as Decode reads them. Infinity is x = 0, y = 1
	// with the flag.
	Encode(dst []byte, src []A)
	// Check reports the first point that isn't on the curve or not in the
	// subgroup of order r, as fault.InvalidArtifact with its index.
	// Infinity passes.
	Check(ctx context.Context, points []A, threads int) error
	// FromMemory and Memory are as in Field: affine coordinates in
	// Montgomery form, infinity as zeros.
	FromMemory(b []byte) ([]A, error)
	Memory(v []A) []byte
}

// Domain is a multiplicative subgroup of size 2^k with generator omega, and
// one coset of it. It is safe for concurrent use.
type Domain[S any] interface {
	Size() int
	// Omega returns the generator: key files encode Lagrange values at its
	// powers, so it must be the one of the key's maker.
	Omega() S
	// Quotient sets h, of n elements, to the coefficients of
	// (A·B - C)/(X^n - 1) in natural order. The last one is 0 if A·B = C on
	// the domain. It borrows one vector of n elements beside h, or two.
	Quotient(ctx context.Context, h []S, e Evaluations[S], threads int) error
	// OddQuotient sets h, of n elements, to the evaluations of A·B - C at the
	// odd powers of root, root^(2i+1) at index i, where root² is omega. There
	// X^n - 1 is -2, so that these are the evaluations of the quotient up to
	// that factor; whether A·B = C on the domain, they don't tell. It borrows
	// as much as Quotient, and is fastest with one root for all calls.
	OddQuotient(ctx context.Context, h []S, e Evaluations[S], root *S, threads int) error
	// SquareQuotient overwrites a with the coefficients of X^0 to X^(n-1) of
	// ((A + shift·Z)² - C)/Z for Z = X^n - 1, where a, c hold the n
	// evaluations of A, C at the powers of omega in natural order and A² = C
	// there. The coefficient of X^n is shift². c is overwritten too.
	SquareQuotient(ctx context.Context, a, c []S, shift *S, threads int) error
	// Interpolate sets dst to the coefficients, in natural order, of the
	// polynomial that has the n evaluations a at the powers of omega. a is
	// overwritten; dst must not overlap it.
	Interpolate(ctx context.Context, dst, a []S, threads int) error
}

// Evaluations write the n evaluations of A, B and C at the powers of a domain's
// omega, in natural order, into vectors of n elements. Each is called once, in
// this order, when the one before isn't needed any more: so that not all three
// have to be in memory at once.
type Evaluations[S any] struct {
	A, B, C func(dst []S) error
}

// EvaluationsOf returns evaluations that are in memory.
func EvaluationsOf[S any](a, b, c []S) Evaluations[S] {
	from := func(src []S) func([]S) error {
		return func(dst []S) error {
			if len(src) != len(dst) {
				return fault.New(fault.Internal, "%d evaluations on %d points", len(src), len(dst))
			}
			copy(dst, src)
			return nil
		}
	}
	return Evaluations[S]{from(a), from(b), from(c)}
}

// Product is one multi-scalar multiplication: the sum of Scalars[i]·Points[i]
// is to go to Dst.
type Product[S, A any] struct {
	Dst     *A
	Points  []A
	Scalars []S // as many as points
	// Started, if not nil, is called when the work on it begins. Calls of
	// several products may be concurrent.
	Started func()
}

// MSM is the type of Group's MSM.
type MSM[S, A any] func(ctx context.Context, points []A, scalars []S, threads int) (A, error)

// SumInTurn computes products by msm, one after another.
func SumInTurn[S, A any](ctx context.Context, msm MSM[S, A], products []Product[S, A], threads int) error {
	for _, p := range products {
		if p.Started != nil {
			p.Started()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		sum, err := msm(ctx, p.Points, p.Scalars, threads)
		if err != nil {
			return err
		}
		*p.Dst = sum
	}
	return nil
}

// Suite is all that a scheme needs of one curve.
type Suite[S, A1, A2 any] struct {
	Params *Params
	Field  Field[S]
	G1     Group[S, A1]
	G2     Group[S, A2]
	// NewDomain returns the domain of n = 2^k points generated by omega,
	// which must have order n, or by the library's own root if omega is
	// nil. n beyond the field's two-adicity is fault.Unsupported.
	NewDomain func(n int, omega *S) (Domain[S], error)
	// Sum computes multi-scalar multiplications on at most threads
	// goroutines in all. They begin in order, those in G1 first, and may
	// overlap. It returns an error only if ctx is done or lengths differ.
	Sum func(ctx context.Context, g1 []Product[S, A1], g2 []Product[S, A2], threads int) error
	// PairingIsOne reports whether the product of e(g1[i], g2[i]) is 1.
	PairingIsOne func(g1 []A1, g2 []A2) (bool, error)
}

// Vector is a vector of scalars with its element type erased, so that a
// witness can pass from a front-end to a scheme through code that knows
// neither.
type Vector struct {
	curve    ID
	length   int
	elements any
}

// NewVector wraps v, without copying, as a vector over the curve's scalars.
func NewVector[S any](id ID, v []S) Vector { return Vector{id, len(v), v} }

// Curve returns the curve; 0 for the zero Vector.
func (v Vector) Curve() ID { return v.curve }

// Len returns the number of elements.
func (v Vector) Len() int { return v.length }

// Elements returns the elements of v, which must have been made over the same
// curve and element type; otherwise it is fault.Internal.
func Elements[S any](id ID, v Vector) ([]S, error) {
	e, ok := v.elements.([]S)
	if !ok || v.curve != id {
		return nil, fault.New(fault.Internal, "vector over %v where %v is wanted", v.curve, id)
	}
	return e, nil
}
