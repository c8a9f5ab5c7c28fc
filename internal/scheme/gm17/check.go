package gm17

import (
	"context"

	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme/wire"
)

// checkParts checks that the key's parts belong together and to the program.
// Each of the queries is checked as a whole, by a linear combination of its
// points with random factors of 128 bits: a wrong point passes with a
// probability of 2^-128. With L(p) for the value that the powers of tau give a
// polynomial p, in an honest key gamma²·Z(tau)·p(tau)·g, it is to be that
//
//	a·hGamma = gGamma·b               the queries of A and B
//	gGammaZ·hGamma = gGamma·hGammaZ   and likewise gABZ, gZ2
//	c2 = L(2·u)                       c_query_2 and the program
//	c2·h = 2·a·hGammaZ                c_query_2 and that of A
//	c1·hGammaZ = L(w)·hGamma + gABZ·b c_query_1 and the program
//
// where a product is a pairing. The last is checked of the verifying key's
// query too if gamma is 1, as it is in every key of ark-gm17's making; of
// others the key's parts don't tell, and a proof does.
func (pk *provingKey[S, A1, A2]) checkParts(ctx context.Context, s *r1cs.System, threads int) error {
	if err := pk.checkFixed(); err != nil {
		return err
	}
	c := combination[S, A1, A2]{backend: pk.vk.backend, pk: pk, threads: threads}
	if err := c.draw(ctx, s); err != nil {
		return err
	}
	if err := c.sum(ctx); err != nil {
		return err
	}
	return c.check()
}

// checkFixed checks the single points.
func (pk *provingKey[S, A1, A2]) checkFixed() error {
	b, vk, last := pk.vk.backend, pk.vk, pk.powers[len(pk.powers)-1]
	if end := b.G1.Add(&pk.powers[0], &pk.gZ2); !b.G1.Equal(&end, &last) {
		return unrelated("g_gamma2_z_t")
	}
	return wire.InOrder(
		func() error {
			return b.samePairing("g_gamma_z", pair[A1, A2]{pk.gGammaZ, vk.hGamma}, pair[A1, A2]{vk.gGamma, pk.hGammaZ})
		},
		func() error {
			return b.samePairing("g_ab_gamma_z", pair[A1, A2]{pk.gABZ, vk.h}, pair[A1, A2]{vk.gAlpha, pk.hGammaZ}, pair[A1, A2]{pk.gGammaZ, vk.hBeta})
		},
		func() error {
			return b.samePairing("g_gamma2_z2", pair[A1, A2]{pk.gZ2, vk.h}, pair[A1, A2]{pk.gGammaZ, pk.hGammaZ})
		},
		func() error {
			return b.samePairing("g_gamma2_z_t", pair[A1, A2]{pk.powers[0], vk.h}, pair[A1, A2]{pk.gGammaZ, vk.hGamma})
		},
	)
}

// combination is one random linear combination of the columns of f.
type combination[S, A1, A2 any] struct {
	*backend[S, A1, A2]
	pk      *provingKey[S, A1, A2]
	threads int

	all, right   []S // the factors by column; those of the columns that c1 is checked for, 0 elsewhere
	from         int // the first of these
	left2        A1  // L(2·u) for the factors all
	rightL       A1  // L(w) for the factors right
	a, c1, c2    A1
	b, bForRight A2
}

// draw draws the factors and evaluates L of the polynomials that they combine.
func (c *combination[S, A1, A2]) draw(ctx context.Context, s *r1cs.System) error {
	var err error
	if c.all, err = wire.RandomFactors(c.Field, c.pk.columns()); err != nil {
		return err
	}
	c.right = c.all
	if !c.G2.Equal(&c.pk.vk.h, &c.pk.vk.hGamma) {
		c.from = c.pk.instance
		c.right = append(make([]S, c.from), c.all[c.from:]...)
	}
	values := make([]S, c.pk.domain())
	assignment, err := c.evaluate(ctx, s, c.all)
	if err != nil {
		return err
	}
	leftValues(c.Field, s, values, assignment)
	c.Field.AddVec(values, values, values)
	if c.left2, err = c.atPowers(ctx, values); err != nil {
		return err
	}
	if c.from > 0 {
		if assignment, err = c.evaluate(ctx, s, c.right); err != nil {
			return err
		}
	}
	rightValues(c.Field, s, values, c.right, assignment)
	c.rightL, err = c.atPowers(ctx, values)
	return err
}

// evaluate multiplies the first columns of f with the matrices.
func (c *combination[S, A1, A2]) evaluate(ctx context.Context, s *r1cs.System, f []S) (r1cs.Assignment[S], error) {
	w := r1cs.Erase(c.Curve(), r1cs.Assignment[S]{Z: f[:c.pk.variables]})
	return r1cs.Restore(ctx, c.Field, s, w)
}

// atPowers returns L of the polynomial with the N values, which it overwrites.
func (c *combination[S, A1, A2]) atPowers(ctx context.Context, values []S) (A1, error) {
	coefficients := make([]S, len(values))
	domain, err := c.pk.work.Domain()
	if err == nil {
		err = domain.Interpolate(ctx, coefficients, values, c.threads)
	}
	if err != nil {
		return c.G1.Infinity(), err
	}
	return c.G1.MSM(ctx, c.pk.powers[:len(values)], coefficients, c.threads)
}

// sum combines the points of each query.
func (c *combination[S, A1, A2]) sum(ctx context.Context) error {
	pk, f := c.pk, c.Field
	return wire.InOrder(
		func() (err error) { c.a, err = wire.Sum(ctx, f, c.G1, &pk.a, c.all, c.threads); return },
		func() (err error) { c.b, err = wire.Sum(ctx, f, c.G2, &pk.b, c.all, c.threads); return },
		func() (err error) { c.c2, err = wire.Sum(ctx, f, c.G1, &pk.c2, c.all, c.threads); return },
		func() (err error) { c.c1, err = wire.Sum(ctx, f, c.G1, &pk.c1, c.right, c.threads); return },
		func() error {
			query, err := c.G1.MSM(ctx, pk.vk.query, c.right[:pk.instance], c.threads)
			c.c1 = c.G1.Add(&c.c1, &query)
			return err
		},
		func() (err error) {
			if c.bForRight = c.b; c.from > 0 {
				c.bForRight, err = wire.Sum(ctx, f, c.G2, &pk.b, c.right, c.threads)
			}
			return
		},
	)
}

// check compares the sums.
func (c *combination[S, A1, A2]) check() error {
	pk, vk := c.pk, c.pk.vk
	if !c.G1.Equal(&c.c2, &c.left2) {
		return unrelated("c_query_2")
	}
	twice := c.G1.Add(&c.a, &c.a)
	return wire.InOrder(
		func() error {
			return c.samePairing("a_query", pair[A1, A2]{c.a, vk.hGamma}, pair[A1, A2]{vk.gGamma, c.b})
		},
		func() error {
			return c.samePairing("c_query_2", pair[A1, A2]{c.c2, vk.h}, pair[A1, A2]{twice, pk.hGammaZ})
		},
		func() error {
			return c.samePairing("query and c_query_1", pair[A1, A2]{c.c1, pk.hGammaZ}, pair[A1, A2]{c.rightL, vk.hGamma}, pair[A1, A2]{pk.gABZ, c.bForRight})
		},
	)
}

// pair is what a pairing is taken of.
type pair[A1, A2 any] struct {
	g1 A1
	g2 A2
}

// samePairing checks that the pairing of left is the product of those of right.
func (b *backend[S, A1, A2]) samePairing(name string, left pair[A1, A2], right ...pair[A1, A2]) error {
	g1, g2 := []A1{b.G1.Neg(&left.g1)}, []A2{left.g2}
	for _, p := range right {
		g1, g2 = append(g1, p.g1), append(g2, p.g2)
	}
	same, err := b.PairingIsOne(g1, g2)
	if err != nil {
		return err
	}
	if !same {
		return unrelated(name)
	}
	return nil
}

func unrelated(name string) error {
	return fault.New(fault.InvalidArtifact, "%s: the points don't belong to the rest of the key or to the program", name)
}
