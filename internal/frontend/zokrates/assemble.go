package zokrates

import (
	"provery/internal/curve"
	"provery/internal/r1cs"
)

// assemble turns what the compiler collected into the compact form: slots
// become places in z, and rows that read variables beyond z's columns move to
// a pool of their own, since the constraint system knows its columns only.
func assemble[S any](f curve.Field[S], c *compiler, h *Header, parameters []parameter) (*code, error) {
	numColumns, ids, err := c.variables.finish()
	if err != nil {
		return nil, err
	}
	table, err := r1cs.InternTable(f, c.pool)
	if err != nil {
		return nil, err
	}
	place := c.variables.columns
	out := &code{
		places: len(ids), ids: ids, outputs: h.Outputs, directives: c.directives,
		solvers: c.solvers, failures: c.failures.table, logs: c.logs,
	}
	for _, p := range parameters {
		out.parameters = append(out.parameters, place[c.variables.slots[p.id]])
	}
	for k, slot := range c.pool.Columns {
		c.pool.Columns[k] = place[slot]
	}
	rows, main, aux := splitRows(c.pool, uint32(numColumns))
	out.steps = relocateSteps(c.steps, place, rows)
	for _, matrix := range [][]uint32{c.a, c.b, c.c} {
		for i, row := range matrix {
			matrix[i] = rows[row]
		}
	}
	numCoefs := c.pool.Coefs.Len()
	out.auxiliary = r1cs.Narrow(aux, numCoefs)
	out.system = &r1cs.System{
		Curve: h.Curve, NumPublic: c.variables.firstOutput + h.Outputs - 1, NumVariables: numColumns,
		A: c.a, B: c.b, C: c.c, Rows: r1cs.Narrow(main, numCoefs), Table: table,
	}
	return out, nil
}

// splitRows parts the pool's rows into those whose columns are all below
// limit and the others, both in the pool's order, and returns the new numbers
// by old number. main reuses the pool's storage.
func splitRows(p *r1cs.Pool, limit uint32) (rows []uint32, main, aux curve.Sparse) {
	rows = make([]uint32, p.NumRows())
	main = curve.Sparse{Start: make([]uint32, 1, len(p.Start)), Columns: p.Columns[:0], Coef32: p.Terms[:0]}
	aux = curve.Sparse{Start: []uint32{0}}
	for row := range rows {
		lo, hi := p.Start[row], p.Start[row+1]
		dst, mark := &main, uint32(0)
		for _, column := range p.Columns[lo:hi] {
			if column >= limit {
				dst, mark = &aux, auxiliary
				break
			}
		}
		rows[row] = uint32(dst.NumRows()) | mark
		dst.Columns = append(dst.Columns, p.Columns[lo:hi]...)
		dst.Coef32 = append(dst.Coef32, p.Terms[lo:hi]...)
		dst.Start = append(dst.Start, uint32(len(dst.Columns)))
	}
	return rows, main, aux
}

// relocateSteps replaces slots by places and pool rows by their new numbers.
// It works in place.
func relocateSteps(steps, place, rows []uint32) []uint32 {
	for i := 0; i < len(steps); {
		op, argument := steps[i]&opMask, steps[i]>>opBits
		i++
		switch op {
		case opAssign:
			steps[i-1] = op | place[argument]<<opBits
		case opDirective:
			in, out := int(steps[i]), int(steps[i+1])
			i += 2
			relocate(steps[i:i+2*in], rows)
			relocate(steps[i+2*in:i+2*in+out], place)
			i += 2*in + out
		case opLog:
			n := int(steps[i])
			relocate(steps[i+1:i+1+n], rows)
			i += 1 + n
		}
	}
	return steps
}

func relocate(words, to []uint32) {
	for i, w := range words {
		words[i] = to[w]
	}
}
