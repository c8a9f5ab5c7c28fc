package groth16

import (
	"bufio"
	"io"

	"provery/internal/fault"
	"provery/internal/scheme/wire"
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
func (pk *provingKey[S, A1, A2]) readArk(r *wire.Source) error {
	vk := pk.vk
	g1, g2 := vk.backend.G1, vk.backend.G2
	var a, b1, l []A1
	var b2 []A2
	err := wire.InOrder(
		func() error { return wire.ReadPoint(r, g1, "alpha_g1", &vk.alpha) },
		func() error { return wire.ReadPoint(r, g2, "beta_g2", &vk.beta) },
		func() error { return wire.ReadPoint(r, g2, "gamma_g2", &vk.gamma) },
		func() error { return wire.ReadPoint(r, g2, "delta_g2", &vk.delta) },
		func() (err error) { vk.gammaABC, err = wire.ReadFinite(r, g1, "gamma_abc_g1", pk.instance); return },
		func() error { return wire.ReadPoint(r, g1, "beta_g1", &pk.beta) },
		func() error { return wire.ReadPoint(r, g1, "delta_g1", &pk.delta) },
		func() (err error) { a, err = wire.ReadVector(r, g1, "a_query", pk.variables); return },
		func() (err error) { b1, err = wire.ReadVector(r, g1, "b_g1_query", pk.variables); return },
		func() (err error) { b2, err = wire.ReadVector(r, g2, "b_g2_query", pk.variables); return },
		func() (err error) { pk.h, err = wire.ReadFinite(r, g1, "h_query", pk.domain-1); return },
		func() (err error) { l, err = wire.ReadVector(r, g1, "l_query", pk.private()); return },
	)
	if err != nil {
		return err
	}
	pk.a, pk.l = wire.DropInfinity(g1, a, 0), wire.DropInfinity(g1, l, pk.instance)
	pk.b1, pk.b2 = wire.DropInfinity(g1, b1, 0), wire.DropInfinity(g2, b2, 0)
	return nil
}

// writeArk writes pk in the ark layout.
func (pk *provingKey[S, A1, A2]) writeArk(w io.Writer) error {
	b, vk := pk.vk.backend, pk.vk
	out := bufio.NewWriterSize(w, 1<<16)
	err := wire.InOrder(
		func() error { return wire.WritePoints(out, b.G1, vk.alpha) },
		func() error { return wire.WritePoints(out, b.G2, vk.beta, vk.gamma, vk.delta) },
		func() error { return wire.WriteVector(out, b.G1, vk.gammaABC) },
		func() error { return wire.WritePoints(out, b.G1, pk.beta, pk.delta) },
		func() error { return wire.WriteQuery(out, b.G1, &pk.a, 0, pk.variables) },
		func() error { return wire.WriteQuery(out, b.G1, &pk.b1, 0, pk.variables) },
		func() error { return wire.WriteQuery(out, b.G2, &pk.b2, 0, pk.variables) },
		func() error { return wire.WriteVector(out, b.G1, pk.h) },
		func() error { return wire.WriteQuery(out, b.G1, &pk.l, pk.instance, pk.private()) },
		out.Flush,
	)
	return fault.Wrap(err, fault.Internal, "write proving key")
}
