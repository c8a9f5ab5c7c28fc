package groth16

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"io"
	"math/big"

	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
)

// sameMatrices compares the key's matrices A and B with the program's, by a
// random bilinear form: sum_k,j x^k·y^j·(A_kj + t·B_kj) for random x, y, t. Keys of
// another program pass with a probability below 2^-200. The form doesn't care in which
// order the file has the coefficients.
func (z *zkeyReader[S, A1, A2]) sameMatrices(in scheme.ImportInput, d dimensions) error {
	f := z.Field
	var draw [3]S
	if err := f.Random(draw[:], rand.Reader); err != nil {
		return err
	}
	var one S
	f.SetUint64(&one, 1)
	form := &bilinear[S]{rows: make([]S, d.domain), columns: make([]S, d.variables)}
	f.Powers(form.rows, &one, &draw[0])
	f.Powers(form.columns, &one, &draw[1])
	form.factors = [2]S{one, draw[2]}
	theirs, err := z.coefficients(form)
	if err != nil {
		return err
	}
	ours, err := z.ofSystem(form, in.System)
	if err != nil {
		return err
	}
	if !f.Equal(&theirs, &ours) {
		return fault.New(fault.InvalidArtifact, "the key belongs to another program: its matrices differ")
	}
	return nil
}

// bilinear is the random form.
type bilinear[S any] struct {
	rows    []S // x^k
	columns []S // y^j
	factors [2]S
}

// coefficients evaluates the form at the file's matrices.
func (z *zkeyReader[S, A1, A2]) coefficients(form *bilinear[S]) (sum S, err error) {
	f := z.Field
	section, err := z.file.Section(zkeyCoefficients)
	if err != nil {
		return sum, err
	}
	size := 3*4 + z.Params.ScalarBytes
	in := bufio.NewReaderSize(section, 1<<16)
	record := make([]byte, size)
	if _, err := io.ReadFull(in, record[:4]); err != nil {
		return sum, fault.New(fault.InvalidArtifact, "the section of coefficients is too short")
	}
	n := binary.LittleEndian.Uint32(record)
	if section.Size() != 4+int64(n)*int64(size) {
		return sum, fault.New(fault.InvalidArtifact, "%d coefficients in a section of %d bytes", n, section.Size())
	}
	value := make([]S, 1)
	memory, modulus := f.Memory(value), littleEndian(z.Params.ScalarModulus, z.Params.ScalarBytes)
	for i := range n {
		if i%4096 == 0 && z.ctx.Err() != nil {
			return sum, z.ctx.Err()
		}
		if _, err := io.ReadFull(in, record); err != nil {
			return sum, fault.Wrap(err, fault.Internal, "read coefficients")
		}
		matrix, row, column := binary.LittleEndian.Uint32(record), binary.LittleEndian.Uint32(record[4:]), binary.LittleEndian.Uint32(record[8:])
		if matrix > 1 || uint64(row) >= uint64(len(form.rows)) || uint64(column) >= uint64(len(form.columns)) || !allBelow(record[12:], modulus) {
			return sum, fault.New(fault.InvalidArtifact, "coefficient %d is out of range", i)
		}
		copy(memory, record[12:])
		f.Mul(&value[0], &value[0], &form.rows[row])
		f.Mul(&value[0], &value[0], &form.columns[column])
		f.Mul(&value[0], &value[0], &form.factors[matrix])
		f.Add(&sum, &sum, &value[0])
	}
	// In memory form c·R² stands for c·R.
	var r S
	z.montgomery(&r)
	f.Inverse(&r, &r)
	f.Mul(&sum, &sum, &r)
	return sum, nil
}

// montgomery sets dst to the field's Montgomery constant R = 2^(8·ScalarBytes).
func (b *backend[S, A1, A2]) montgomery(dst *S) {
	b.Field.SetUint64(dst, 2)
	b.Field.Exp(dst, dst, big.NewInt(int64(8*b.Params.ScalarBytes)))
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
