package groth16

import (
	"context"
	"io"

	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// secrets are the trapdoors of a set-up ([Groth16], section 3): whoever knows
// them can prove anything.
type secrets[S any] struct {
	tau, alpha, beta, gamma, delta S
	zTau                           S // Z(tau) = tau^n - 1
}

// columns are u_j(tau), v_j(tau) and w_j(tau) for every column j.
type columns[S any] struct {
	u, v, w []S
}

// Setup makes a key pair, as scheme.Backend says: in snarkjs's layout if that is
// asked for and the curve has it, otherwise a native key, for which the
// domain's root is arkworks's so that it can be exported.
func (b *backend[S, A1, A2]) Setup(ctx context.Context, in scheme.SetupInput) (scheme.ProvingKey, error) {
	layout := scheme.LayoutNative
	if in.Layout == scheme.LayoutSnarkJS && b.HasLayout(in.Layout) {
		layout = in.Layout
	}
	pk, err := b.setup(ctx, in.System, layout, in.Rand, in.Threads)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "set up groth16")
	}
	return pk, nil
}

// setup is Setup for the root of unity of the layout's keys.
func (b *backend[S, A1, A2]) setup(ctx context.Context, s *r1cs.System, layout scheme.Layout, rand io.Reader, threads int) (*provingKey[S, A1, A2], error) {
	if err := b.CheckSystem(s); err != nil {
		return nil, err
	}
	d := dimensionsOf(s)
	pk, err := b.newProvingKey(d, layout)
	if err != nil {
		return nil, err
	}
	secret, err := b.drawSecrets(rand, d.domain)
	if err != nil {
		return nil, err
	}
	if layout == scheme.LayoutSnarkJS {
		b.Field.SetUint64(&secret.gamma, 1) // as in snarkjs's keys
	}
	at, err := b.columnsAtTau(s, pk, &secret)
	if err != nil {
		return nil, err
	}
	if err := pk.multiplyOut(ctx, &secret, at, threads); err != nil {
		return nil, err
	}
	return pk, nil
}

// multiplyOut fills in the key's points. It overwrites at.
func (pk *provingKey[S, A1, A2]) multiplyOut(ctx context.Context, secret *secrets[S], at columns[S], threads int) error {
	b, vk := pk.vk.backend, pk.vk
	g1, g2 := b.G1.Generator(), b.G2.Generator()
	pk.beta, pk.delta, vk.alpha = b.G1.Mul(&g1, &secret.beta), b.G1.Mul(&g1, &secret.delta), b.G1.Mul(&g1, &secret.alpha)
	vk.beta, vk.gamma, vk.delta = b.G2.Mul(&g2, &secret.beta), b.G2.Mul(&g2, &secret.gamma), b.G2.Mul(&g2, &secret.delta)
	query := func(dst *wire.Query[A1], scalars []S, first int) (err error) {
		*dst, err = wire.MulQuery(ctx, b.G1, &g1, scalars, first, threads)
		return err
	}
	if err := query(&pk.a, at.u, 0); err != nil {
		return err
	}
	if err := query(&pk.b1, at.v, 0); err != nil {
		return err
	}
	var err error
	if pk.b2, err = wire.MulQuery(ctx, b.G2, &g2, at.v, 0, threads); err != nil {
		return err
	}
	abc := pk.instanceAndPrivate(secret, at)
	if vk.gammaABC, err = b.G1.MulEach(ctx, &g1, abc[:pk.instance], threads); err != nil {
		return err
	}
	if err := query(&pk.l, abc[pk.instance:], pk.instance); err != nil {
		return err
	}
	pk.h, err = b.G1.MulEach(ctx, &g1, pk.quotientBasis(secret), threads)
	return err
}

// instanceAndPrivate returns the logarithms of gamma_abc followed by those of
// l, (beta·u + alpha·v + w)/gamma and over delta.
func (pk *provingKey[S, A1, A2]) instanceAndPrivate(secret *secrets[S], at columns[S]) []S {
	f := pk.vk.backend.Field
	abc := at.u
	f.ScaleVec(abc, at.u, &secret.beta)
	f.ScaleVec(at.v, at.v, &secret.alpha)
	f.AddVec(abc, abc, at.v)
	f.AddVec(abc, abc, at.w)
	var inverse S
	f.Inverse(&inverse, &secret.gamma)
	f.ScaleVec(abc[:pk.instance], abc[:pk.instance], &inverse)
	f.Inverse(&inverse, &secret.delta)
	f.ScaleVec(abc[pk.instance:], abc[pk.instance:], &inverse)
	return abc
}

// drawSecrets draws non-zero secrets with tau outside of the domain of n points.
func (b *backend[S, A1, A2]) drawSecrets(rand io.Reader, n int) (secrets[S], error) {
	v, zTau, err := wire.DrawSecrets(b.Field, rand, 5, n)
	if err != nil {
		return secrets[S]{}, err
	}
	return secrets[S]{v[0], v[1], v[2], v[3], v[4], zTau}, nil
}

func (b *backend[S, A1, A2]) columnsAtTau(s *r1cs.System, pk *provingKey[S, A1, A2], secret *secrets[S]) (columns[S], error) {
	f := b.Field
	table, err := f.FromMemory(s.Table)
	if err != nil {
		return columns[S]{}, err
	}
	lagrange := wire.Lagrange(f, pk.domain, &pk.work.Omega, &secret.tau, &secret.zTau)
	at := columns[S]{
		u: wire.Transposed(f, s, s.A, table, lagrange),
		v: wire.Transposed(f, s, s.B, table, lagrange),
		w: wire.Transposed(f, s, s.C, table, lagrange),
	}
	for j := range pk.instance {
		f.Add(&at.u[j], &at.u[j], &lagrange[s.NumConstraints()+j])
	}
	return at, nil
}
