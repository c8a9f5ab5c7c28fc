package groth16

import (
	"context"

	"provery/internal/fault"
	"provery/internal/iden3"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
	"provery/internal/zkey"
)

// zkeyReader reads the sections of one file.
type zkeyReader[S, A1, A2 any] struct {
	*backend[S, A1, A2]
	codec   zkey.Codec[S, A1, A2]
	ctx     context.Context
	file    *iden3.File
	threads int
}

// importZKey reads a key of snarkjs.
func (b *backend[S, A1, A2]) importZKey(ctx context.Context, in scheme.ImportInput, d dimensions, dense wire.Density) (*provingKey[S, A1, A2], error) {
	f, err := zkey.Open(in.Data, in.Size)
	if err != nil {
		return nil, err
	}
	z := &zkeyReader[S, A1, A2]{b, zkey.New(b.Suite), ctx, f, in.Threads}
	header, err := z.codec.Header(ctx, f)
	if err != nil {
		return nil, err
	}
	if got := (dimensions{header.Variables, header.Public + 1, header.Domain}); got != d {
		return nil, fault.New(fault.InvalidArtifact,
			"key for %d variables, %d public inputs and a domain of %d; the program has %d, %d and %d",
			got.variables, got.instance-1, got.domain, d.variables, d.instance-1, d.domain)
	}
	pk, err := b.newProvingKey(d, scheme.LayoutSnarkJS)
	if err != nil {
		return nil, err
	}
	if pk.contributions, err = z.contributions(header); err != nil {
		return nil, err
	}
	if err := z.points(pk, header); err != nil {
		return nil, err
	}
	if err := z.matrices(in.System, pk); err != nil {
		return nil, err
	}
	if err := checkDensity(pk, dense); err != nil {
		return nil, err
	}
	return pk, pk.checkPairs(ctx, in.Threads)
}

// maxIterations bounds those of the beacons that are computed again when a key is
// imported: seconds. A ceremony's check computes them all.
const maxIterations = 1 << 24

// contributions checks those of the ceremony and returns their section as it is;
// nil where the file lacks it.
func (z *zkeyReader[S, A1, A2]) contributions(h *zkey.Header[A1, A2]) ([]byte, error) {
	if !z.file.Has(zkey.Contributions) {
		return nil, nil
	}
	b, err := z.file.Bytes(zkey.Contributions, zkey.MaxChain)
	if err != nil {
		return nil, err
	}
	chain, err := z.codec.ParseChain(z.ctx, b)
	if err != nil {
		return nil, err
	}
	// A key without any is one that its maker hasn't passed on, or of another
	// set-up than a ceremony's.
	if len(chain.Contributions) > 0 {
		_, err = z.codec.Check(z.ctx, chain, h, zkey.CheckOptions{MaxIterations: maxIterations})
	}
	return b, err
}

// points reads all points into pk.
func (z *zkeyReader[S, A1, A2]) points(pk *provingKey[S, A1, A2], h *zkey.Header[A1, A2]) error {
	vk, d := pk.vk, pk.dimensions
	vk.alpha, vk.beta, vk.gamma, vk.delta = h.Alpha1, h.Beta2, h.Gamma2, h.Delta2
	pk.beta, pk.delta = h.Beta1, h.Delta1
	g1, g2 := z.codec.OfG1(z.threads), z.codec.OfG2(z.threads)
	var a, b1, l []A1
	var b2 []A2
	return wire.InOrder(
		func() (err error) { vk.gammaABC, err = readSection(z, g1, true, "IC", zkey.IC, d.instance); return },
		func() (err error) { a, err = readSection(z, g1, false, "A", zkey.A, d.variables); return },
		func() (err error) { b1, err = readSection(z, g1, false, "B1", zkey.B1, d.variables); return },
		func() (err error) { b2, err = readSection(z, g2, false, "B2", zkey.B2, d.variables); return },
		func() (err error) { l, err = readSection(z, g1, false, "C", zkey.C, d.private()); return },
		func() (err error) { pk.h, err = readSection(z, g1, true, "H", zkey.H, pk.quotientSize()); return },
		func() error {
			pk.a, pk.l = wire.DropInfinity(z.G1, a, 0), wire.DropInfinity(z.G1, l, pk.instance)
			pk.b1, pk.b2 = wire.DropInfinity(z.G1, b1, 0), wire.DropInfinity(z.G2, b2, 0)
			return nil
		},
	)
}

// readSection reads a section of n points, finite ones if that is wanted.
func readSection[S, A1, A2, A any](z *zkeyReader[S, A1, A2], g zkey.Points[S, A], finite bool, name string, id uint32, n int) ([]A, error) {
	section, err := z.file.Sized(id, int64(n)*int64(g.Bytes()))
	if err != nil {
		return nil, err
	}
	if finite {
		return g.ReadFinite(z.ctx, name, section, 0, n)
	}
	return g.Read(z.ctx, name, section, 0, n)
}

// Origin implements scheme.ProvingKey.
func (pk *provingKey[S, A1, A2]) Origin() (scheme.Origin, error) {
	codec := zkey.New(pk.vk.backend.Suite)
	out := scheme.Origin{Open: codec.Started(&zkey.Header[A1, A2]{Delta1: pk.delta, Delta2: pk.vk.delta})}
	if pk.contributions == nil {
		return out, nil
	}
	chain, err := codec.ParseChain(context.Background(), pk.contributions)
	if err != nil {
		return out, err
	}
	secrets := 0
	for i := range chain.Contributions {
		k := &chain.Contributions[i]
		hash := codec.Hash(k)
		out.Contributions = append(out.Contributions, scheme.Contribution{Hash: hash[:], Name: k.Name, Beacon: k.Beacon != nil})
		if k.Beacon == nil {
			secrets++
		}
	}
	out.Open = out.Open || len(out.Contributions) > 0 && secrets == 0
	return out, nil
}
