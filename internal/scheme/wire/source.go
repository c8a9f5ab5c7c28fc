package wire

import (
	"context"
	"encoding/binary"
	"io"
	"slices"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/iden3"
	"provery/internal/parallel"
	"provery/internal/scheme"
)

// ChooseLayout returns the layout of the input: the one it names, if the file
// has that one's size, or the one that has the file's size. A layout that
// sizes lacks is fault.Unsupported.
func ChooseLayout(in scheme.ImportInput, sizes map[scheme.Layout]int64) (scheme.Layout, error) {
	if IsZKey(in.Data) && in.Layout == "" {
		return "", fault.New(fault.Unsupported, "a .zkey file, which holds no key of this scheme and curve")
	}
	if in.Layout != "" {
		size, known := sizes[in.Layout]
		if !known {
			return "", fault.New(fault.Unsupported, "layout %q for this scheme and curve", in.Layout)
		}
		if size != in.Size {
			return "", fault.New(fault.InvalidArtifact, "%d bytes; a key for this program in layout %s has %d", in.Size, in.Layout, size)
		}
		return in.Layout, nil
	}
	for _, layout := range []scheme.Layout{scheme.LayoutArk, scheme.LayoutBellman} {
		if size, known := sizes[layout]; known && size == in.Size {
			return layout, nil
		}
	}
	return "", fault.New(fault.InvalidArtifact, "%d bytes; a key for this program has %d in layout ark", in.Size, sizes[scheme.LayoutArk])
}

// IsZKey reports whether the file is one of snarkjs's keys.
func IsZKey(data io.ReaderAt) bool {
	var head [12]byte
	n, _ := data.ReadAt(head[:], 0)
	return iden3.KindOf(head[:n]) == "zkey"
}

// Source reads the parts of a proving key, in order, for the duration of one
// call.
type Source struct {
	ctx     context.Context
	in      scheme.ImportInput
	bellman bool // coordinates and lengths are big-endian, lengths 4 bytes
	offset  int64
}

// NewSource returns a Source at the start of the input, in the ark or the
// bellman layout.
func NewSource(ctx context.Context, in scheme.ImportInput, layout scheme.Layout) *Source {
	return &Source{ctx: ctx, in: in, bellman: layout == scheme.LayoutBellman}
}

// length reads the length of a vector, which must be want.
func (r *Source) length(name string, want int) error {
	var b [8]byte
	size := 8
	if r.bellman {
		size = 4
	}
	if err := readFull(r.in.Data, b[:size], r.offset); err != nil {
		return fault.Wrap(err, fault.Internal, "length of %s", name)
	}
	r.offset += int64(size)
	got := binary.LittleEndian.Uint64(b[:])
	if r.bellman {
		got = uint64(binary.BigEndian.Uint32(b[:4]))
	}
	if got != uint64(want) {
		return fault.New(fault.InvalidArtifact, "%s: %d points; the program needs %d", name, got, want)
	}
	return nil
}

// ReadVector returns the next vector, of n points. It reads, decodes and
// checks them in blocks on the input's threads.
func ReadVector[S, A any](r *Source, g curve.Group[S, A], name string, n int) ([]A, error) {
	if err := r.length(name, n); err != nil {
		return nil, err
	}
	return read(r, g, name, n)
}

// ReadFinite is ReadVector for points none of which may be infinity.
func ReadFinite[S, A any](r *Source, g curve.Group[S, A], name string, n int) ([]A, error) {
	points, err := ReadVector(r, g, name, n)
	if err != nil {
		return nil, err
	}
	return points, allFinite(g, name, points)
}

// ReadPoint reads one finite point, which has no length before it.
func ReadPoint[S, A any](r *Source, g curve.Group[S, A], name string, dst *A) error {
	points, err := read(r, g, name, 1)
	if err != nil {
		return err
	}
	*dst = points[0]
	return allFinite(g, name, points)
}

func allFinite[S, A any](g curve.Group[S, A], name string, points []A) error {
	for i := range points {
		if g.IsInfinity(&points[i]) {
			return fault.New(fault.InvalidArtifact, "%s: point %d is infinity", name, i)
		}
	}
	return nil
}

func read[S, A any](r *Source, g curve.Group[S, A], name string, n int) ([]A, error) {
	const block = 1024
	size := g.Bytes()
	points := make([]A, n)
	err := parallel.Chunks(r.ctx, r.in.Threads, n, block, func(lo, hi int) error {
		b := make([]byte, (hi-lo)*size)
		if err := readFull(r.in.Data, b, r.offset+int64(lo)*int64(size)); err != nil {
			return fault.Wrap(err, fault.Internal, "%s", name)
		}
		if r.bellman {
			reverseEach(b, size/2)
		}
		if err := g.Decode(points[lo:hi], b); err != nil {
			return fault.Wrap(err, fault.InvalidArtifact, "%s, from point %d on", name, lo)
		}
		return fault.Wrap(g.Check(r.ctx, points[lo:hi], 1), fault.InvalidArtifact, "%s, from point %d on", name, lo)
	})
	r.offset += int64(n) * int64(size)
	return points, err
}

// readFull fills b from offset on. Data that ends early is
// fault.InvalidArtifact.
func readFull(data io.ReaderAt, b []byte, offset int64) error {
	n, err := data.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		return fault.New(fault.InvalidArtifact, "the file ends early")
	}
	return fault.Wrap(err, fault.Internal, "read file")
}

// reverseEach reverses each group of size bytes of b. It turns a coordinate in
// bellman's order (big-endian, c1 before c0) into one in arkworks's.
func reverseEach(b []byte, size int) {
	for lo := 0; lo < len(b); lo += size {
		slices.Reverse(b[lo : lo+size])
	}
}
