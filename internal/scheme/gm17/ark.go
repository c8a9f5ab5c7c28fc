package gm17

import (
	"bufio"
	"io"

	"provery/internal/fault"
	"provery/internal/scheme/wire"
)

// The ark layout (arkworks 0.3, uncompressed): h_g2, g_alpha_g1, h_beta_g2,
// g_gamma_g1, h_gamma_g2, query, a_query, b_query, c_query_1, c_query_2,
// g_gamma_z, h_gamma_z, g_ab_gamma_z, g_gamma2_z2, g_gamma2_z_t. Vectors start
// with their length, u64 little-endian; points are as curve.Group.Decode reads
// them. a_query, b_query and c_query_2 have a point for each column of f,
// query for those of the instance, c_query_1 for the others.

// arkSize is the size in bytes of a key in the ark layout.
func (b *backend[S, A1, A2]) arkSize(d dimensions) int64 {
	g1 := 5 + 3*d.columns() + d.domain() + 1
	g2 := 4 + d.columns()
	return int64(g1)*int64(b.G1.Bytes()) + int64(g2)*int64(b.G2.Bytes()) + 6*8
}

// readArk fills pk from a file in the ark layout.
func (pk *provingKey[S, A1, A2]) readArk(r *wire.Source) error {
	vk, n := pk.vk, pk.columns()
	g1, g2 := vk.backend.G1, vk.backend.G2
	var a, c1, c2 []A1
	var b []A2
	err := wire.InOrder(
		func() error { return wire.ReadPoint(r, g2, "h_g2", &vk.h) },
		func() error { return wire.ReadPoint(r, g1, "g_alpha_g1", &vk.gAlpha) },
		func() error { return wire.ReadPoint(r, g2, "h_beta_g2", &vk.hBeta) },
		func() error { return wire.ReadPoint(r, g1, "g_gamma_g1", &vk.gGamma) },
		func() error { return wire.ReadPoint(r, g2, "h_gamma_g2", &vk.hGamma) },
		func() (err error) { vk.query, err = wire.ReadFinite(r, g1, "query", pk.instance); return },
		func() (err error) { a, err = wire.ReadVector(r, g1, "a_query", n); return },
		func() (err error) { b, err = wire.ReadVector(r, g2, "b_query", n); return },
		func() (err error) { c1, err = wire.ReadVector(r, g1, "c_query_1", n-pk.instance); return },
		func() (err error) { c2, err = wire.ReadVector(r, g1, "c_query_2", n); return },
		func() error { return wire.ReadPoint(r, g1, "g_gamma_z", &pk.gGammaZ) },
		func() error { return wire.ReadPoint(r, g2, "h_gamma_z", &pk.hGammaZ) },
		func() error { return wire.ReadPoint(r, g1, "g_ab_gamma_z", &pk.gABZ) },
		func() error { return wire.ReadPoint(r, g1, "g_gamma2_z2", &pk.gZ2) },
		func() (err error) {
			pk.powers, err = wire.ReadFinite(r, g1, "g_gamma2_z_t", pk.domain()+1)
			return
		},
	)
	if err != nil {
		return err
	}
	pk.a, pk.b = wire.DropInfinity(g1, a, 0), wire.DropInfinity(g2, b, 0)
	pk.c1, pk.c2 = wire.DropInfinity(g1, c1, pk.instance), wire.DropInfinity(g1, c2, 0)
	return nil
}

// writeArk writes pk in the ark layout.
func (pk *provingKey[S, A1, A2]) writeArk(w io.Writer) error {
	vk, n := pk.vk, pk.columns()
	g1, g2 := vk.backend.G1, vk.backend.G2
	out := bufio.NewWriterSize(w, 1<<16)
	err := wire.InOrder(
		func() error { return wire.WritePoints(out, g2, vk.h) },
		func() error { return wire.WritePoints(out, g1, vk.gAlpha) },
		func() error { return wire.WritePoints(out, g2, vk.hBeta) },
		func() error { return wire.WritePoints(out, g1, vk.gGamma) },
		func() error { return wire.WritePoints(out, g2, vk.hGamma) },
		func() error { return wire.WriteVector(out, g1, vk.query) },
		func() error { return wire.WriteQuery(out, g1, &pk.a, 0, n) },
		func() error { return wire.WriteQuery(out, g2, &pk.b, 0, n) },
		func() error { return wire.WriteQuery(out, g1, &pk.c1, pk.instance, n-pk.instance) },
		func() error { return wire.WriteQuery(out, g1, &pk.c2, 0, n) },
		func() error { return wire.WritePoints(out, g1, pk.gGammaZ) },
		func() error { return wire.WritePoints(out, g2, pk.hGammaZ) },
		func() error { return wire.WritePoints(out, g1, pk.gABZ, pk.gZ2) },
		func() error { return wire.WriteVector(out, g1, pk.powers) },
		out.Flush,
	)
	return fault.Wrap(err, fault.Internal, "write proving key")
}
