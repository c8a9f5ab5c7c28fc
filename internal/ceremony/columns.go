package ceremony

import (
	"encoding/binary"
	"slices"

	"provery/internal/curve"
	"provery/internal/r1cs"
	"provery/internal/zkey"
)

// piece is a matrix whose rows are to be columns, from an offset on.
type piece struct {
	matrix *curve.Sparse
	offset int
}

// columns sorts the matrices' terms by column: a and b are the transposed matrices,
// whose columns are constraints; abc has beta times A, alpha times B, and C, one
// beside the other. The domain's points that follow the constraints hold the public
// columns of A, one each, which makes their polynomials independent.
func (s *start[S, A1, A2]) columns() {
	k, n := s.constraints, s.header.Domain
	s.a = s.transposed(true, piece{&k.A, 0})
	s.b = s.transposed(false, piece{&k.B, 0})
	s.abc = s.transposed(true, piece{&k.A, 0}, piece{&k.B, n}, piece{&k.C, 2 * n})
}

// transposed returns the pieces by column, with the points of the public columns
// if that is asked for.
func (s *start[S, A1, A2]) transposed(public bool, pieces ...piece) curve.Sparse {
	extra := 0
	if public {
		extra = s.header.Public + 1
	}
	start := make([]uint32, s.header.Variables+1)
	for _, p := range pieces {
		for _, column := range p.matrix.Columns {
			start[column+1]++
		}
	}
	for j := range s.header.Variables {
		if j < extra {
			start[j+1]++
		}
		start[j+1] += start[j]
	}
	terms := start[len(start)-1]
	out := curve.Sparse{Start: start, Columns: make([]uint32, terms), Coef32: make([]uint32, terms)}
	next := slices.Clone(start)
	put := func(column uint32, row int, coef uint32) {
		out.Columns[next[column]], out.Coef32[next[column]] = uint32(row), coef
		next[column]++
	}
	for _, p := range pieces {
		for i := range p.matrix.NumRows() {
			for t := p.matrix.Start[i]; t < p.matrix.Start[i+1]; t++ {
				put(p.matrix.Columns[t], p.offset+i, p.matrix.Coef32[t])
			}
		}
	}
	for j := range extra {
		put(uint32(j), s.constraints.Constraints+j, r1cs.CoefOne)
	}
	return out
}

// coefficientsSize is that of the section of A's and B's coefficients.
func (s *start[S, A1, A2]) coefficientsSize() int64 {
	n := len(s.constraints.A.Columns) + len(s.constraints.B.Columns) + s.header.Public + 1
	return 4 + int64(n)*int64(3*4+s.Params.ScalarBytes)
}

// coefficients passes that section: by constraint, A before B, in the order of
// the .r1cs file.
func (s *start[S, A1, A2]) coefficients(put func([]byte) error) error {
	k := s.constraints
	var r S
	zkey.Montgomery(s.Field, &r)
	scaled := make([]S, len(k.Table))
	s.Field.ScaleVec(scaled, k.Table, &r)
	limbs, width := s.Field.Memory(scaled), s.Params.ScalarBytes
	n := len(k.A.Columns) + len(k.B.Columns) + s.header.Public + 1
	b := binary.LittleEndian.AppendUint32(nil, uint32(n))
	one := func(matrix, row int, column, coef uint32) {
		b = zkey.AppendCoefficient(b, zkey.Coefficient{
			Matrix: uint32(matrix), Row: uint32(row), Column: column, Limbs: limbs[int(coef)*width : (int(coef)+1)*width],
		})
	}
	for i := range k.Constraints {
		for m, matrix := range []*curve.Sparse{&k.A, &k.B} {
			for t := matrix.Start[i]; t < matrix.Start[i+1]; t++ {
				one(m, i, matrix.Columns[t], matrix.Coef32[t])
			}
		}
		if len(b) >= 1<<16 {
			if err := s.ctx.Err(); err != nil {
				return err
			}
			if err := put(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	for j := range s.header.Public + 1 {
		one(0, k.Constraints+j, uint32(j), r1cs.CoefOne)
	}
	return put(b)
}

// quotient passes H, the Lagrange polynomials of the odd ones of 2n points, and
// writes to the hash what snarkjs writes for it.
func (s *start[S, A1, A2]) quotient(put func([]A1) error) error {
	n := s.header.Domain
	const block = 1 << 14
	for lo := 0; lo < n; lo += block {
		points, err := s.powers.Odd(s.ctx, n, lo, min(block, n-lo))
		if err != nil {
			return err
		}
		if err := put(points); err != nil {
			return err
		}
	}
	return s.hashQuotient()
}

// hashQuotient writes tau^i·(tau^n - 1) to the hash for i < n-1, with n-1 before them.
// snarkjs takes them in blocks of 2^14 and the last one whole, so that from n = 2^15
// on there is one more, whose power may be beyond the file's.
func (s *start[S, A1, A2]) hashQuotient() error {
	n := s.header.Domain
	s.count(n - 1)
	const block = 1 << 14
	total := n - 1
	if total > block {
		total = n
	}
	there := min(total, s.powers.NumPowers()-n)
	for lo := 0; lo < there; lo += block {
		k := min(block, there-lo)
		high, err := s.powers.Powers(s.ctx, n+lo, k)
		if err != nil {
			return err
		}
		low, err := s.powers.Powers(s.ctx, lo, k)
		if err != nil {
			return err
		}
		differences, err := s.G1.Combine(s.ctx, pairs(k), s.constraints.Table[:2], append(high, low...), s.run.Threads)
		if err != nil {
			return err
		}
		s.hash.Write(zkey.Uncompressed(s.G1, differences...))
	}
	if there == total {
		return nil
	}
	b, err := s.overhang(n)
	s.hash.Write(b)
	return err
}

// pairs returns the matrix of k rows that subtracts point k+i from point i.
func pairs(k int) *curve.Sparse {
	m := &curve.Sparse{Start: make([]uint32, k+1), Columns: make([]uint32, 2*k), Coef32: make([]uint32, 2*k)}
	for i := range uint32(k) {
		m.Start[i+1] = 2 * (i + 1)
		m.Columns[2*i], m.Columns[2*i+1] = i, uint32(k)+i
		m.Coef32[2*i], m.Coef32[2*i+1] = r1cs.CoefOne, r1cs.CoefMinusOne
	}
	return m
}
