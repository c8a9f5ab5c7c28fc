package ptau

import (
	"context"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// Check checks that what Lagrange, Lagrange2, Odd and Fixed return for a domain of
// n points is made of the powers of one tau, and of one alpha and one beta, by
// random linear combinations with factors of 128 bits. Where tau comes from is the
// first phase's transcript, which it doesn't look at. A file that fails is
// fault.InvalidArtifact.
//
// step, if it isn't nil, is called before each of its steps.
func (f *File[S, A1, A2]) Check(ctx context.Context, n int, step func(name string)) error {
	if err := f.Fits(n); err != nil {
		return err
	}
	k := &check[S, A1, A2]{f, ctx, n}
	for _, s := range []struct {
		name string
		run  func() error
	}{
		{"powers of tau in G1", k.tau1},
		{"powers of tau in G2", k.tau2},
		{"powers of tau times alpha", func() error { return k.multiple(sectionAlpha, TimesAlpha) }},
		{"powers of tau times beta", func() error { return k.multiple(sectionBeta, TimesBeta) }},
		{"Lagrange polynomials of the quotient", k.odd},
	} {
		if step != nil {
			step(s.name)
		}
		if err := s.run(); err != nil {
			return fault.Wrap(err, fault.InvalidArtifact, "check powers of tau: %s", s.name)
		}
	}
	return nil
}

// check is one run of Check.
type check[S, A1, A2 any] struct {
	*File[S, A1, A2]
	ctx context.Context
	n   int
}

// tau1 checks the powers in G1 against tau in G2, and their Lagrange form.
func (k *check[S, A1, A2]) tau1() error {
	powers, err := k.Powers(k.ctx, 0, min(2*k.n, k.NumPowers()))
	if err != nil {
		return err
	}
	if g := k.G1.Generator(); !k.G1.Equal(&powers[0], &g) {
		return fault.New(fault.InvalidArtifact, "the first isn't the generator")
	}
	if err := k.steps(powers); err != nil {
		return err
	}
	lagrange, err := k.Lagrange(k.ctx, k.n, Plain)
	if err != nil {
		return err
	}
	return transform(k, k.G1, powers[:k.n], lagrange, nil)
}

// tau2 checks the powers in G2 against tau in G1, and their Lagrange form.
func (k *check[S, A1, A2]) tau2() error {
	powers, err := k.g2(k.ctx, "tau in G2", sectionTau2, 0, k.n)
	if err != nil {
		return err
	}
	if g := k.G2.Generator(); !k.G2.Equal(&powers[0], &g) {
		return fault.New(fault.InvalidArtifact, "the first isn't the generator")
	}
	low, high, err := neighbours(k, k.G2, powers)
	if err != nil {
		return err
	}
	tau, err := k.Powers(k.ctx, 1, 1)
	if err != nil {
		return err
	}
	if err := k.equal(k.G1.Generator(), high, tau[0], low); err != nil {
		return err
	}
	lagrange, err := k.Lagrange2(k.ctx, k.n)
	if err != nil {
		return err
	}
	return transform(k, k.G2, powers, lagrange, nil)
}

// multiple checks the powers times alpha or beta.
func (k *check[S, A1, A2]) multiple(section uint32, which Which) error {
	powers, err := k.g1(k.ctx, string(which), section, 0, k.n)
	if err != nil {
		return err
	}
	if err := k.steps(powers); err != nil {
		return err
	}
	if which == TimesBeta {
		_, beta, beta2, err := k.Fixed(k.ctx)
		if err != nil {
			return err
		}
		if err := k.equal(beta, k.G2.Generator(), k.G1.Generator(), beta2); err != nil {
			return err
		}
	}
	lagrange, err := k.Lagrange(k.ctx, k.n, which)
	if err != nil {
		return err
	}
	return transform(k, k.G1, powers, lagrange, nil)
}

// odd checks the Lagrange polynomials of the odd ones of 2n points.
func (k *check[S, A1, A2]) odd() error {
	powers, err := k.Powers(k.ctx, 0, min(2*k.n, k.NumPowers()))
	if err != nil {
		return err
	}
	lagrange, err := k.Odd(k.ctx, k.n, 0, k.n)
	if err != nil {
		return err
	}
	if len(powers) < 2*k.n {
		highest, err := k.highest(powers, lagrange)
		if err != nil {
			return err
		}
		powers = append(powers, highest)
	}
	return transform(k, k.G1, powers, lagrange, func(i int) int { return 2*i + 1 })
}

// highest returns what stands for tau^(2n-1) in the Lagrange polynomials of the odd
// points, of which the file has the powers before it. In a file that was prepared for
// this size it is infinity; in one that is a part of a larger one it is the power.
// Anything else might be of use to who made it.
//
// The odd points are the roots of x^n = -1. The polynomial x^(2n-1) - x^(n-1) is 2/x
// there, and 0 at the even ones.
func (k *check[S, A1, A2]) highest(powers, lagrange []A1) (A1, error) {
	omega, err := k.base.Omega(scheme.LayoutSnarkJS, 2*k.n)
	if err != nil {
		return k.G1.Infinity(), err
	}
	var first, step S
	k.Field.Inverse(&first, &omega)
	k.Field.Mul(&step, &first, &first)
	k.Field.Add(&first, &first, &first)
	values := make([]S, k.n)
	k.Field.Powers(values, &first, &step)
	sum, err := k.G1.MSM(k.ctx, lagrange, values, k.threads)
	if err != nil {
		return k.G1.Infinity(), err
	}
	highest := k.G1.Add(&sum, &powers[k.n-1])
	if k.G1.IsInfinity(&highest) {
		return highest, nil
	}
	tau, err := k.g2(k.ctx, "tau in G2", sectionTau2, 1, 1)
	if err != nil {
		return highest, err
	}
	return highest, k.equal(highest, k.G2.Generator(), powers[len(powers)-1], tau[0])
}

// steps checks that each of the points is tau times the one before.
func (k *check[S, A1, A2]) steps(points []A1) error {
	low, high, err := neighbours(k, k.G1, points)
	if err != nil {
		return err
	}
	tau, err := k.g2(k.ctx, "tau in G2", sectionTau2, 1, 1)
	if err != nil {
		return err
	}
	return k.equal(high, k.G2.Generator(), low, tau[0])
}

// equal checks that e(a1, a2) = e(b1, b2).
func (k *check[S, A1, A2]) equal(a1 A1, a2 A2, b1 A1, b2 A2) error {
	same, err := k.PairingIsOne([]A1{a1, k.G1.Neg(&b1)}, []A2{a2, b2})
	if err == nil && !same {
		err = fault.New(fault.InvalidArtifact, "they aren't the powers of one tau")
	}
	return err
}

// neighbours returns a random combination of all points but the last, and the
// same one of all but the first.
func neighbours[S, A1, A2, A any](k *check[S, A1, A2], g curve.Group[S, A], points []A) (low, high A, err error) {
	factors, err := wire.RandomFactors(k.Field, len(points)-1)
	if err != nil {
		return low, high, err
	}
	if low, err = g.MSM(k.ctx, points[:len(factors)], factors, k.threads); err != nil {
		return low, high, err
	}
	high, err = g.MSM(k.ctx, points[1:], factors, k.threads)
	return low, high, err
}

// transform checks that lagrange holds the Lagrange polynomials, all of them or
// those whose indexes at returns, of a domain of as many points as there are
// powers: the polynomial that has random values there is summed up in both forms.
func transform[S, A1, A2, A any](k *check[S, A1, A2], g curve.Group[S, A], powers, lagrange []A, at func(i int) int) error {
	n := len(powers)
	factors, err := wire.RandomFactors(k.Field, len(lagrange))
	if err != nil {
		return err
	}
	values, coefficients := make([]S, n), make([]S, n)
	for i := range factors {
		j := i
		if at != nil {
			j = at(i)
		}
		values[j] = factors[i]
	}
	omega, err := k.base.Omega(scheme.LayoutSnarkJS, n)
	if err != nil {
		return err
	}
	domain, err := k.NewDomain(n, &omega)
	if err != nil {
		return err
	}
	if err := domain.Interpolate(k.ctx, coefficients, values, k.threads); err != nil {
		return err
	}
	have, err := g.MSM(k.ctx, lagrange, factors, k.threads)
	if err != nil {
		return err
	}
	want, err := g.MSM(k.ctx, powers, coefficients, k.threads)
	if err != nil {
		return err
	}
	if !g.Equal(&have, &want) {
		return fault.New(fault.InvalidArtifact, "the Lagrange polynomials aren't those of the powers: was the file prepared by snarkjs?")
	}
	return nil
}
