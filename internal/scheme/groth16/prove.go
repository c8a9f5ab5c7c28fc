package groth16

import (
	"context"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
)

// proof implements scheme.Proof.
type proof[A1, A2 any] struct {
	curve curve.ID
	a     A1
	b     A2
	c     A1
}

// Scheme returns scheme.Groth16.
func (p *proof[A1, A2]) Scheme() scheme.ID { return scheme.Groth16 }

// Curve returns the proof's curve.
func (p *proof[A1, A2]) Curve() curve.ID { return p.curve }

// Prove makes a proof, as scheme.Backend says. The context is looked at
// between two stages and within the long ones. Beside the witness it holds
// three vectors of the domain's size, which it returns to the key's pool.
func (b *backend[S, A1, A2]) Prove(ctx context.Context, in scheme.ProveInput) (scheme.Proof, error) {
	pk, ok := in.Key.(*provingKey[S, A1, A2])
	if !ok || pk.Curve() != b.Curve() {
		return nil, fault.New(fault.Internal, "prove: not a groth16 key on %v", b.Curve())
	}
	if err := pk.Fits(in.System); err != nil {
		return nil, err
	}
	p := prover[S, A1, A2]{backend: b, pk: pk, in: in}
	if p.in.Stage == nil {
		p.in.Stage = func(string) {}
	}
	defer p.release()
	blinding := make([]S, 2)
	if err := b.Field.Random(blinding, in.Rand); err != nil {
		return nil, err
	}
	for _, stage := range []struct {
		name string
		run  func(context.Context) error
	}{
		{StageEvaluate, p.evaluate},
		{StageA, func(ctx context.Context) (err error) { p.sumA, err = multiply(ctx, &p, b.G1, &pk.a); return }},
		{StageB1, func(ctx context.Context) (err error) { p.sumB1, err = multiply(ctx, &p, b.G1, &pk.b1); return }},
		{StageB2, func(ctx context.Context) (err error) { p.sumB2, err = multiply(ctx, &p, b.G2, &pk.b2); return }},
		{StageL, func(ctx context.Context) (err error) { p.sumL, err = multiply(ctx, &p, b.G1, &pk.l); return }},
		{StageQuotient, p.quotient},
		{StageH, p.multiplyH},
	} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p.in.Stage(stage.name)
		if err := stage.run(ctx); err != nil {
			return nil, err
		}
	}
	return p.assemble(&blinding[0], &blinding[1]), nil
}

// prover is the state of one proof.
type prover[S, A1, A2 any] struct {
	*backend[S, A1, A2]
	pk         *provingKey[S, A1, A2]
	in         scheme.ProveInput
	assignment r1cs.Assignment[S]
	vectors    [3]*[]S // the quotient's a, b, c, on loan from the key's pool
	sumA       A1
	sumB1      A1
	sumB2      A2
	sumL       A1
	sumH       A1
}

// evaluate completes the witness and checks that it satisfies the system.
func (p *prover[S, A1, A2]) evaluate(ctx context.Context) error {
	var err error
	if p.assignment, err = r1cs.Restore(ctx, p.Field, p.in.System, p.in.Witness); err != nil {
		return err
	}
	if !p.Field.IsOne(&p.assignment.Z[0]) {
		return fault.New(fault.Internal, "prove: the witness doesn't start with 1")
	}
	if i := r1cs.FirstUnsatisfied(p.Field, p.assignment); i >= 0 {
		return fault.New(fault.UnsatisfiedWitness, "prove: the witness doesn't satisfy constraint %d", i)
	}
	return nil
}

// multiply returns the sum of z_j·q_j over the columns j that q has points for.
func multiply[S, A1, A2, A any](ctx context.Context, p *prover[S, A1, A2], g curve.Group[S, A], q *query[A]) (A, error) {
	z := p.assignment.Z
	if q.columns == nil {
		return g.MSM(ctx, q.points, z[q.first:q.first+len(q.points)], p.in.Threads)
	}
	scalars := make([]S, len(q.columns))
	p.Field.Gather(scalars, z, q.columns)
	return g.MSM(ctx, q.points, scalars, p.in.Threads)
}

// quotient leaves the coefficients of h in the first vector.
func (p *prover[S, A1, A2]) quotient(ctx context.Context) error {
	domain, err := p.pk.domain()
	if err != nil {
		return err
	}
	m := p.in.System.NumConstraints()
	for i, src := range [][]S{p.assignment.AZ, p.assignment.BZ, p.assignment.CZ} {
		p.vectors[i] = p.pk.scratch.Get().(*[]S)
		copy(*p.vectors[i], src)
		clear((*p.vectors[i])[m:])
	}
	// Rows m to m+l-1 of A hold the instance columns.
	copy((*p.vectors[0])[m:], p.assignment.Z[:p.pk.instance])
	return domain.Quotient(ctx, *p.vectors[0], *p.vectors[1], *p.vectors[2], p.in.Threads)
}

func (p *prover[S, A1, A2]) multiplyH(ctx context.Context) error {
	h := *p.vectors[0]
	if last := len(h) - 1; !p.Field.IsZero(&h[last]) {
		return fault.New(fault.Internal, "prove: the quotient has a remainder")
	}
	var err error
	p.sumH, err = p.G1.MSM(ctx, p.pk.h, h[:len(p.pk.h)], p.in.Threads)
	return err
}

// release gives the vectors back. What is left in them is overwritten by the
// next proof of the key; it never leaves the process.
func (p *prover[S, A1, A2]) release() {
	for i, v := range p.vectors {
		if v != nil {
			p.pk.scratch.Put(v)
			p.vectors[i] = nil
		}
	}
}

// assemble adds the blinding of r and s to the sums.
func (p *prover[S, A1, A2]) assemble(r, s *S) scheme.Proof {
	g1, g2, pk := p.G1, p.G2, p.pk
	out := &proof[A1, A2]{curve: p.Curve()}

	t := g1.Mul(&pk.delta, r)
	out.a = g1.Add(&p.sumA, &t)
	out.a = g1.Add(&out.a, &pk.vk.alpha)

	u := g2.Mul(&pk.vk.delta, s)
	out.b = g2.Add(&p.sumB2, &u)
	out.b = g2.Add(&out.b, &pk.vk.beta)

	// C has s·A + r·B - r·s·delta, in G1; B's own s·delta cancels the last
	// term, so that B goes in without its blinding.
	bare := g1.Add(&p.sumB1, &pk.beta)
	t = g1.Mul(&out.a, s)
	out.c = g1.Add(&p.sumL, &p.sumH)
	out.c = g1.Add(&out.c, &t)
	t = g1.Mul(&bare, r)
	out.c = g1.Add(&out.c, &t)
	return out
}
