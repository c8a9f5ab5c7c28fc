package groth16

import (
	"bufio"
	"io"

	"provery/internal/fault"
	"provery/internal/scheme/wire"
)

// The bellman layout (bellman_ce 0.3, bn128 only): alpha_g1, beta_g1, beta_g2,
// gamma_g2, delta_g1, delta_g2, ic, h, l, a, b_g1, b_g2. Vectors start with
// their length, u32 big-endian; coordinates are big-endian, c1 before c0.
// Infinity doesn't occur: a and b have points only for the columns that the
// matrices use, in an order that only the program tells.

// bellmanSize is the size in bytes of a key in the bellman layout with na and
// nb points in a and b.
func (b *backend[S, A1, A2]) bellmanSize(d dimensions, na, nb int) int64 {
	g1 := 3 + d.instance + d.domain - 1 + d.private() + na + nb
	g2 := 3 + nb
	return int64(g1)*int64(b.G1.Bytes()) + int64(g2)*int64(b.G2.Bytes()) + 6*4
}

// readBellman fills pk from a file in the bellman layout, whose a and b have
// points for the given columns.
func (pk *provingKey[S, A1, A2]) readBellman(r *wire.Source, columnsA, columnsB []uint32) error {
	vk, n := pk.vk, pk.domain
	g1, g2 := vk.backend.G1, vk.backend.G2
	pk.a.Columns, pk.b1.Columns, pk.b2.Columns, pk.l.First = columnsA, columnsB, columnsB, pk.instance
	return wire.InOrder(
		func() error { return wire.ReadPoint(r, g1, "alpha_g1", &vk.alpha) },
		func() error { return wire.ReadPoint(r, g1, "beta_g1", &pk.beta) },
		func() error { return wire.ReadPoint(r, g2, "beta_g2", &vk.beta) },
		func() error { return wire.ReadPoint(r, g2, "gamma_g2", &vk.gamma) },
		func() error { return wire.ReadPoint(r, g1, "delta_g1", &pk.delta) },
		func() error { return wire.ReadPoint(r, g2, "delta_g2", &vk.delta) },
		func() (err error) { vk.gammaABC, err = wire.ReadFinite(r, g1, "ic", pk.instance); return },
		func() (err error) { pk.h, err = wire.ReadFinite(r, g1, "h", n-1); return },
		func() (err error) { pk.l.Points, err = wire.ReadFinite(r, g1, "l", pk.private()); return },
		func() (err error) { pk.a.Points, err = wire.ReadFinite(r, g1, "a", len(columnsA)); return },
		func() (err error) { pk.b1.Points, err = wire.ReadFinite(r, g1, "b_g1", len(columnsB)); return },
		func() (err error) { pk.b2.Points, err = wire.ReadFinite(r, g2, "b_g2", len(columnsB)); return },
	)
}

// writeBellman writes pk, which was read from the bellman layout, as it was.
func (pk *provingKey[S, A1, A2]) writeBellman(w io.Writer) error {
	b, vk := pk.vk.backend, pk.vk
	out := bufio.NewWriterSize(w, 1<<16)
	err := wire.InOrder(
		func() error { return wire.WriteBellmanPoints(out, b.G1, []A1{vk.alpha, pk.beta}) },
		func() error { return wire.WriteBellmanPoints(out, b.G2, []A2{vk.beta, vk.gamma}) },
		func() error { return wire.WriteBellmanPoints(out, b.G1, []A1{pk.delta}) },
		func() error { return wire.WriteBellmanPoints(out, b.G2, []A2{vk.delta}) },
		func() error { return wire.WriteBellmanVector(out, b.G1, vk.gammaABC) },
		func() error { return wire.WriteBellmanVector(out, b.G1, pk.h) },
		func() error { return wire.WriteBellmanVector(out, b.G1, pk.l.Points) },
		func() error { return wire.WriteBellmanVector(out, b.G1, pk.a.Points) },
		func() error { return wire.WriteBellmanVector(out, b.G1, pk.b1.Points) },
		func() error { return wire.WriteBellmanVector(out, b.G2, pk.b2.Points) },
		out.Flush,
	)
	return fault.Wrap(err, fault.Internal, "write proving key")
}
