package groth16

import (
	"bufio"
	"encoding/binary"
	"io"

	"provery/internal/curve"
	"provery/internal/fault"
)

// The ark layout (arkworks 0.3, uncompressed): alpha_g1, beta_g2, gamma_g2,
// delta_g2, gamma_abc_g1, beta_g1, delta_g1, a, b_g1, b_g2, h, l. Vectors start
// with their length, u64 little-endian; points are as curve.Group.Decode reads
// them. a, b_g1 and b_g2 have a point for each column, l for each private one.

// arkSize is the size in bytes of a key in the ark layout.
func (b *backend[S, A1, A2]) arkSize(d dimensions) int64 {
	g1 := 3 + d.instance + 2*d.variables + d.domain - 1 + d.private()
	g2 := 3 + d.variables
	return int64(g1)*int64(b.G1.Bytes()) + int64(g2)*int64(b.G2.Bytes()) + 6*8
}

// readArk fills pk from a file in the ark layout.
func (r *source[S, A1, A2]) readArk(pk *provingKey[S, A1, A2]) error {
	g1, g2, vk := r.G1, r.G2, pk.vk
	var a, b1, l []A1
	var b2 []A2
	err := inOrder(
		func() error { return readOne(r, g1, "alpha_g1", &vk.alpha) },
		func() error { return readOne(r, g2, "beta_g2", &vk.beta) },
		func() error { return readOne(r, g2, "gamma_g2", &vk.gamma) },
		func() error { return readOne(r, g2, "delta_g2", &vk.delta) },
		func() error { return r.length("gamma_abc_g1", pk.instance) },
		func() (err error) { vk.gammaABC, err = readFinite(r, g1, "gamma_abc_g1", pk.instance); return },
		func() error { return readOne(r, g1, "beta_g1", &pk.beta) },
		func() error { return readOne(r, g1, "delta_g1", &pk.delta) },
		func() error { return r.length("a_query", pk.variables) },
		func() (err error) { a, err = read(r, g1, "a_query", pk.variables); return },
		func() error { return r.length("b_g1_query", pk.variables) },
		func() (err error) { b1, err = read(r, g1, "b_g1_query", pk.variables); return },
		func() error { return r.length("b_g2_query", pk.variables) },
		func() (err error) { b2, err = read(r, g2, "b_g2_query", pk.variables); return },
		func() error { return r.length("h_query", pk.dimensions.domain-1) },
		func() (err error) { pk.h, err = readFinite(r, g1, "h_query", pk.dimensions.domain-1); return },
		func() error { return r.length("l_query", pk.private()) },
		func() (err error) { l, err = read(r, g1, "l_query", pk.private()); return },
	)
	if err != nil {
		return err
	}
	pk.a, pk.l = dropInfinity(g1, a, 0), dropInfinity(g1, l, pk.instance)
	pk.b1, pk.b2 = dropInfinity(g1, b1, 0), dropInfinity(g2, b2, 0)
	return nil
}

// inOrder calls the functions until one fails.
func inOrder(fs ...func() error) error {
	for _, f := range fs {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// writeArk writes pk in the ark layout.
func (pk *provingKey[S, A1, A2]) writeArk(w io.Writer) error {
	b, vk := pk.vk.backend, pk.vk
	out := bufio.NewWriterSize(w, 1<<16)
	err := inOrder(
		func() error { return writePoints(out, b.G1, []A1{vk.alpha}) },
		func() error { return writePoints(out, b.G2, []A2{vk.beta, vk.gamma, vk.delta}) },
		func() error { return writeQuery(out, b.G1, &query[A1]{points: vk.gammaABC}, 0, pk.instance) },
		func() error { return writePoints(out, b.G1, []A1{pk.beta, pk.delta}) },
		func() error { return writeQuery(out, b.G1, &pk.a, 0, pk.variables) },
		func() error { return writeQuery(out, b.G1, &pk.b1, 0, pk.variables) },
		func() error { return writeQuery(out, b.G2, &pk.b2, 0, pk.variables) },
		func() error { return writeQuery(out, b.G1, &query[A1]{points: pk.h}, 0, len(pk.h)) },
		func() error { return writeQuery(out, b.G1, &pk.l, pk.instance, pk.private()) },
		out.Flush,
	)
	return fault.Wrap(err, fault.Internal, "write proving key")
}

func writePoints[S, A any](w io.Writer, g curve.Group[S, A], points []A) error {
	b := make([]byte, len(points)*g.Bytes())
	g.Encode(b, points)
	_, err := w.Write(b)
	return err
}

// writeQuery writes the n points of the columns from first on, infinity where
// q has none, after their number.
func writeQuery[S, A any](w io.Writer, g curve.Group[S, A], q *query[A], first, n int) error {
	if err := binary.Write(w, binary.LittleEndian, uint64(n)); err != nil {
		return err
	}
	const block = 1024
	buffer := make([]A, 0, block)
	next := 0 // index into q of the first point not yet written
	for i := range n {
		point := g.Infinity()
		if q.columns == nil || next < len(q.columns) && int(q.columns[next]) == first+i {
			point = q.points[next]
			next++
		}
		if buffer = append(buffer, point); len(buffer) == block || i == n-1 {
			if err := writePoints(w, g, buffer); err != nil {
				return err
			}
			buffer = buffer[:0]
		}
	}
	return nil
}
