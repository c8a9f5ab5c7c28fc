package groth16

import (
	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/r1cs"
)

// density tells which columns occur, with a coefficient other than 0, in each
// matrix of a system.
type density struct {
	a, b, c []bool
}

func densityOf[S any](f curve.Field[S], s *r1cs.System) (density, error) {
	table, err := f.FromMemory(s.Table)
	if err != nil {
		return density{}, err
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
	return density{a: mark(s.A), b: mark(s.B), c: mark(s.C)}, nil
}

// compacted returns the columns that a bellman key has points for, in its
// order: those of the instance, then the private ones. In A the rows that
// follow the constraints make every instance column occur.
func (d density) compacted(instance int) (a, b []uint32) {
	for j := range d.a {
		if j < instance || d.a[j] {
			a = append(a, uint32(j))
		}
		if d.b[j] {
			b = append(b, uint32(j))
		}
	}
	return a, b
}

// matches checks that a query of one point for each column, from column first
// on, has no point for a column that doesn't occur: a sign of a key that was
// made for another program.
func (d density) matches(name string, columns []uint32, occurs func(j uint32) bool) error {
	for _, j := range columns {
		if !occurs(j) {
			return fault.New(fault.InvalidArtifact, "%s: a point for column %d, which the program doesn't use there", name, j)
		}
	}
	return nil
}

// columnsOf lists the columns of q.
func columnsOf[A any](q *query[A]) []uint32 {
	if q.columns != nil {
		return q.columns
	}
	out := make([]uint32, len(q.points))
	for i := range out {
		out[i] = uint32(q.first + i)
	}
	return out
}
