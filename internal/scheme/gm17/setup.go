package gm17

import (
	"context"
	"io"

	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// secrets are the trapdoors of a set-up ([GM17], section 5): whoever knows
// them can prove anything.
type secrets[S any] struct {
	tau, alpha, beta S
	gamma            S // 1, as in ark-gm17
	zTau             S // Z(tau) = tau^N - 1
}

// Setup makes a key pair, as scheme.Backend says, always a native one. The domain's root is
// arkworks's, so that the key can be exported, and g and h are the curve's
// standard generators.
func (b *backend[S, A1, A2]) Setup(ctx context.Context, in scheme.SetupInput) (scheme.ProvingKey, error) {
	pk, err := b.setup(ctx, in.System, in.Rand, in.Threads)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "set up gm17")
	}
	return pk, nil
}

func (b *backend[S, A1, A2]) setup(ctx context.Context, s *r1cs.System, rand io.Reader, threads int) (*provingKey[S, A1, A2], error) {
	if err := b.CheckSystem(s); err != nil {
		return nil, err
	}
	v, zTau, err := wire.DrawSecrets(b.Field, rand, 3, dimensionsOf(s).domain())
	if err != nil {
		return nil, err
	}
	secret := secrets[S]{tau: v[0], alpha: v[1], beta: v[2], zTau: zTau}
	b.Field.SetUint64(&secret.gamma, 1)
	return b.setupWith(ctx, s, &secret, threads)
}

// setupWith makes the key that belongs to the secrets.
func (b *backend[S, A1, A2]) setupWith(ctx context.Context, s *r1cs.System, secret *secrets[S], threads int) (*provingKey[S, A1, A2], error) {
	pk, err := b.newProvingKey(dimensionsOf(s), scheme.LayoutNative)
	if err != nil {
		return nil, err
	}
	table, err := b.Field.FromMemory(s.Table)
	if err != nil {
		return nil, err
	}
	lagrange := wire.Lagrange(b.Field, pk.domain(), &pk.work.Omega, &secret.tau, &secret.zTau)
	u, w := transposed(b.Field, s, table, lagrange)
	pk.multiplyFixed(secret)
	return pk, pk.multiplyQueries(ctx, secret, u, w, threads)
}

// multiplyFixed fills in the key's single points.
func (pk *provingKey[S, A1, A2]) multiplyFixed(secret *secrets[S]) {
	b, vk := pk.vk.backend, pk.vk
	f := b.Field
	g, h := b.G1.Generator(), b.G2.Generator()
	vk.h, vk.gAlpha, vk.hBeta = h, b.G1.Mul(&g, &secret.alpha), b.G2.Mul(&h, &secret.beta)
	vk.gGamma, vk.hGamma = b.G1.Mul(&g, &secret.gamma), b.G2.Mul(&h, &secret.gamma)
	var gammaZ, t S
	f.Mul(&gammaZ, &secret.gamma, &secret.zTau)
	pk.gGammaZ, pk.hGammaZ = b.G1.Mul(&g, &gammaZ), b.G2.Mul(&h, &gammaZ)
	f.Add(&t, &secret.alpha, &secret.beta)
	f.Mul(&t, &t, &gammaZ)
	pk.gABZ = b.G1.Mul(&g, &t)
	f.Mul(&t, &gammaZ, &gammaZ)
	pk.gZ2 = b.G1.Mul(&g, &t)
}

// multiplyQueries fills in the key's vectors from u_j(tau) and w_j(tau), which
// it overwrites.
func (pk *provingKey[S, A1, A2]) multiplyQueries(ctx context.Context, secret *secrets[S], u, w []S, threads int) error {
	b := pk.vk.backend
	f := b.Field
	g, h := b.G1.Generator(), b.G2.Generator()
	var ab, twice, first S
	f.Add(&ab, &secret.alpha, &secret.beta)
	f.Mul(&first, &secret.gamma, &secret.zTau)
	f.Add(&twice, &first, &first)        // of gamma·u for c2
	f.Mul(&first, &first, &secret.gamma) // gamma²·Z(tau)
	f.ScaleVec(w, w, &secret.gamma)      // gamma·w
	t, l := make([]S, len(u)), pk.instance
	var err error
	f.ScaleVec(t, u, &ab)
	f.AddVec(t, t, w)
	if pk.vk.query, err = b.G1.MulEach(ctx, &g, t[:l], threads); err != nil {
		return err
	}
	f.ScaleVec(t, t, &secret.gamma)
	if pk.c1, err = wire.MulQuery(ctx, b.G1, &g, t[l:], l, threads); err != nil {
		return err
	}
	f.ScaleVec(u, u, &secret.gamma)
	if pk.a, err = wire.MulQuery(ctx, b.G1, &g, u, 0, threads); err != nil {
		return err
	}
	if pk.b, err = wire.MulQuery(ctx, b.G2, &h, u, 0, threads); err != nil {
		return err
	}
	f.ScaleVec(u, u, &twice)
	if pk.c2, err = wire.MulQuery(ctx, b.G1, &g, u, 0, threads); err != nil {
		return err
	}
	pk.b.Columns, pk.c2.Columns = pk.a.Columns, pk.a.Columns
	powers := make([]S, pk.domain()+1)
	f.Powers(powers, &first, &secret.tau)
	pk.powers, err = b.G1.MulEach(ctx, &g, powers, threads)
	return err
}
