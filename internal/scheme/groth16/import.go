package groth16

import (
	"context"
	"slices"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// ImportProvingKey reads a key in the ark or the bellman layout or that of
// snarkjs, as scheme.Backend says. Beside every point it checks
//
//   - that no point is infinity which can't be in an honest key, and that no
//     query has a point for a column that the program doesn't use there;
//   - that the pairs of the key that stand for one secret in G1 and in G2 do:
//     beta, delta, and B, by a random linear combination.
//
// A file of the first two doesn't name its layout or program: its length
// tells. One of snarkjs holds the program's matrices A and B, which are compared.
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
	dense, err := wire.DensityOf(b.Field, in.System)
	if err != nil {
		return nil, err
	}
	d := dimensionsOf(in.System)
	if in.Layout == scheme.LayoutSnarkJS || in.Layout == "" && wire.IsZKey(in.Data) {
		return b.importZKey(ctx, in, d, dense)
	}
	columnsA, columnsB := compacted(dense, d.instance)
	sizes := map[scheme.Layout]int64{scheme.LayoutArk: b.arkSize(d)}
	if b.Curve() == curve.BN128 {
		sizes[scheme.LayoutBellman] = b.bellmanSize(d, len(columnsA), len(columnsB))
	}
	layout, err := wire.ChooseLayout(in, sizes)
	if err != nil {
		return nil, err
	}
	pk, err := b.newProvingKey(d, layout)
	if err != nil {
		return nil, err
	}
	src := wire.NewSource(ctx, in, layout)
	if layout == scheme.LayoutBellman {
		err = pk.readBellman(src, columnsA, columnsB)
	} else {
		err = pk.readArk(src)
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

// checkDensity compares the columns of the key's queries with the program's.
func checkDensity[S, A1, A2 any](pk *provingKey[S, A1, A2], d wire.Density) error {
	err := wire.InOrder(
		func() error {
			return wire.CheckColumns("a", &pk.a, func(j uint32) bool { return int(j) < pk.instance || d.A[j] })
		},
		func() error { return wire.CheckColumns("b", &pk.b1, func(j uint32) bool { return d.B[j] }) },
		func() error {
			return wire.CheckColumns("l", &pk.l, func(j uint32) bool { return d.A[j] || d.B[j] || d.C[j] })
		},
	)
	if err != nil {
		return err
	}
	if !slices.Equal(pk.b1.AllColumns(), pk.b2.AllColumns()) {
		return fault.New(fault.InvalidArtifact, "b_g1 and b_g2 have points for different columns")
	}
	pk.b2.Columns = pk.b1.Columns
	return nil
}

// compacted returns the columns that a bellman key has points for, in its
// order: those of the instance, then the private ones. In A the rows that
// follow the constraints make every instance column occur.
func compacted(d wire.Density, instance int) (a, b []uint32) {
	for j := range d.A {
		if j < instance || d.A[j] {
			a = append(a, uint32(j))
		}
		if d.B[j] {
			b = append(b, uint32(j))
		}
	}
	return a, b
}

// checkPairs checks that beta, delta and b_g1, b_g2 hold the same logarithms
// in both groups: e(x_1, delta_2) = e(delta_1, x_2) for x = beta and for a
// combination of all of b with random factors of 128 bits. A wrong b passes
// with a probability of 2^-128.
func (pk *provingKey[S, A1, A2]) checkPairs(ctx context.Context, threads int) error {
	b := pk.vk.backend
	factors, err := wire.RandomFactors(b.Field, len(pk.b1.Points))
	if err != nil {
		return err
	}
	sum1, err := b.G1.MSM(ctx, pk.b1.Points, factors, threads)
	if err != nil {
		return err
	}
	sum2, err := b.G2.MSM(ctx, pk.b2.Points, factors, threads)
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
