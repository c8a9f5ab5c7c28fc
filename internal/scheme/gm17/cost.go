package gm17

import (
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// Cost implements scheme.Backend. Beside the witness and the assignment of the
// square arithmetic program a proof holds two vectors of the domain's length;
// the domain's tables are another three.
func (b *backend[S, A1, A2]) Cost(s scheme.Size, threads int) scheme.Cost {
	d := dimensions{s.Variables, s.Public + 1, s.Constraints}
	n, columns := d.domain(), d.columns()
	return b.Base.Cost(wire.Steps{
		Domain: n, Vectors: 5, Scalars: s.Variables + 3*s.Constraints + 2*columns + s.Rows,
		G1: 2*columns + n, G2: columns, Dense: n,
	}, threads)
}
