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
	// Rows are the values of the pool's rows at z, or a zero vector of no curve
	// if they are not known.
	Rows curve.Vector
}

// Assignment is a Witness with its element type. Rows is nil if unknown.
type Assignment[S any] struct {
	Z, Rows []S
}

// Erase returns a as a Witness.
func Erase[S any](id curve.ID, a Assignment[S]) Witness {
	w := Witness{Z: curve.NewVector(id, a.Z)}
	if a.Rows != nil {
		w.Rows = curve.NewVector(id, a.Rows)
	}
	return w
}

// Restore returns w with its element type, and with the rows computed if they
// are missing. It checks the lengths against s.
func Restore[S any](ctx context.Context, f curve.Field[S], s *System, w Witness) (Assignment[S], error) {
	var a Assignment[S]
	var err error
	if a.Z, err = curve.Elements[S](s.Curve, w.Z); err != nil {
		return a, err
	}
	if len(a.Z) != s.NumVariables {
		return a, fault.New(fault.InvalidArtifact, "witness of %d values for a system of %d variables", len(a.Z), s.NumVariables)
	}
	if w.Rows.Curve() == 0 {
		a.Rows, err = Evaluate(ctx, f, s, a.Z)
		return a, err
	}
	if a.Rows, err = curve.Elements[S](s.Curve, w.Rows); err != nil {
		return a, err
	}
	if len(a.Rows) != s.Rows.NumRows() {
		return a, fault.New(fault.Internal, "values of %d rows for a system of %d", len(a.Rows), s.Rows.NumRows())
	}
	return a, nil
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

// FirstUnsatisfied returns the index of the first constraint of s that a doesn't
// satisfy, or -1. a must hold its rows.
func FirstUnsatisfied[S any](f curve.Field[S], s *System, a Assignment[S]) int {
	var product S
	for i := range s.A {
		f.Mul(&product, &a.Rows[s.A[i]], &a.Rows[s.B[i]])
		if !f.Equal(&product, &a.Rows[s.C[i]]) {
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
