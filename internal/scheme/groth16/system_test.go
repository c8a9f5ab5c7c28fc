package groth16

import (
	"math/rand/v2"
	"testing"

	"provery/internal/curve"
	"provery/internal/r1cs"
)

// builder makes constraint systems together with a witness that satisfies them.
type builder[S any] struct {
	field curve.Field[S]
	rnd   *rand.Rand
	z     []S
	sys   *r1cs.System
	table []S
	// unused are columns that no constraint may touch.
	unused map[uint32]bool
}

// shape is what a test system looks like.
type shape struct {
	public, constraints int
	bits                int // constraints of 100 that say that a variable is a bit
	unused              int // private variables that occur in no constraint
}

// randomSystem returns a system of the shape over f, and its witness. The
// public inputs are random; at least one constraint multiplies.
func randomSystem[S any](f curve.Field[S], seed uint64, sh shape) (*r1cs.System, r1cs.Witness) {
	b := newBuilder(f, seed, sh.public)
	for range sh.unused {
		b.unused[b.variable()] = true
	}
	for k := range sh.constraints {
		if k > 0 && b.rnd.IntN(100) < sh.bits {
			b.bit()
		} else {
			b.product()
		}
	}
	return b.finish()
}

func newBuilder[S any](f curve.Field[S], seed uint64, public int) *builder[S] {
	p := f.Params()
	b := &builder[S]{unused: map[uint32]bool{}, field: f, rnd: rand.New(rand.NewPCG(seed, uint64(p.ID)))}
	b.sys = &r1cs.System{
		Curve: p.ID, NumPublic: public,
		Rows: curve.Sparse{Start: []uint32{0, 0}, Columns: []uint32{}, Coef16: []uint16{}},
	}
	b.table = make([]S, 40)
	for i := 2; i < len(b.table); i++ {
		b.table[i] = b.random()
	}
	f.SetUint64(&b.table[0], 1)
	f.Neg(&b.table[1], &b.table[0])
	b.z = append(b.z, b.table[0])
	for range public {
		b.variable()
	}
	return b
}

type source64 struct{ *rand.Rand }

func (s source64) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s.Uint32())
	}
	return len(p), nil
}

func (b *builder[S]) random() S {
	v := make([]S, 1)
	if err := b.field.Random(v, source64{b.rnd}); err != nil {
		panic(err)
	}
	return v[0]
}

// variable adds a column with a random value.
func (b *builder[S]) variable() uint32 {
	b.z = append(b.z, b.random())
	return uint32(len(b.z) - 1)
}

// row adds a row with the terms (coefficient index, column), and returns its
// number and value.
func (b *builder[S]) row(terms ...[2]uint32) (uint32, S) {
	r := &b.sys.Rows
	var sum, term S
	for _, t := range terms {
		r.Coef16 = append(r.Coef16, uint16(t[0]))
		r.Columns = append(r.Columns, t[1])
		b.field.Mul(&term, &b.table[t[0]], &b.z[t[1]])
		b.field.Add(&sum, &sum, &term)
	}
	r.Start = append(r.Start, uint32(len(r.Columns)))
	return uint32(len(r.Start) - 2), sum
}

func (b *builder[S]) constraint(a, c, d uint32) {
	b.sys.A, b.sys.B, b.sys.C = append(b.sys.A, a), append(b.sys.B, c), append(b.sys.C, d)
}

// bit adds a variable x of 0 or 1 with x·(x-1) = 0.
func (b *builder[S]) bit() {
	x := b.variable()
	b.field.SetUint64(&b.z[x], b.rnd.Uint64N(2))
	left, _ := b.row([2]uint32{0, x})
	right, _ := b.row([2]uint32{0, x}, [2]uint32{1, 0})
	b.constraint(left, right, 0)
}

// product adds a variable that is the product of two random combinations.
func (b *builder[S]) product() {
	terms := func() [][2]uint32 {
		var out [][2]uint32
		for col := b.rnd.IntN(4); col < len(b.z) && len(out) < 5; col += 1 + b.rnd.IntN(1+len(b.z)/2) {
			if !b.unused[uint32(col)] {
				out = append(out, [2]uint32{uint32(b.rnd.IntN(len(b.table))), uint32(col)})
			}
		}
		return out
	}
	left, a := b.row(terms()...)
	right, c := b.row(terms()...)
	x := b.variable()
	b.field.Mul(&b.z[x], &a, &c)
	out, _ := b.row([2]uint32{0, x})
	b.constraint(left, right, out)
}

func (b *builder[S]) finish() (*r1cs.System, r1cs.Witness) {
	b.sys.NumVariables = len(b.z)
	b.sys.Table = b.field.Memory(b.table)
	if err := b.sys.Validate(b.field.Params().ScalarBytes); err != nil {
		panic(err)
	}
	return b.sys, r1cs.Erase(b.sys.Curve, r1cs.Assignment[S]{Z: b.z})
}

// publicOf returns the public inputs of a witness.
func publicOf[S any](t testing.TB, sys *r1cs.System, w r1cs.Witness) curve.Vector {
	t.Helper()
	z, err := curve.Elements[S](sys.Curve, w.Z)
	if err != nil {
		t.Fatal(err)
	}
	return curve.NewVector(sys.Curve, z[1:sys.NumPublic+1])
}
