package groth16

import (
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// Cost implements scheme.Backend. Beside the witness a proof holds two vectors of
// the domain's length during a multiplication, or four during the transforms; the
// domain's tables are another four.
func (b *backend[S, A1, A2]) Cost(s scheme.Size, threads int) scheme.Cost {
	d := dimensions{s.Variables, s.Public + 1, 1}
	for d.domain < s.Constraints+d.instance {
		d.domain *= 2
	}
	return b.Base.Cost(wire.Steps{
		Domain: d.domain, Tables: 4, Vectors: 2, Witness: s.Variables + s.Rows,
		G1: 2*s.Variables + d.private() + d.domain, G2: s.Variables, Longest: d.domain, Dense: d.domain,
	}, threads)
}
