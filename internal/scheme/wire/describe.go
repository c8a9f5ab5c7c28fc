package wire

import (
	"context"
	"encoding/binary"
	"io"

	"provery/internal/curve"
	"provery/internal/scheme"
)

// KeyInfo is what the lengths inside of a proving key tell.
type KeyInfo struct {
	Curve        curve.ID
	Layout       scheme.Layout
	NumPublic    int // public inputs, without the constant 1
	NumVariables int // columns of z; 0 where the lengths don't tell
	Domain       int // points of the evaluation domain
}

// Walk goes through a key file from length to length. The first impossible
// step makes it fail for good.
type Walk struct {
	file   io.ReaderAt
	size   int64
	at     int64
	width  int // of a length
	failed bool
}

// NewWalk returns a Walk at the start of a file of size bytes in the layout.
func NewWalk(file io.ReaderAt, size int64, layout scheme.Layout) *Walk {
	width := 8
	if layout == scheme.LayoutBellman {
		width = 4
	}
	return &Walk{file: file, size: size, width: width}
}

// Skip steps over n bytes.
func (w *Walk) Skip(n int) { w.at += int64(n) }

// Vector reads a length and steps over so many items of item bytes each. It
// returns 0 if it fails.
func (w *Walk) Vector(item int) int {
	b := make([]byte, 8)
	if w.failed || w.at > w.size-int64(w.width) {
		w.failed = true
		return 0
	}
	if _, err := w.file.ReadAt(b[:w.width], w.at); err != nil {
		w.failed = true
		return 0
	}
	n := binary.LittleEndian.Uint64(b)
	if w.width == 4 {
		n = uint64(binary.BigEndian.Uint32(b))
	}
	w.at += int64(w.width)
	if n > uint64(w.size-w.at)/uint64(item) {
		w.failed = true
		return 0
	}
	w.at += int64(n) * int64(item)
	return int(n)
}

// Done reports whether the walk ended at the file's end without failing.
func (w *Walk) Done() bool { return !w.failed && w.at == w.size }

// HasPoint reports whether the file holds a point of g, in the ark layout, at
// the offset: curves with coordinates of one size are told apart by it.
func HasPoint[S, A any](file io.ReaderAt, g curve.Group[S, A], offset int) bool {
	raw := make([]byte, g.Bytes())
	if n, _ := file.ReadAt(raw, int64(offset)); n < len(raw) {
		return false
	}
	point := make([]A, 1)
	return g.Decode(point, raw) == nil && g.Check(context.Background(), point, 1) == nil
}
