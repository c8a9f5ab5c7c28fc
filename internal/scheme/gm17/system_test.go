package gm17

import (
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"provery/internal/curve"
	"provery/internal/r1cs"
)

// shape is what a test system looks like.
type shape struct {
	public, constraints int
	bits                int // constraints of 100 that say that a variable is a bit
	unused              int // private variables that occur in no constraint
}

type bytesOf struct{ *rand.Rand }

func (b bytesOf) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b.Uint32())
	}
	return len(p), nil
}

// fixedRandom is a deterministic byte source.
func fixedRandom(seed uint64) io.Reader { return bytesOf{rand.New(rand.NewPCG(seed, 17))} }

// system grows a constraint system together with its witness.
type system[S any] struct {
	curve.Field[S]
	*r1cs.System
	z, table []S
}

// row adds a row with the terms (coefficient index, column).
func (s *system[S]) row(terms ...[2]int) uint32 {
	r := &s.Rows
	for _, t := range terms {
		r.Coef16, r.Columns = append(r.Coef16, uint16(t[0])), append(r.Columns, uint32(t[1]))
	}
	r.Start = append(r.Start, uint32(len(r.Columns)))
	return uint32(len(r.Start) - 2)
}

// value evaluates a row.
func (s *system[S]) value(row uint32) S {
	v := make([]S, 1)
	s.Combine(v, &s.Rows, int(row), int(row)+1, s.table, s.z)
	return v[0]
}

// randomSystem returns a system of the shape over f, and its witness. The
// public inputs are random; the first constraint is a product.
func randomSystem[S any](f curve.Field[S], seed uint64, sh shape) (*r1cs.System, r1cs.Witness) {
	rnd, id := rand.New(rand.NewPCG(seed, 3)), f.Params().ID
	s := &system[S]{Field: f, System: &r1cs.System{
		Curve: id, NumPublic: sh.public, Rows: curve.Sparse{Start: []uint32{0, 0}, Columns: []uint32{}, Coef16: []uint16{}},
	}}
	s.table, s.z = make([]S, 12), make([]S, 1+sh.public+sh.unused)
	for _, v := range [][]S{s.table, s.z} {
		if err := f.Random(v, bytesOf{rnd}); err != nil {
			panic(err)
		}
	}
	f.SetUint64(&s.table[0], 1)
	f.Neg(&s.table[1], &s.table[0])
	s.z[0] = s.table[0]
	column := func() int { // one that isn't unused
		j := rnd.IntN(len(s.z) - sh.unused)
		if j > sh.public {
			j += sh.unused
		}
		return j
	}
	for k := range sh.constraints {
		x := len(s.z)
		var a, b, c uint32
		if k > 0 && rnd.IntN(100) < sh.bits {
			s.z = append(s.z, s.table[0])
			if rnd.IntN(2) == 0 {
				f.SetUint64(&s.z[x], 0)
			}
			a, b = s.row([2]int{0, x}), s.row([2]int{0, x}, [2]int{1, 0})
		} else {
			a = s.row([2]int{rnd.IntN(12), column()}, [2]int{rnd.IntN(12), column()})
			b = s.row([2]int{0, 0}, [2]int{2 + rnd.IntN(10), column()})
			c = s.row([2]int{0, x})
			left, right := s.value(a), s.value(b)
			f.Mul(&left, &left, &right)
			s.z = append(s.z, left)
		}
		s.A, s.B, s.C = append(s.A, a), append(s.B, b), append(s.C, c)
	}
	s.NumVariables, s.Table = len(s.z), f.Memory(s.table)
	if err := s.Validate(f.Params().ScalarBytes); err != nil {
		panic(err)
	}
	return s.System, r1cs.Erase(id, r1cs.Assignment[S]{Z: s.z})
}

// elements returns the values of a witness, to be changed.
func elements[S any](t testing.TB, w r1cs.Witness) []S {
	t.Helper()
	z, err := curve.Elements[S](w.Z.Curve(), w.Z)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(z)
}

// publicOf returns the public inputs of a witness.
func publicOf[S any](t testing.TB, sys *r1cs.System, w r1cs.Witness) curve.Vector {
	t.Helper()
	return curve.NewVector(sys.Curve, elements[S](t, w)[1:sys.NumPublic+1])
}
