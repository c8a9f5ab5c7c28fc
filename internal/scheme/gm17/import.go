package gm17

import (
	"context"
	"slices"

	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// ImportProvingKey reads a key in the ark layout, as scheme.Backend says: the
// only one that this scheme has. Beside every point it checks
//
//   - that no point is infinity which can't be in an honest key, and that no
//     query has a point for a column that the program doesn't use there;
//   - that the key's parts belong together and to the program (checkParts).
func (b *backend[S, A1, A2]) ImportProvingKey(ctx context.Context, in scheme.ImportInput) (scheme.ProvingKey, error) {
	pk, err := b.importKey(ctx, in)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "read proving key")
	}
	return pk, nil
}

func (b *backend[S, A1, A2]) importKey(ctx context.Context, in scheme.ImportInput) (*provingKey[S, A1, A2], error) {
	if err := b.CheckSystem(in.System); err != nil {
		return nil, err
	}
	d := dimensionsOf(in.System)
	layout, err := wire.ChooseLayout(in, map[scheme.Layout]int64{scheme.LayoutArk: b.arkSize(d)})
	if err != nil {
		return nil, err
	}
	pk, err := b.newProvingKey(d, layout)
	if err != nil {
		return nil, err
	}
	if err := pk.readArk(wire.NewSource(ctx, in, layout)); err != nil {
		return nil, err
	}
	if err := pk.checkDensity(in.System); err != nil {
		return nil, err
	}
	if err := pk.checkParts(ctx, in.System, in.Threads); err != nil {
		return nil, err
	}
	return pk, nil
}

// checkDensity compares the columns of the key's queries with the program's.
// The squares that f ends with occur in W only, the instance in U as well.
func (pk *provingKey[S, A1, A2]) checkDensity(s *r1cs.System) error {
	d, err := wire.DensityOf(pk.vk.backend.Field, s)
	if err != nil {
		return err
	}
	left := func(j uint32) bool { return int(j) < pk.instance || int(j) < pk.variables && (d.A[j] || d.B[j]) }
	if err := wire.CheckColumns("a_query", &pk.a, left); err != nil {
		return err
	}
	if err := wire.CheckColumns("c_query_1", &pk.c1, func(j uint32) bool {
		return int(j) >= pk.variables || left(j) || d.C[j]
	}); err != nil {
		return err
	}
	columns := pk.a.AllColumns()
	if !slices.Equal(columns, pk.b.AllColumns()) || !slices.Equal(columns, pk.c2.AllColumns()) {
		return fault.New(fault.InvalidArtifact, "a_query, b_query and c_query_2 have points for different columns")
	}
	pk.b.Columns, pk.c2.Columns = pk.a.Columns, pk.a.Columns
	return nil
}
