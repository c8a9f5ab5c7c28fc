package groth16

import (
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// Cost implements scheme.Backend. Beside the witness a proof holds three
// vectors of the domain's length; the domain's tables are another three.
func (b *backend[S, A1, A2]) Cost(s scheme.Size, threads int) scheme.Cost {
	d := dimensions{s.Variables, s.Public + 1, 1}
	for d.domain < s.Constraints+d.instance {
		d.domain *= 2
	}
	return b.Base.Cost(wire.Steps{
		Domain: d.domain, Vectors: 6, Scalars: 2*s.Variables + 3*s.Constraints + s.Rows,
		G1: 2*s.Variables + d.private() + d.domain, G2: s.Variables, Dense: d.domain,
	}, threads)
}
