package wire

import (
	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/r1cs"
)

// Density tells for each column of a system whether it occurs, with a
// coefficient other than 0, in each of the matrices.
type Density struct {
	A, B, C []bool
}

// DensityOf returns the density of s.
func DensityOf[S any](f curve.Field[S], s *r1cs.System) (Density, error) {
	table, err := f.FromMemory(s.Table)
	if err != nil {
		return Density{}, err
	}
	mark := func(matrix []uint32) []bool {
		done, used := make([]bool, s.Rows.NumRows()), make([]bool, s.NumVariables)
		for _, row := range matrix {
			if done[row] {
				continue
			}
			done[row] = true
			for k := s.Rows.Start[row]; k < s.Rows.Start[row+1]; k++ {
				if !f.IsZero(&table[s.Rows.Coef(int(k))]) {
					used[s.Rows.Columns[k]] = true
				}
			}
		}
		return used
	}
	return Density{A: mark(s.A), B: mark(s.B), C: mark(s.C)}, nil
}

// CheckColumns makes sure that a query has no point for a column that doesn't
// occur: a sign of a key that was made for another program, and
// fault.InvalidArtifact.
func CheckColumns[A any](name string, q *Query[A], occurs func(j uint32) bool) error {
	for _, j := range q.AllColumns() {
		if !occurs(j) {
			return fault.New(fault.InvalidArtifact, "%s: a point for column %d, which the program doesn't use there", name, j)
		}
	}
	return nil
}
