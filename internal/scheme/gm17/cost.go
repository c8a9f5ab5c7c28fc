package gm17

import (
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// Cost implements scheme.Backend. Beside the witness and the assignment of the
// square arithmetic program a proof holds two vectors of the domain's length
// during a multiplication, or five during the transforms; the domain's tables are
// another four.
func (b *backend[S, A1, A2]) Cost(s scheme.Size, threads int) scheme.Cost {
	d := dimensions{s.Variables, s.Public + 1, s.Constraints}
	n, columns := d.domain(), d.columns()
	return b.Base.Cost(wire.Steps{
		Domain: n, Tables: 4, Vectors: 3, Witness: s.Variables + s.Rows, Scalars: columns,
		G1: 2*columns + n, G2: columns, Longest: n, Dense: n,
	}, threads)
}
