package gm17

import (
	"io"

	"provery/internal/curve/bls12377"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/curve/bw6761"
	"provery/internal/fault"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// DescribeProvingKey tells curve and dimensions of a GM17 proving key of size
// bytes, in the ark layout, without checking more than its lengths and its
// first point of G1. The layout has no mark of its own: a file that doesn't fit
// is fault.InvalidArtifact. The lengths tell the sum of variables and
// constraints only, so NumVariables is 0.
func DescribeProvingKey(file io.ReaderAt, size int64) (wire.KeyInfo, error) {
	for _, describe := range []func(io.ReaderAt, int64) (wire.KeyInfo, bool){
		newBackend(bn254.Suite()).describe,
		newBackend(bls12381.Suite()).describe,
		newBackend(bls12377.Suite()).describe,
		newBackend(bw6761.Suite()).describe,
	} {
		if info, ok := describe(file, size); ok {
			return info, nil
		}
	}
	return wire.KeyInfo{}, fault.New(fault.InvalidArtifact, "the lengths aren't those of a GM17 proving key")
}

func (b *backend[S, A1, A2]) describe(file io.ReaderAt, size int64) (wire.KeyInfo, bool) {
	g1, g2 := b.G1.Bytes(), b.G2.Bytes()
	w := wire.NewWalk(file, size, scheme.LayoutArk)
	w.Skip(2*g1 + 3*g2)
	instance, a, bq, c1, c2 := w.Vector(g1), w.Vector(g1), w.Vector(g2), w.Vector(g1), w.Vector(g1)
	w.Skip(3*g1 + g2)
	powers := w.Vector(g1)
	// After h comes g_alpha.
	if !w.Done() || a != bq || a != c2 || c1 != a-instance || instance < 1 || powers < 2 || !wire.HasPoint(file, b.G1, g2) {
		return wire.KeyInfo{}, false
	}
	return wire.KeyInfo{Curve: b.Params.ID, Layout: scheme.LayoutArk, NumPublic: instance - 1, Domain: powers - 1}, true
}
