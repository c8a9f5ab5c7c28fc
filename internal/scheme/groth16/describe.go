package groth16

import (
	"context"
	"encoding/binary"
	"io"

	"provery/internal/curve"
	"provery/internal/curve/bls12377"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/curve/bw6761"
	"provery/internal/fault"
	"provery/internal/scheme"
)

// KeyInfo is what the lengths inside of a proving key tell.
type KeyInfo struct {
	Curve        curve.ID
	Layout       scheme.Layout
	NumPublic    int // public inputs, without the constant 1
	NumVariables int // columns of z; 0 where the layout doesn't tell (bellman leaves some out)
	Domain       int // points of the evaluation domain
}

// DescribeProvingKey tells curve, layout and dimensions of a Groth16 proving
// key of size bytes, in the ark or the bellman layout, without checking more
// than its lengths and its first point. Neither layout has a mark of its own: a
// file that fits none is fault.InvalidArtifact.
func DescribeProvingKey(file io.ReaderAt, size int64) (KeyInfo, error) {
	for _, describe := range []func(io.ReaderAt, int64) (KeyInfo, bool){
		newBackend(bn254.Suite()).describe,
		newBackend(bls12381.Suite()).describe,
		newBackend(bls12377.Suite()).describe,
		newBackend(bw6761.Suite()).describe,
	} {
		if info, ok := describe(file, size); ok {
			return info, nil
		}
	}
	return KeyInfo{}, fault.New(fault.InvalidArtifact, "the lengths aren't those of a Groth16 proving key")
}

// walk goes through a key from length to length.
type walk struct {
	file   io.ReaderAt
	size   int64
	at     int64
	failed bool
}

func (w *walk) skip(n int64) { w.at += n }

// vector reads a length of width bytes and steps over so many items.
func (w *walk) vector(width int, order binary.ByteOrder, item int) int {
	b := make([]byte, width)
	if w.failed || w.at > w.size-int64(width) {
		w.failed = true
		return 0
	}
	if _, err := w.file.ReadAt(b, w.at); err != nil {
		w.failed = true
		return 0
	}
	var n uint64
	if width == 8 {
		n = order.Uint64(b)
	} else {
		n = uint64(order.Uint32(b))
	}
	w.at += int64(width)
	if n > uint64(w.size-w.at)/uint64(item) {
		w.failed = true
		return 0
	}
	w.at += int64(n) * int64(item)
	return int(n)
}

func (w *walk) done() bool { return !w.failed && w.at == w.size }

func (b *backend[S, A1, A2]) describe(file io.ReaderAt, size int64) (KeyInfo, bool) {
	if info, ok := b.describeArk(file, size); ok {
		return info, true
	}
	if b.Params.ID != curve.BN128 {
		return KeyInfo{}, false
	}
	return b.describeBellman(file, size)
}

func (b *backend[S, A1, A2]) describeArk(file io.ReaderAt, size int64) (KeyInfo, bool) {
	g1, g2 := b.G1.Bytes(), b.G2.Bytes()
	w := &walk{file: file, size: size}
	vector := func(item int) int { return w.vector(8, binary.LittleEndian, item) }
	w.skip(int64(g1 + 3*g2))
	instance := vector(g1)
	w.skip(int64(2 * g1))
	variables, b1, b2, h, l := vector(g1), vector(g1), vector(g2), vector(g1), vector(g1)
	if !w.done() || variables != b1 || variables != b2 || l != variables-instance || instance < 1 || !b.firstPoint(file) {
		return KeyInfo{}, false
	}
	return KeyInfo{b.Params.ID, scheme.LayoutArk, instance - 1, variables, h + 1}, true
}

// firstPoint reports whether the file starts with a point of G1: the curves
// with coordinates of one size are told apart by it.
func (b *backend[S, A1, A2]) firstPoint(file io.ReaderAt) bool {
	raw := make([]byte, b.G1.Bytes())
	if _, err := file.ReadAt(raw, 0); err != nil {
		return false
	}
	point := make([]A1, 1)
	return b.G1.Decode(point, raw) == nil && b.G1.Check(context.Background(), point, 1) == nil
}

func (b *backend[S, A1, A2]) describeBellman(file io.ReaderAt, size int64) (KeyInfo, bool) {
	g1, g2 := b.G1.Bytes(), b.G2.Bytes()
	w := &walk{file: file, size: size}
	vector := func(item int) int { return w.vector(4, binary.BigEndian, item) }
	w.skip(int64(3*g1 + 3*g2))
	instance, h := vector(g1), vector(g1)
	vector(g1) // l
	vector(g1) // a
	if b1, b2 := vector(g1), vector(g2); !w.done() || b1 != b2 || instance < 1 {
		return KeyInfo{}, false
	}
	return KeyInfo{b.Params.ID, scheme.LayoutBellman, instance - 1, 0, h + 1}, true
}
