package groth16

import (
	"io"

	"provery/internal/curve"
	"provery/internal/curve/bls12377"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/curve/bw6761"
	"provery/internal/fault"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// DescribeProvingKey tells curve, layout and dimensions of a Groth16 proving
// key of size bytes, in the ark or the bellman layout, without checking more
// than its lengths and its first point. Neither layout has a mark of its own: a
// file that fits none is fault.InvalidArtifact. A bellman key's lengths don't
// tell NumVariables.
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
	return wire.KeyInfo{}, fault.New(fault.InvalidArtifact, "the lengths aren't those of a Groth16 proving key")
}

func (b *backend[S, A1, A2]) describe(file io.ReaderAt, size int64) (wire.KeyInfo, bool) {
	if info, ok := b.describeArk(file, size); ok {
		return info, true
	}
	if b.Params.ID != curve.BN128 {
		return wire.KeyInfo{}, false
	}
	return b.describeBellman(file, size)
}

func (b *backend[S, A1, A2]) describeArk(file io.ReaderAt, size int64) (wire.KeyInfo, bool) {
	g1, g2 := b.G1.Bytes(), b.G2.Bytes()
	w := wire.NewWalk(file, size, scheme.LayoutArk)
	w.Skip(g1 + 3*g2)
	instance := w.Vector(g1)
	w.Skip(2 * g1)
	variables, b1, b2, h, l := w.Vector(g1), w.Vector(g1), w.Vector(g2), w.Vector(g1), w.Vector(g1)
	if !w.Done() || variables != b1 || variables != b2 || l != variables-instance || instance < 1 || !wire.HasPoint(file, b.G1, 0) {
		return wire.KeyInfo{}, false
	}
	return wire.KeyInfo{
		Curve: b.Params.ID, Layout: scheme.LayoutArk, NumPublic: instance - 1, NumVariables: variables, Domain: h + 1,
	}, true
}

func (b *backend[S, A1, A2]) describeBellman(file io.ReaderAt, size int64) (wire.KeyInfo, bool) {
	g1, g2 := b.G1.Bytes(), b.G2.Bytes()
	w := wire.NewWalk(file, size, scheme.LayoutBellman)
	w.Skip(3*g1 + 3*g2)
	instance, h := w.Vector(g1), w.Vector(g1)
	w.Vector(g1) // l
	w.Vector(g1) // a
	if b1, b2 := w.Vector(g1), w.Vector(g2); !w.Done() || b1 != b2 || instance < 1 {
		return wire.KeyInfo{}, false
	}
	return wire.KeyInfo{Curve: b.Params.ID, Layout: scheme.LayoutBellman, NumPublic: instance - 1, Domain: h + 1}, true
}
