package groth16

import (
	"crypto/rand"

	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/zkey"
)

// matrices compares the key's matrices A and B with the program's, by a random
// bilinear form: sum_k,j x^k·y^j·(A_kj + t·B_kj) for random x, y, t. Keys of
// another program pass with a probability below 2^-200. The form doesn't care in which
// order the file has the coefficients; pk keeps that.
func (z *zkeyReader[S, A1, A2]) matrices(s *r1cs.System, pk *provingKey[S, A1, A2]) error {
	f := z.Field
	var draw [3]S
	if err := f.Random(draw[:], rand.Reader); err != nil {
		return err
	}
	var one S
	f.SetUint64(&one, 1)
	form := &bilinear[S]{rows: make([]S, pk.domain), columns: make([]S, pk.variables)}
	f.Powers(form.rows, &one, &draw[0])
	f.Powers(form.columns, &one, &draw[1])
	form.factors = [2]S{one, draw[2]}
	order := &termOrder{system: s}
	theirs, err := z.coefficients(form, order, pk.dimensions)
	if err != nil {
		return err
	}
	ours, err := z.ofSystem(form, s)
	if err != nil {
		return err
	}
	if !f.Equal(&theirs, &ours) {
		return fault.New(fault.InvalidArtifact, "the key belongs to another program: its matrices differ")
	}
	pk.order = order.columns()
	return nil
}

// bilinear is the random form.
type bilinear[S any] struct {
	rows    []S // x^k
	columns []S // y^j
	factors [2]S
}

// coefficients evaluates the form at the file's matrices, and shows order each of
// their terms.
func (z *zkeyReader[S, A1, A2]) coefficients(form *bilinear[S], order *termOrder, d dimensions) (sum S, err error) {
	f := z.Field
	value := make([]S, 1)
	memory := f.Memory(value)
	err = zkey.EachCoefficient(z.ctx, z.file, z.Params, zkey.Dimensions{Variables: d.variables, Public: d.instance - 1, Domain: d.domain}, func(c zkey.Coefficient) error {
		order.see(c)
		copy(memory, c.Limbs)
		f.Mul(&value[0], &value[0], &form.rows[c.Row])
		f.Mul(&value[0], &value[0], &form.columns[c.Column])
		f.Mul(&value[0], &value[0], &form.factors[c.Matrix])
		f.Add(&sum, &sum, &value[0])
		return nil
	})
	// In memory form c·R² stands for c·R.
	var r S
	zkey.Montgomery(f, &r)
	f.Inverse(&r, &r)
	f.Mul(&sum, &sum, &r)
	return sum, err
}

// ofSystem evaluates the form at a program's matrices, with the rows of A that
// hold the instance columns.
func (z *zkeyReader[S, A1, A2]) ofSystem(form *bilinear[S], s *r1cs.System) (sum S, err error) {
	f := z.Field
	values, err := r1cs.Evaluate(z.ctx, f, s, form.columns)
	if err != nil {
		return sum, err
	}
	var term S
	for m, matrix := range [][]uint32{s.A, s.B} {
		for k, row := range matrix {
			f.Mul(&term, &values[row], &form.rows[k])
			f.Mul(&term, &term, &form.factors[m])
			f.Add(&sum, &sum, &term)
		}
	}
	for j := range s.NumPublic + 1 {
		f.Mul(&term, &form.rows[s.NumConstraints()+j], &form.columns[j])
		f.Add(&sum, &sum, &term)
	}
	return sum, nil
}

// termOrder learns the order of a file's terms, in which snarkjs compares them.
// They come by constraint, A before B, as many for each as the program has; what
// varies is the order of the columns within one, which a System doesn't keep.
type termOrder struct {
	system  *r1cs.System
	seen    []uint32 // columns of the terms so far
	row     int      // the constraint, doubled, plus the matrix
	left    int      // terms of it that are to come
	unusual bool
}

// see takes the next term.
func (o *termOrder) see(c zkey.Coefficient) {
	constraints := o.system.NumConstraints()
	for o.left == 0 && o.row < 2*constraints {
		o.left = o.terms(o.row)
		o.row++
	}
	switch {
	case o.left > 0:
		o.left--
		o.unusual = o.unusual || int(2*c.Row+c.Matrix) != o.row-1
		o.seen = append(o.seen, c.Column)
	default: // the rows behind the constraints, one term each
		o.unusual = o.unusual || c.Matrix != 0 || int(c.Row) < constraints || int(c.Row)-constraints != int(c.Column)
	}
}

// terms returns the number of terms of a matrix's row of a constraint.
func (o *termOrder) terms(row int) int {
	pooled := [2][]uint32{o.system.A, o.system.B}[row%2][row/2]
	return int(o.system.Rows.Start[pooled+1] - o.system.Rows.Start[pooled])
}

// columns returns the columns in the file's order; nil if the file has the terms
// in an order that no compiler writes.
func (o *termOrder) columns() []uint32 {
	if o.unusual || o.left > 0 {
		return nil
	}
	return o.seen
}
