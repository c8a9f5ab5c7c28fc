// Package synthetic makes constraint systems of a given size and kind, together
// with witnesses that satisfy them: workloads for provers that need no compiler.
package synthetic

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/r1cs"
)

// Kind says what a system's variables are like, which decides where a prover's
// time goes.
type Kind string

// The kinds.
const (
	// Field: every variable is a product of two linear combinations, a value
	// of full size. So are programs over elliptic curves and algebraic hashes.
	Field Kind = "field"
	// Bits: nine tenths of the variables are bits, constrained to be so; the
	// others are products of sums of 32 of them. So are programs over hashes
	// that work on words.
	Bits Kind = "bits"
)

// Spec names a system. Equal specs give equal systems and witnesses.
type Spec struct {
	Kind Kind `json:"kind"`
	// Log is the logarithm of the domain that a prover needs. The system has
	// 2^Log constraints less those that the public inputs take in it.
	Log int `json:"log"`
}

// String returns a short name, such as "field-2^14".
func (s Spec) String() string { return fmt.Sprintf("%s-2^%d", s.Kind, s.Log) }

// NumPublic is the number of public inputs of every system.
const NumPublic = 3

// The least and the largest logarithm.
const (
	MinLog = 4
	MaxLog = 24
)

// revision changes whenever equal specs give other systems than before.
const revision = 1

// Recipe identifies what New makes: keys made for one recipe fit no other.
func (s Spec) Recipe() string { return fmt.Sprintf("synthetic r1cs %d: %v on bn128", revision, s) }

// NumConstraints returns the system's number of constraints.
func (s Spec) NumConstraints() int { return 1<<s.Log - NumPublic - 1 }

// Program is a system with its one witness. It takes no arguments.
type Program struct {
	sys *r1cs.System
	z   []fr.Element
}

// New makes the system of a spec, on bn128.
func New(s Spec) (*Program, error) {
	if s.Log < MinLog || s.Log > MaxLog {
		return nil, fault.New(fault.InvalidRequest, "synthetic systems have 2^%d to 2^%d constraints", MinLog, MaxLog)
	}
	var step func(b *builder, k int)
	switch s.Kind {
	case Field:
		step = func(b *builder, _ int) { b.product(4, 2, b.coefficient) }
	case Bits:
		step = func(b *builder, k int) {
			if k%10 == 9 {
				b.product(32, 32, func() uint16 { return 0 })
			} else {
				b.bit()
			}
		}
	default:
		return nil, fault.New(fault.InvalidRequest, "synthetic systems are of the kind %s or %s", Field, Bits)
	}
	b := newBuilder(s)
	for k := range s.NumConstraints() {
		step(b, k)
	}
	if b.err != nil {
		return nil, fault.Wrap(b.err, fault.Internal, "make a synthetic system")
	}
	b.sys.NumVariables, b.sys.Table = len(b.z), b.field.Memory(b.table)
	if err := b.sys.Validate(b.field.Params().ScalarBytes); err != nil {
		return nil, err
	}
	return &Program{b.sys, b.z}, nil
}

// builder makes a system together with its witness.
type builder struct {
	field curve.Field[fr.Element]
	bytes *rand.ChaCha8
	rnd   *rand.Rand
	sys   *r1cs.System
	z     []fr.Element
	table []fr.Element // distinct coefficients
	err   error        // of the source of values
}

// coefficients is the number of distinct coefficients.
const coefficients = 64

func newBuilder(s Spec) *builder {
	seed := [32]byte{byte(s.Log)}
	copy(seed[1:], s.Kind)
	n := s.NumConstraints()
	b := &builder{
		field: bn254.Suite().Field, bytes: rand.NewChaCha8(seed),
		z: make([]fr.Element, 1+NumPublic, 1+NumPublic+n), table: make([]fr.Element, coefficients),
	}
	b.rnd = rand.New(b.bytes)
	b.sys = &r1cs.System{
		Curve: curve.BN128, NumPublic: NumPublic,
		A: make([]uint32, 0, n), B: make([]uint32, 0, n), C: make([]uint32, 0, n),
		Rows: curve.Sparse{Start: []uint32{0, 0}, Columns: []uint32{}, Coef16: []uint16{}},
	}
	b.err = b.field.Random(b.z, b.bytes)
	if err := b.field.Random(b.table, b.bytes); err != nil {
		b.err = err
	}
	b.table[0].SetOne()
	b.table[1].Neg(&b.table[0])
	b.z[0] = b.table[0]
	return b
}

// coefficient draws the index of a coefficient.
func (b *builder) coefficient() uint16 { return uint16(b.rnd.IntN(coefficients)) }

// term adds a term to the row that is being made, and to its value.
func (b *builder) term(sum *fr.Element, coefficient uint16, column uint32) {
	r := &b.sys.Rows
	r.Coef16, r.Columns = append(r.Coef16, coefficient), append(r.Columns, column)
	v := b.z[column]
	if coefficient != 0 {
		v.Mul(&v, &b.table[coefficient])
	}
	sum.Add(sum, &v)
}

// end ends the row that is being made and returns its number.
func (b *builder) end() uint32 {
	r := &b.sys.Rows
	r.Start = append(r.Start, uint32(len(r.Columns)))
	return uint32(len(r.Start) - 2)
}

func (b *builder) constraint(left, right, out uint32) {
	b.sys.A, b.sys.B, b.sys.C = append(b.sys.A, left), append(b.sys.B, right), append(b.sys.C, out)
}

// combination makes a row of n terms: mostly of recent variables, as compiled
// programs have them.
func (b *builder) combination(n int, coefficient func() uint16) (row uint32, value fr.Element) {
	const recent = 256
	for i := range n {
		reach := len(b.z) - 1
		if i > 0 {
			reach = min(reach, recent)
		}
		b.term(&value, coefficient(), uint32(len(b.z)-1-b.rnd.IntN(reach)))
	}
	return b.end(), value
}

// product adds a variable that is the product of two combinations.
func (b *builder) product(left, right int, coefficient func() uint16) {
	l, x := b.combination(left, coefficient)
	r, y := b.combination(right, coefficient)
	x.Mul(&x, &y)
	b.constraint(l, r, b.single(x))
}

// single adds a variable and makes the row that is the variable alone.
func (b *builder) single(value fr.Element) uint32 {
	b.z = append(b.z, value)
	var sum fr.Element
	b.term(&sum, 0, uint32(len(b.z)-1))
	return b.end()
}

// bit adds a variable x of 0 or 1, with x·(x-1) = 0.
func (b *builder) bit() {
	var x, ignored fr.Element
	x.SetUint64(b.rnd.Uint64N(2))
	left := b.single(x)
	b.term(&ignored, 0, uint32(len(b.z)-1))
	b.term(&ignored, 1, 0)
	b.constraint(left, b.end(), 0)
}

// Curve returns bn128.
func (p *Program) Curve() curve.ID { return p.sys.Curve }

// System returns the constraint system.
func (p *Program) System() *r1cs.System { return p.sys }

// ABI returns an empty list: there are no arguments.
func (p *Program) ABI() json.RawMessage { return json.RawMessage("[]") }

// Samples returns the only arguments.
func (p *Program) Samples() []json.RawMessage { return []json.RawMessage{json.RawMessage("[]")} }

// Statistics returns counts for display.
func (p *Program) Statistics() frontend.Statistics {
	return frontend.Statistics{
		Constraints: p.sys.NumConstraints(), Variables: p.sys.NumVariables, PublicInputs: NumPublic,
		Rows: p.sys.Rows.NumRows(), Terms: p.sys.Rows.NumTerms(), Coefficients: coefficients,
	}
}

// WriteFile fails: New makes a system faster than a file of it could be read.
func (p *Program) WriteFile(io.Writer) error {
	return fault.New(fault.Unsupported, "synthetic systems have no files")
}

// Check accepts everything.
func (p *Program) Check(json.RawMessage, frontend.SolveOptions) error { return nil }

// Solve returns the one witness, with A·z, B·z and C·z computed anew.
func (p *Program) Solve(ctx context.Context, _ json.RawMessage, _ frontend.SolveOptions) (*frontend.Solution, error) {
	id := p.sys.Curve
	a, err := r1cs.Restore(ctx, bn254.Suite().Field, p.sys, r1cs.Witness{Z: curve.NewVector(id, p.z)})
	if err != nil {
		return nil, err
	}
	return &frontend.Solution{
		Witness: r1cs.Erase(id, a), Public: curve.NewVector(id, p.z[1:1+NumPublic]), Outputs: json.RawMessage("[]"),
	}, nil
}
