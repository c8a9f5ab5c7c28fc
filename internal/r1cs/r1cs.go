// Package r1cs holds rank-1 constraint systems: for each constraint i,
// (A_i·z)(B_i·z) = C_i·z, where z is the full assignment: the constant 1, the
// public inputs, the private part.
//
// The three matrices draw their rows from one pool of distinct rows. Compiled
// programs repeat long sums (once to decompose them into bits, once to
// constrain the bits), so a pooled row is stored once and evaluated once.
package r1cs

import (
	"context"

	"provery/internal/curve"
	"provery/internal/fault"
)

// System is a constraint system. It is immutable and safe for concurrent use.
type System struct {
	Curve curve.ID
	// NumPublic counts the public inputs: columns 1 to NumPublic of z.
	// Column 0 is the constant 1.
	NumPublic int
	// NumVariables counts the columns of z.
	NumVariables int
	// A, B and C name, for each constraint, a row of Rows.
	A, B, C []uint32
	// Rows is the pool. Row 0 is the empty row.
	Rows curve.Sparse
	// Table holds the distinct coefficients in the memory form of the
	// curve's field (curve.Field.FromMemory). Entry 0 is 1, entry 1 is -1.
	Table []byte
}

// NumConstraints returns the number of constraints.
func (s *System) NumConstraints() int { return len(s.A) }

// NumPrivate returns the number of columns that are neither the constant nor public.
func (s *System) NumPrivate() int { return s.NumVariables - s.NumPublic - 1 }

// Witness is a full assignment z with the evaluations that solving it yielded.
type Witness struct {
	// Z has NumVariables elements; Z[0] is 1.
	Z curve.Vector
	// AZ, BZ and CZ are the values of A·z, B·z and C·z by constraint, or zero
	// vectors of no curve if they are not known.
	AZ, BZ, CZ curve.Vector
}

// Assignment is a Witness with its element type. AZ, BZ and CZ are nil if unknown.
type Assignment[S any] struct {
	Z, AZ, BZ, CZ []S
}

// Erase returns a as a Witness.
func Erase[S any](id curve.ID, a Assignment[S]) Witness {
	w := Witness{Z: curve.NewVector(id, a.Z)}
	if a.AZ != nil {
		w.AZ, w.BZ, w.CZ = curve.NewVector(id, a.AZ), curve.NewVector(id, a.BZ), curve.NewVector(id, a.CZ)
	}
	return w
}

// Restore returns w with its element type and with AZ, BZ and CZ computed if
// they are missing. It checks the lengths against s.
func Restore[S any](ctx context.Context, f curve.Field[S], s *System, w Witness) (Assignment[S], error) {
	var a Assignment[S]
	var err error
	if a.Z, err = curve.Elements[S](s.Curve, w.Z); err != nil {
		return a, err
	}
	if len(a.Z) != s.NumVariables {
		return a, fault.New(fault.InvalidArtifact, "witness of %d values for a system of %d variables", len(a.Z), s.NumVariables)
	}
	if w.AZ.Curve() == 0 {
		return a, a.evaluate(ctx, f, s)
	}
	for _, v := range []struct {
		dst *[]S
		src curve.Vector
	}{{&a.AZ, w.AZ}, {&a.BZ, w.BZ}, {&a.CZ, w.CZ}} {
		if *v.dst, err = curve.Elements[S](s.Curve, v.src); err != nil {
			return a, err
		}
		if len(*v.dst) != s.NumConstraints() {
			return a, fault.New(fault.Internal, "%d evaluations for %d constraints", len(*v.dst), s.NumConstraints())
		}
	}
	return a, nil
}

func (a *Assignment[S]) evaluate(ctx context.Context, f curve.Field[S], s *System) error {
	rows, err := Evaluate(ctx, f, s, a.Z)
	if err != nil {
		return err
	}
	pick := func(matrix []uint32) []S {
		v := make([]S, len(matrix))
		f.Gather(v, rows, matrix)
		return v
	}
	a.AZ, a.BZ, a.CZ = pick(s.A), pick(s.B), pick(s.C)
	return nil
}

// Evaluate returns the value of every row of s's pool at z.
func Evaluate[S any](ctx context.Context, f curve.Field[S], s *System, z []S) ([]S, error) {
	table, err := f.FromMemory(s.Table)
	if err != nil {
		return nil, err
	}
	n := s.Rows.NumRows()
	rows := make([]S, n)
	const chunk = 1 << 14
	for lo := 0; lo < n; lo += chunk {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		hi := min(lo+chunk, n)
		f.Combine(rows[lo:hi], &s.Rows, lo, hi, table, z)
	}
	return rows, nil
}

// FirstUnsatisfied returns the index of the first constraint that a doesn't
// satisfy, or -1. a must hold its evaluations.
func FirstUnsatisfied[S any](f curve.Field[S], a Assignment[S]) int {
	var product S
	for i := range a.AZ {
		f.Mul(&product, &a.AZ[i], &a.BZ[i])
		if !f.Equal(&product, &a.CZ[i]) {
			return i
		}
	}
	return -1
}

// Validate checks the system's structure: lengths, indexes, the two fixed
// table entries' presence. It returns fault.InvalidArtifact for the first
// violation. It doesn't look at the coefficients' values.
func (s *System) Validate(scalarBytes int) error {
	bad := func(what string) error {
		return fault.New(fault.InvalidArtifact, "constraint system: %s", what)
	}
	r := &s.Rows
	switch {
	case s.NumPublic < 0 || s.NumVariables < s.NumPublic+1:
		return bad("more public inputs than variables")
	case len(s.B) != len(s.A) || len(s.C) != len(s.A):
		return bad("matrices of different heights")
	case len(s.Table)%scalarBytes != 0 || len(s.Table) < 2*scalarBytes:
		return bad("coefficient table of a wrong length")
	case len(r.Start) < 2 || r.Start[0] != 0 || r.Start[1] != 0:
		return bad("row 0 isn't the empty row")
	case (r.Coef16 == nil) == (r.Coef32 == nil):
		return bad("not exactly one coefficient array")
	case len(r.Coef16)+len(r.Coef32) != len(r.Columns) || int(r.Start[len(r.Start)-1]) != len(r.Columns):
		return bad("arrays of terms of different lengths")
	}
	for i := 1; i < len(r.Start); i++ {
		if r.Start[i] < r.Start[i-1] {
			return bad("rows overlap")
		}
	}
	numCoefs := len(s.Table) / scalarBytes
	for k, col := range r.Columns {
		if int(col) >= s.NumVariables || r.Coef(k) >= numCoefs {
			return bad("term out of range")
		}
	}
	for _, m := range [][]uint32{s.A, s.B, s.C} {
		for _, row := range m {
			if int(row) >= r.NumRows() {
				return bad("row out of range")
			}
		}
	}
	return nil
}
