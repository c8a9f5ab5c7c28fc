package circom

import (
	"context"
	"io"
	"math"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/r1cs"
)

// Constraints are the constraints of an .r1cs file, each combination in the order
// of its terms there. A ceremony's files keep that order, which r1cs.System doesn't.
type Constraints[S any] struct {
	*Header
	// A, B and C have a row for each constraint; its columns are wires.
	A, B, C curve.Sparse
	// Table holds the coefficients. Entry 0 is 1, entry 1 is -1.
	Table []S
}

// Public is the number of public wires, outputs and public inputs.
func (c *Constraints[S]) Public() int { return c.public() }

// ReadConstraints reads an .r1cs file over the field f. One over another field
// is fault.InvalidArtifact.
func ReadConstraints[S any](ctx context.Context, f curve.Field[S], file *io.SectionReader) (*Constraints[S], error) {
	frame, h, err := openR1CS(file)
	if err != nil {
		return nil, err
	}
	if h.Curve != f.Params().ID {
		return nil, fault.New(fault.InvalidArtifact, "read constraint system: it is over %v, not over %v", h.Curve, f.Params().ID)
	}
	r, err := newConstraintReader(f.Params(), frame, h)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "read constraint system")
	}
	out := &Constraints[S]{Header: h}
	matrices := [3]*curve.Sparse{&out.A, &out.B, &out.C}
	for _, m := range matrices {
		m.Start, m.Coef32 = append(make([]uint32, 0, h.Constraints+1), 0), []uint32{}
	}
	err = r.each(ctx, h, func(matrix, _ int) error {
		if err := r.combination(); err != nil {
			return err
		}
		m := matrices[matrix]
		m.Columns, m.Coef32 = append(m.Columns, r.terms.Columns...), append(m.Coef32, r.terms.Terms...)
		if len(m.Columns) > math.MaxUint32 {
			return fault.New(fault.TooLarge, "the constraint system has too many terms")
		}
		m.Start = append(m.Start, uint32(len(m.Columns)))
		return nil
	})
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "read constraint system")
	}
	return out, out.setTable(f, r.pool)
}

// setTable takes the pool's coefficients, with zero behind them if it occurs.
func (c *Constraints[S]) setTable(f curve.Field[S], pool *r1cs.Pool) error {
	memory, err := r1cs.InternTable(f, pool)
	if err != nil {
		return err
	}
	if c.Table, err = f.FromMemory(memory); err != nil {
		return err
	}
	zero := uint32(len(c.Table))
	for _, m := range []*curve.Sparse{&c.A, &c.B, &c.C} {
		for k, coef := range m.Coef32 {
			if coef == r1cs.CoefZero {
				m.Coef32[k] = zero
			}
		}
	}
	c.Table = append(c.Table, *new(S))
	return nil
}
