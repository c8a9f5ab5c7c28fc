package gm17

import (
	"provery/internal/curve"
	"provery/internal/r1cs"
	"provery/internal/scheme/wire"
)

// The reduction to a square arithmetic program ([GM17], section 5.1, in
// ark-gm17's order). f is z, then e_i for each constraint, then s_j for each
// public input:
//
//	e_i = (A_i·z - B_i·z)²    s_j = (x_j - 1)²
//
// Constraint i, (A_i·z)(B_i·z) = C_i·z, becomes two rows, and so does the
// independence of each public input; one row more is for the constant:
//
//	row            U·f            W·f
//	2i             A_i·z + B_i·z  4·C_i·z + e_i
//	2i+1           A_i·z - B_i·z  e_i
//	2m             1              1
//	2m+2j-1        x_j + 1        4·x_j + s_j
//	2m+2j          x_j - 1        s_j

// dimensions are what a key and a constraint system must agree on.
type dimensions struct {
	variables   int // columns of z: l plus the private ones
	instance    int // l: the constant and the public inputs
	constraints int // m
}

func dimensionsOf(s *r1cs.System) dimensions {
	return dimensions{s.NumVariables, s.NumPublic + 1, s.NumConstraints()}
}

// columns is the length of f.
func (d dimensions) columns() int { return d.variables + d.constraints + d.instance - 1 }

// domain is N.
func (d dimensions) domain() int {
	n := 1
	for n < 2*d.constraints+2*(d.instance-1)+1 {
		n *= 2
	}
	return n
}

// extended returns f for an assignment of s.
func extended[S any](f curve.Field[S], s *r1cs.System, a r1cs.Assignment[S]) []S {
	d := dimensionsOf(s)
	out := make([]S, d.columns())
	copy(out, a.Z)
	e, squares := out[d.variables:d.variables+d.constraints], out[d.variables+d.constraints:]
	const block = 1024
	b := make([]S, min(block, len(e)))
	for lo := 0; lo < len(e); lo += block {
		part := e[lo:min(lo+block, len(e))]
		f.Gather(part, a.Rows, s.A[lo:lo+len(part)])
		f.Gather(b[:len(part)], a.Rows, s.B[lo:lo+len(part)])
		f.SubVec(part, part, b[:len(part)])
	}
	f.MulVec(e, e, e)
	for j := range squares {
		f.Sub(&squares[j], &a.Z[j+1], &a.Z[0])
	}
	f.MulVec(squares, squares, squares)
	return out
}

// leftValues sets dst, of at least 2m+2l-1 elements, to U·f, and clears the rest.
func leftValues[S any](f curve.Field[S], s *r1cs.System, dst []S, a r1cs.Assignment[S]) {
	d := dimensionsOf(s)
	m := d.constraints
	const block = 1024
	left, right := make([]S, min(block, m)), make([]S, min(block, m))
	sums, differences := make([]S, min(block, m)), make([]S, min(block, m))
	for lo := 0; lo < m; lo += block {
		hi := min(lo+block, m)
		left, right := left[:hi-lo], right[:hi-lo]
		f.Gather(left, a.Rows, s.A[lo:hi])
		f.Gather(right, a.Rows, s.B[lo:hi])
		f.AddVec(sums[:hi-lo], left, right)
		f.SubVec(differences[:hi-lo], left, right)
		for i := range hi - lo {
			dst[2*(lo+i)], dst[2*(lo+i)+1] = sums[i], differences[i]
		}
	}
	rest := dst[2*m:]
	clear(rest)
	rest[0] = a.Z[0]
	for j := 1; j < d.instance; j++ {
		f.Add(&rest[2*j-1], &a.Z[j], &a.Z[0])
		f.Sub(&rest[2*j], &a.Z[j], &a.Z[0])
	}
}

// rightValues sets dst to W·f for any f that starts with a.Z, as leftValues
// does with U·f. For a satisfied assignment it is the square of U·f.
func rightValues[S any](f curve.Field[S], sys *r1cs.System, dst, extended []S, a r1cs.Assignment[S]) {
	d := dimensionsOf(sys)
	var four S
	f.SetUint64(&four, 4)
	m := d.constraints
	e, s := extended[d.variables:d.variables+m], extended[d.variables+m:]
	clear(dst)
	for i := range m {
		f.Mul(&dst[2*i], &four, &a.Rows[sys.C[i]])
		f.Add(&dst[2*i], &dst[2*i], &e[i])
		dst[2*i+1] = e[i]
	}
	rest := dst[2*m:]
	rest[0] = a.Z[0]
	for j := 1; j < d.instance; j++ {
		f.Mul(&rest[2*j-1], &four, &a.Z[j])
		f.Add(&rest[2*j-1], &rest[2*j-1], &s[j-1])
		rest[2*j] = s[j-1]
	}
}

// transposed returns U^T·weights and W^T·weights for N weights: with the
// Lagrange polynomials at tau as weights, u_j(tau) and w_j(tau) by column.
func transposed[S any](f curve.Field[S], s *r1cs.System, table, weights []S) (u, w []S) {
	d := dimensionsOf(s)
	m := d.constraints
	even, sums, differences := make([]S, m), make([]S, m), make([]S, m)
	for i := range m {
		even[i], differences[i] = weights[2*i], weights[2*i+1]
	}
	f.AddVec(sums, even, differences)
	f.SubVec(differences, even, differences)

	u, w = make([]S, d.columns()), make([]S, d.columns())
	copy(u, wire.Transposed(f, s, s.A, table, sums))
	f.AddVec(u[:d.variables], u[:d.variables], wire.Transposed(f, s, s.B, table, differences))
	copy(w, wire.Transposed(f, s, s.C, table, even))
	var four, t S
	f.SetUint64(&four, 4)
	f.ScaleVec(w[:d.variables], w[:d.variables], &four)
	copy(w[d.variables:], sums)

	rest := weights[2*m:]
	f.Add(&u[0], &u[0], &rest[0])
	f.Add(&w[0], &w[0], &rest[0])
	for j := 1; j < d.instance; j++ {
		plus, minus := &rest[2*j-1], &rest[2*j]
		f.Sub(&t, plus, minus)
		f.Add(&u[0], &u[0], &t)
		f.Add(&t, plus, minus)
		f.Add(&u[j], &u[j], &t)
		w[d.variables+m+j-1] = t
		f.Mul(&t, &four, plus)
		f.Add(&w[j], &w[j], &t)
	}
	return u, w
}
