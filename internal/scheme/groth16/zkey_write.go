package groth16

import (
	"bufio"
	"encoding/binary"
	"io"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/iden3"
	"provery/internal/r1cs"
	"provery/internal/scheme/wire"
)

// writeZKey writes pk, which was made for s, as a .zkey file. The list of its
// ceremony's contributions is empty: snarkjs and rapidsnark prove with the
// file, and `snarkjs zkey verify` refuses it.
func (pk *provingKey[S, A1, A2]) writeZKey(w io.Writer, s *r1cs.System) error {
	if err := pk.Fits(s); err != nil {
		return err
	}
	b, vk, d := pk.vk.backend, pk.vk, pk.dimensions
	c, err := newCoefficientWriter(b, s)
	if err != nil {
		return err
	}
	header := b.zkeyFields()
	for _, n := range []int{d.variables, d.instance - 1, d.domain} {
		header = binary.LittleEndian.AppendUint32(header, uint32(n))
	}
	header = append(header, b.G1.Memory([]A1{vk.alpha, pk.beta})...)
	header = append(header, b.G2.Memory([]A2{vk.beta, vk.gamma})...)
	header = append(header, b.G1.Memory([]A1{pk.delta})...)
	header = append(header, b.G2.Memory([]A2{vk.delta})...)
	const circuitHash, noContributions = 64, 4
	out := bufio.NewWriterSize(w, 1<<16)
	err = iden3.Write(out, "zkey", zkeyVersion, []iden3.Section{
		iden3.Data(zkeyProtocol, []byte{protocolGroth16, 0, 0, 0}),
		iden3.Data(zkeyHeader, header),
		iden3.Data(zkeyIC, b.G1.Memory(vk.gammaABC)),
		{ID: zkeyCoefficients, Length: c.size(), Write: c.write},
		queryInMemory(zkeyA, b.G1, &pk.a, 0, d.variables),
		queryInMemory(zkeyB1, b.G1, &pk.b1, 0, d.variables),
		queryInMemory(zkeyB2, b.G2, &pk.b2, 0, d.variables),
		queryInMemory(zkeyC, b.G1, &pk.l, d.instance, d.private()),
		iden3.Data(zkeyH, b.G1.Memory(pk.h)),
		iden3.Data(zkeyContributions, make([]byte, circuitHash+noContributions)),
	})
	if err == nil {
		err = out.Flush()
	}
	return fault.Wrap(err, fault.Internal, "write proving key")
}

// queryInMemory returns the section of a query's points for the n columns from
// first on, infinity where it has none.
func queryInMemory[S, A any](id uint32, g curve.Group[S, A], q *wire.Query[A], first, n int) iden3.Section {
	return iden3.Section{ID: id, Length: int64(n) * int64(g.Bytes()), Write: func(w io.Writer) error {
		return wire.EachPoint(g, q, first, n, func(points []A) error {
			_, err := w.Write(g.Memory(points))
			return err
		})
	}}
}

// coefficientWriter writes the section of matrices, by constraint, A before B.
type coefficientWriter[S any] struct {
	system *r1cs.System
	table  []byte // by coefficient: c·R² as limbs
	width  int    // of a coefficient
	count  int
}

func newCoefficientWriter[S, A1, A2 any](b *backend[S, A1, A2], s *r1cs.System) (*coefficientWriter[S], error) {
	table, err := b.Field.FromMemory(s.Table)
	if err != nil {
		return nil, err
	}
	var r S
	b.montgomery(&r)
	scaled := make([]S, len(table))
	b.Field.ScaleVec(scaled, table, &r)
	c := &coefficientWriter[S]{system: s, table: b.Field.Memory(scaled), width: b.Params.ScalarBytes, count: s.NumPublic + 1}
	for _, matrix := range [][]uint32{s.A, s.B} {
		for _, row := range matrix {
			c.count += int(s.Rows.Start[row+1] - s.Rows.Start[row])
		}
	}
	return c, nil
}

func (c *coefficientWriter[S]) size() int64 { return 4 + int64(c.count)*int64(3*4+c.width) }

func (c *coefficientWriter[S]) write(w io.Writer) error {
	s := c.system
	if _, err := w.Write(binary.LittleEndian.AppendUint32(nil, uint32(c.count))); err != nil {
		return err
	}
	record := make([]byte, 0, 3*4+c.width)
	put := func(matrix, constraint int, column uint32, coef int) error {
		record = binary.LittleEndian.AppendUint32(record[:0], uint32(matrix))
		record = binary.LittleEndian.AppendUint32(record, uint32(constraint))
		record = binary.LittleEndian.AppendUint32(record, column)
		record = append(record, c.table[coef*c.width:(coef+1)*c.width]...)
		_, err := w.Write(record)
		return err
	}
	for i := range s.NumConstraints() {
		for m, row := range []uint32{s.A[i], s.B[i]} {
			for k := s.Rows.Start[row]; k < s.Rows.Start[row+1]; k++ {
				if err := put(m, i, s.Rows.Columns[k], s.Rows.Coef(int(k))); err != nil {
					return err
				}
			}
		}
	}
	for j := range s.NumPublic + 1 {
		if err := put(0, s.NumConstraints()+j, uint32(j), r1cs.CoefOne); err != nil {
			return err
		}
	}
	return nil
}
