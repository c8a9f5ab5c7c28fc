package zkey

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"math/big"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/iden3"
)

// Coefficient is one of the matrix A (0) or B (1). Limbs is its value c as
// the limbs of c·R².
type Coefficient struct {
	Matrix, Row, Column uint32
	Limbs               []byte
}

// EachCoefficient calls f for every coefficient of the file in turn. They are
// within the matrices' dimensions, and below the field's order.
func EachCoefficient(ctx context.Context, f *iden3.File, p *curve.Params, d Dimensions, visit func(Coefficient) error) error {
	section, err := f.Section(Coefficients)
	if err != nil {
		return err
	}
	size := 3*4 + p.ScalarBytes
	in := bufio.NewReaderSize(section, 1<<16)
	record := make([]byte, size)
	if _, err := io.ReadFull(in, record[:4]); err != nil {
		return fault.New(fault.InvalidArtifact, "the section of coefficients is too short")
	}
	n := binary.LittleEndian.Uint32(record)
	if section.Size() != 4+int64(n)*int64(size) {
		return fault.New(fault.InvalidArtifact, "%d coefficients in a section of %d bytes", n, section.Size())
	}
	modulus := LittleEndian(p.ScalarModulus, p.ScalarBytes)
	for i := range n {
		if i%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := io.ReadFull(in, record); err != nil {
			return fault.Wrap(err, fault.Internal, "read coefficients")
		}
		c := Coefficient{
			binary.LittleEndian.Uint32(record), binary.LittleEndian.Uint32(record[4:]), binary.LittleEndian.Uint32(record[8:]), record[12:],
		}
		if c.Matrix > 1 || uint64(c.Row) >= uint64(d.Domain) || uint64(c.Column) >= uint64(d.Variables) || !Below(c.Limbs, modulus) {
			return fault.New(fault.InvalidArtifact, "coefficient %d is out of range", i)
		}
		if err := visit(c); err != nil {
			return err
		}
	}
	return nil
}

// AppendCoefficient writes c.
func AppendCoefficient(b []byte, c Coefficient) []byte {
	b = binary.LittleEndian.AppendUint32(b, c.Matrix)
	b = binary.LittleEndian.AppendUint32(b, c.Row)
	b = binary.LittleEndian.AppendUint32(b, c.Column)
	return append(b, c.Limbs...)
}

// Montgomery sets dst to the field's Montgomery constant R = 2^(8·ScalarBytes).
func Montgomery[S any](f curve.Field[S], dst *S) {
	f.SetUint64(dst, 2)
	f.Exp(dst, dst, big.NewInt(int64(8*f.Params().ScalarBytes)))
}
