package wire

import (
	"slices"

	"provery/internal/container"
	"provery/internal/fault"
	"provery/internal/scheme"
)

// Provery's own key files are containers whose first section is a header of
// u64: the scheme's code, the curve, the layout that the key was read from,
// and the scheme's dimensions.

// fixedWords are those of a header before the dimensions.
const fixedWords = 3

var schemeCodes = []scheme.ID{"", scheme.Groth16, scheme.GM17}

var layoutCodes = []scheme.Layout{"", scheme.LayoutArk, scheme.LayoutBellman, scheme.LayoutNative, scheme.LayoutSnarkJS}

// Header returns the header of a key.
func (b *Base[S, A1, A2]) Header(layout scheme.Layout, dimensions ...int) []uint64 {
	header := []uint64{uint64(slices.Index(schemeCodes, b.id)), uint64(b.Curve()), uint64(slices.Index(layoutCodes, layout))}
	for _, d := range dimensions {
		header = append(header, uint64(d))
	}
	return header
}

// ParseHeader checks the fixed words of a header with n dimensions, and
// returns the layout and the dimensions, unchecked. Another scheme's or
// curve's header is fault.InvalidArtifact.
func (b *Base[S, A1, A2]) ParseHeader(header []uint64, n int) (scheme.Layout, []uint64, error) {
	bad := func(format string, args ...any) (scheme.Layout, []uint64, error) {
		return "", nil, fault.New(fault.InvalidArtifact, format, args...)
	}
	switch {
	case len(header) != fixedWords+n:
		return bad("header of a wrong length")
	case header[0] != uint64(slices.Index(schemeCodes, b.id)):
		return bad("not a %s key", b.id)
	case header[1] != uint64(b.Curve()):
		return bad("key on another curve than %v", b.Curve())
	case header[2] == 0 || header[2] >= uint64(len(layoutCodes)):
		return bad("unknown layout")
	}
	return layoutCodes[header[2]], header[fixedWords:], nil
}

// OpenElements views a section of n elements with view, a FromMemory method.
// Another number is fault.InvalidArtifact.
func OpenElements[T any](f *container.File, id uint32, n int, view func([]byte) ([]T, error)) ([]T, error) {
	data, err := f.Section(id)
	if err != nil {
		return nil, err
	}
	v, err := view(data)
	if err == nil && len(v) != n {
		err = fault.New(fault.InvalidArtifact, "section %d: %d elements where %d are wanted", id, len(v), n)
	}
	return v, err
}

// OpenQuery views a query whose points and columns are in two sections. The
// columns are ascending and lie between first and limit-1; an empty section
// of columns beside points stands for all of these.
func OpenQuery[A any](f *container.File, points, columns uint32, view func([]byte) ([]A, error), first, limit int) (Query[A], error) {
	q := Query[A]{First: first}
	var err error
	if q.Columns, err = container.Words[uint32](f, columns); err != nil {
		return q, err
	}
	data, err := f.Section(points)
	if err != nil {
		return q, err
	}
	n := len(q.Columns)
	if n == 0 && len(data) > 0 {
		q.Columns, n = nil, limit-first
	}
	next := uint64(first)
	for _, j := range q.Columns {
		if uint64(j) < next || uint64(j) >= uint64(limit) {
			return q, fault.New(fault.InvalidArtifact, "section %d: columns out of order or range", columns)
		}
		next = uint64(j) + 1
	}
	q.Points, err = OpenElements(f, points, n, view)
	return q, err
}
