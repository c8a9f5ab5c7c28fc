package groth16

import (
	"bufio"
	"encoding/binary"
	"io"
	"slices"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/iden3"
	"provery/internal/r1cs"
	"provery/internal/scheme/wire"
	"provery/internal/zkey"
)

// writeZKey writes pk, which was made for s, as a .zkey file. A key that was read
// from one has the list of its ceremony's contributions, and its coefficients in the
// order of that file, so that `snarkjs zkey verify` accepts it again. The list of any
// other key is empty: snarkjs and rapidsnark prove with the file, and `snarkjs zkey
// verify` refuses it.
func (pk *provingKey[S, A1, A2]) writeZKey(w io.Writer, s *r1cs.System) error {
	if err := pk.Fits(s); err != nil {
		return err
	}
	b, vk, d := pk.vk.backend, pk.vk, pk.dimensions
	c, err := newCoefficientWriter(b, s, pk.order)
	if err != nil {
		return err
	}
	codec := zkey.New(b.Suite)
	contributions := pk.contributions
	if contributions == nil {
		contributions = codec.Encode(&zkey.Chain[A1, A2]{})
	}
	sections := append(codec.Head(&zkey.Header[A1, A2]{
		Dimensions: zkey.Dimensions{Variables: d.variables, Public: d.instance - 1, Domain: d.domain},
		Alpha1:     vk.alpha, Beta1: pk.beta, Beta2: vk.beta, Gamma2: vk.gamma, Delta1: pk.delta, Delta2: vk.delta,
	}),
		iden3.Data(zkey.IC, b.G1.Memory(vk.gammaABC)),
		iden3.Section{ID: zkey.Coefficients, Length: c.size(), Write: c.write},
		queryInMemory(zkey.A, b.G1, &pk.a, 0, d.variables),
		queryInMemory(zkey.B1, b.G1, &pk.b1, 0, d.variables),
		queryInMemory(zkey.B2, b.G2, &pk.b2, 0, d.variables),
		queryInMemory(zkey.C, b.G1, &pk.l, d.instance, d.private()),
		iden3.Data(zkey.H, b.G1.Memory(pk.h)),
		iden3.Data(zkey.Contributions, contributions),
	)
	out := bufio.NewWriterSize(w, 1<<16)
	if err = iden3.Write(out, zkey.Kind, zkey.Version, sections); err == nil {
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
	order  []uint32 // columns of all terms, in the order to write them; nil for the system's
	table  []byte   // by coefficient: c·R² as limbs
	width  int      // of a coefficient
	count  int
	record []byte
}

func newCoefficientWriter[S, A1, A2 any](b *backend[S, A1, A2], s *r1cs.System, order []uint32) (*coefficientWriter[S], error) {
	table, err := b.Field.FromMemory(s.Table)
	if err != nil {
		return nil, err
	}
	var r S
	zkey.Montgomery(b.Field, &r)
	scaled := make([]S, len(table))
	b.Field.ScaleVec(scaled, table, &r)
	c := &coefficientWriter[S]{system: s, order: order, table: b.Field.Memory(scaled), width: b.Params.ScalarBytes}
	for _, matrix := range [][]uint32{s.A, s.B} {
		for _, row := range matrix {
			c.count += int(s.Rows.Start[row+1] - s.Rows.Start[row])
		}
	}
	if order != nil && len(order) != c.count {
		return nil, fault.New(fault.Internal, "the key has an order of %d terms; the program has %d", len(order), c.count)
	}
	c.count += s.NumPublic + 1
	return c, nil
}

func (c *coefficientWriter[S]) size() int64 { return 4 + int64(c.count)*int64(3*4+c.width) }

func (c *coefficientWriter[S]) write(w io.Writer) error {
	s, order := c.system, c.order
	if _, err := w.Write(binary.LittleEndian.AppendUint32(nil, uint32(c.count))); err != nil {
		return err
	}
	for i := range s.NumConstraints() {
		for m, row := range []uint32{s.A[i], s.B[i]} {
			first, end := s.Rows.Start[row], s.Rows.Start[row+1]
			columns := s.Rows.Columns[first:end]
			for k := range columns {
				at := k
				if order != nil {
					var ok bool
					if at, ok = slices.BinarySearch(columns, order[0]); !ok {
						return fault.New(fault.Internal, "the key's order has a term that constraint %d lacks", i)
					}
					order = order[1:]
				}
				if err := c.put(w, m, i, columns[at], s.Rows.Coef(int(first)+at)); err != nil {
					return err
				}
			}
		}
	}
	for j := range s.NumPublic + 1 {
		if err := c.put(w, 0, s.NumConstraints()+j, uint32(j), r1cs.CoefOne); err != nil {
			return err
		}
	}
	return nil
}

func (c *coefficientWriter[S]) put(w io.Writer, matrix, constraint int, column uint32, coef int) error {
	c.record = zkey.AppendCoefficient(c.record[:0], zkey.Coefficient{
		Matrix: uint32(matrix), Row: uint32(constraint), Column: column, Limbs: c.table[coef*c.width : (coef+1)*c.width],
	})
	_, err := w.Write(c.record)
	return err
}
