package groth16

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
	"slices"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/parallel"
	"provery/internal/scheme"
)

// ImportProvingKey reads a key in the ark or the bellman layout, as
// scheme.Backend says. Beside every point it checks
//
//   - that no point is infinity which can't be in an honest key, and that no
//     query has a point for a column that the program doesn't use there;
//   - that the pairs of the key that stand for one secret in G1 and in G2 do:
//     beta, delta, and B, by a random linear combination.
//
// A file doesn't name its layout or program: its length tells.
func (b *backend[S, A1, A2]) ImportProvingKey(ctx context.Context, in scheme.ImportInput) (scheme.ProvingKey, error) {
	pk, err := b.importKey(ctx, in)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "read proving key")
	}
	return pk, nil
}

func (b *backend[S, A1, A2]) importKey(ctx context.Context, in scheme.ImportInput) (*provingKey[S, A1, A2], error) {
	if err := b.checkSystem(in.System); err != nil {
		return nil, err
	}
	dense, err := densityOf(b.Field, in.System)
	if err != nil {
		return nil, err
	}
	d := dimensionsOf(in.System)
	columnsA, columnsB := dense.compacted(d.instance)
	sizes := map[scheme.Layout]int64{scheme.LayoutArk: b.arkSize(d)}
	if b.Curve() == curve.BN128 {
		sizes[scheme.LayoutBellman] = b.bellmanSize(d, len(columnsA), len(columnsB))
	}
	layout, err := chooseLayout(in, sizes)
	if err != nil {
		return nil, err
	}
	omega, err := b.omega(layout, d.domain)
	if err != nil {
		return nil, err
	}
	src := &source[S, A1, A2]{backend: b, ctx: ctx, in: in, bellman: layout == scheme.LayoutBellman}
	pk := b.newProvingKey(d, layout, omega)
	if src.bellman {
		err = src.readBellman(pk, columnsA, columnsB)
	} else {
		err = src.readArk(pk)
	}
	if err != nil {
		return nil, err
	}
	if err := checkDensity(pk, dense); err != nil {
		return nil, err
	}
	if err := pk.checkPairs(ctx, in.Threads); err != nil {
		return nil, err
	}
	return pk, nil
}

// chooseLayout returns the layout that has the input's length.
func chooseLayout(in scheme.ImportInput, sizes map[scheme.Layout]int64) (scheme.Layout, error) {
	if in.Layout != "" {
		size, known := sizes[in.Layout]
		if !known {
			return "", fault.New(fault.Unsupported, "layout %q on this curve", in.Layout)
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

// source reads the parts of a key file in order.
type source[S, A1, A2 any] struct {
	*backend[S, A1, A2]
	ctx     context.Context
	in      scheme.ImportInput
	bellman bool // coordinates and lengths are big-endian, lengths 4 bytes
	offset  int64
}

// length reads the length of a vector, which must be want.
func (r *source[S, A1, A2]) length(name string, want int) error {
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

// read returns the next n points. It reads, decodes and checks them in blocks
// on the input's threads.
func read[S, A1, A2, A any](r *source[S, A1, A2], g curve.Group[S, A], name string, n int) ([]A, error) {
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

// readFinite is read for points none of which may be infinity.
func readFinite[S, A1, A2, A any](r *source[S, A1, A2], g curve.Group[S, A], name string, n int) ([]A, error) {
	points, err := read(r, g, name, n)
	if err != nil {
		return nil, err
	}
	for i := range points {
		if g.IsInfinity(&points[i]) {
			return nil, fault.New(fault.InvalidArtifact, "%s: point %d is infinity", name, i)
		}
	}
	return points, nil
}

// readOne reads one finite point.
func readOne[S, A1, A2, A any](r *source[S, A1, A2], g curve.Group[S, A], name string, dst *A) error {
	points, err := readFinite(r, g, name, 1)
	if err == nil {
		*dst = points[0]
	}
	return err
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

// checkDensity compares the columns of the key's queries with the program's.
func checkDensity[S, A1, A2 any](pk *provingKey[S, A1, A2], d density) error {
	if err := d.matches("a", columnsOf(&pk.a), func(j uint32) bool { return int(j) < pk.instance || d.a[j] }); err != nil {
		return err
	}
	if err := d.matches("b", columnsOf(&pk.b1), func(j uint32) bool { return d.b[j] }); err != nil {
		return err
	}
	if !slices.Equal(columnsOf(&pk.b1), columnsOf(&pk.b2)) {
		return fault.New(fault.InvalidArtifact, "b_g1 and b_g2 have points for different columns")
	}
	pk.b2.columns = pk.b1.columns
	return d.matches("l", columnsOf(&pk.l), func(j uint32) bool { return d.a[j] || d.b[j] || d.c[j] })
}

// checkPairs checks that beta, delta and b_g1, b_g2 hold the same logarithms
// in both groups: e(x_1, delta_2) = e(delta_1, x_2) for x = beta and for a
// combination of all of b with random factors of 128 bits. A wrong b passes
// with a probability of 2^-128.
func (pk *provingKey[S, A1, A2]) checkPairs(ctx context.Context, threads int) error {
	b := pk.vk.backend
	factors, err := smallFactors(b.Field, len(pk.b1.points))
	if err != nil {
		return err
	}
	sum1, err := b.G1.MSM(ctx, pk.b1.points, factors, threads)
	if err != nil {
		return err
	}
	sum2, err := b.G2.MSM(ctx, pk.b2.points, factors, threads)
	if err != nil {
		return err
	}
	negDelta := b.G1.Neg(&pk.delta)
	for _, x := range []struct {
		name string
		g1   A1
		g2   A2
	}{{"beta and delta", pk.beta, pk.vk.beta}, {"b", sum1, sum2}} {
		same, err := b.PairingIsOne([]A1{x.g1, negDelta}, []A2{pk.vk.delta, x.g2})
		if err != nil {
			return err
		}
		if !same {
			return fault.New(fault.InvalidArtifact, "%s: the points of G1 and of G2 don't belong together", x.name)
		}
	}
	return nil
}

// smallFactors returns n random scalars of 128 bits.
func smallFactors[S any](f curve.Field[S], n int) ([]S, error) {
	const size = 16
	width := f.Params().ScalarBytes
	b, random := make([]byte, n*width), make([]byte, n*size)
	if _, err := rand.Read(random); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "draw random factors")
	}
	for i := range n {
		copy(b[i*width:], random[i*size:(i+1)*size])
	}
	out := make([]S, n)
	return out, f.Decode(out, b)
}
