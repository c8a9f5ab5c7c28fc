package zkey

import (
	"context"
	"io"
	"slices"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/parallel"
)

// Points reads points of one group in memory form, and checks them: coordinates
// below the modulus, on the curve, in the subgroup.
type Points[S, A any] struct {
	curve.Group[S, A]
	modulus []byte // of the base field
	threads int
}

// OfG1 reads points of G1 on so many threads.
func (c Codec[S, A1, A2]) OfG1(threads int) Points[S, A1] {
	return Points[S, A1]{c.G1, LittleEndian(c.Params.BaseModulus, c.Params.BaseBytes), threads}
}

// OfG2 reads points of G2 on so many threads.
func (c Codec[S, A1, A2]) OfG2(threads int) Points[S, A2] {
	return Points[S, A2]{c.G2, LittleEndian(c.Params.BaseModulus, c.Params.BaseBytes), threads}
}

// Read reads n points of a section, whose length the caller has checked, from
// point first on. Name is the section's, for errors.
func (p Points[S, A]) Read(ctx context.Context, name string, section io.ReaderAt, first, n int) ([]A, error) {
	return p.read(ctx, name, section, first, n, false)
}

// ReadFinite is Read for points none of which may be infinity.
func (p Points[S, A]) ReadFinite(ctx context.Context, name string, section io.ReaderAt, first, n int) ([]A, error) {
	return p.read(ctx, name, section, first, n, true)
}

func (p Points[S, A]) read(ctx context.Context, name string, section io.ReaderAt, first, n int, finite bool) ([]A, error) {
	points := make([]A, n)
	const block = 1024
	return points, parallel.Chunks(ctx, p.threads, n, block, func(lo, hi int) error {
		part := points[lo:hi]
		b := p.Memory(part)
		if got, err := section.ReadAt(b, int64(first+lo)*int64(p.Bytes())); got < len(b) {
			return fault.Wrap(err, fault.Internal, "read %s", name)
		}
		return fault.Wrap(p.check(ctx, name, part, finite), fault.InvalidArtifact, "from point %d on", first+lo)
	})
}

// Take takes one finite point off the front of rest.
func (p Points[S, A]) Take(ctx context.Context, name string, rest *[]byte, dst *A) error {
	points := make([]A, 1)
	if len(*rest) < p.Bytes() {
		return fault.New(fault.InvalidArtifact, "%s: the bytes end early", name)
	}
	copy(p.Memory(points), *rest)
	*rest = (*rest)[p.Bytes():]
	*dst = points[0]
	return p.check(ctx, name, points, true)
}

func (p Points[S, A]) check(ctx context.Context, name string, points []A, finite bool) error {
	if !Below(p.Memory(points), p.modulus) {
		return fault.New(fault.InvalidArtifact, "%s: a coordinate isn't below the field's order", name)
	}
	for i := range points {
		if finite && p.IsInfinity(&points[i]) {
			return fault.New(fault.InvalidArtifact, "%s: point %d is infinity", name, i)
		}
	}
	return fault.Wrap(p.Check(ctx, points, 1), fault.InvalidArtifact, "%s", name)
}

// Below reports whether each little-endian value of b, of the modulus's length,
// is below the modulus.
func Below(b, modulus []byte) bool {
	for ; len(b) > 0; b = b[len(modulus):] {
		i := len(modulus) - 1
		for i > 0 && b[i] == modulus[i] {
			i--
		}
		if b[i] >= modulus[i] {
			return false
		}
	}
	return true
}

// Uncompressed returns points as the ceremony's hashes take them: x and y
// big-endian, in G2 c1 before c0; infinity as zeros.
func Uncompressed[S, A any](g curve.Group[S, A], points ...A) []byte {
	size := g.Bytes()
	b := make([]byte, len(points)*size)
	g.Encode(b, points)
	for i := range points {
		p := b[i*size : (i+1)*size]
		if g.IsInfinity(&points[i]) {
			clear(p)
			continue
		}
		slices.Reverse(p[:size/2])
		slices.Reverse(p[size/2:])
	}
	return b
}
