package gm17

import (
	"context"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// Prove makes a proof, as scheme.Backend says. The context is looked at
// between two stages and within the long ones. Beside the witness it holds f
// and two vectors of the domain's size, which it returns to the key's pool.
//
// in.Rand gives one scalar, rho of the package's documentation.
func (b *backend[S, A1, A2]) Prove(ctx context.Context, in scheme.ProveInput) (scheme.Proof, error) {
	pk, ok := in.Key.(*provingKey[S, A1, A2])
	if !ok || pk.Curve() != b.Curve() {
		return nil, fault.New(fault.Internal, "prove: not a gm17 key on %v", b.Curve())
	}
	if err := pk.Fits(in.System); err != nil {
		return nil, err
	}
	blinding := make([]S, 1)
	if err := b.Field.Random(blinding, in.Rand); err != nil {
		return nil, err
	}
	p := prover[S, A1, A2]{backend: b, pk: pk, in: in, rho: blinding[0], loan: pk.work.Loan()}
	defer p.loan.Return()
	if err := wire.RunStages(ctx, in.Stage, p.stages()...); err != nil {
		return nil, err
	}
	return p.assemble(), nil
}

// prover is the state of one proof.
type prover[S, A1, A2 any] struct {
	*backend[S, A1, A2]
	pk         *provingKey[S, A1, A2]
	in         scheme.ProveInput
	loan       *wire.Loan[S]
	rho        S
	assignment r1cs.Assignment[S]
	f          []S // the assignment of the square arithmetic program
	q          []S // the quotient's coefficients
	sumA       A1
	sumB       A2
	sumC       A1
	sumQ       A1
}

func (p *prover[S, A1, A2]) stages() []wire.Stage {
	return []wire.Stage{
		{Name: StageEvaluate, Run: p.evaluate},
		{Name: StageA, Run: p.multiplyWitness},
		{Name: StageQuotient, Run: p.quotient},
		{Name: StageH, Run: func(ctx context.Context) error {
			return p.Sum(ctx, []curve.Product[S, A1]{{Dst: &p.sumQ, Points: p.pk.powers, Scalars: p.q}}, nil, p.in.Threads)
		}},
	}
}

// multiplyWitness computes the three sums over f on one queue of work. It is
// StageA at first, and reports the others as they begin.
func (p *prover[S, A1, A2]) multiplyWitness(ctx context.Context) error {
	pk := p.pk
	begin := wire.InSync(p.in.Stage)
	// The quotient's vectors aren't in use yet.
	a := wire.Scalars(p.Field, &pk.a, p.f, p.loan.Vector())
	b := wire.Scalars(p.Field, &pk.b, p.f, p.loan.Vector())
	c := wire.Scalars(p.Field, &pk.c1, p.f, nil)
	defer p.loan.Return()
	return p.Sum(ctx, []curve.Product[S, A1]{
		{Dst: &p.sumA, Points: pk.a.Points, Scalars: a},
		{Dst: &p.sumC, Points: pk.c1.Points, Scalars: c, Started: begin(StageC)},
	}, []curve.Product[S, A2]{
		{Dst: &p.sumB, Points: pk.b.Points, Scalars: b, Started: begin(StageB)},
	}, p.in.Threads)
}

func (p *prover[S, A1, A2]) evaluate(ctx context.Context) error {
	var err error
	if p.assignment, err = p.Assignment(ctx, p.in.System, p.in.Witness); err != nil {
		return err
	}
	p.f = extended(p.Field, p.in.System, p.assignment)
	return nil
}

// quotient computes the N+1 coefficients of q. For a witness that satisfies
// the system, as evaluate made sure of, W·f is the square of U·f.
func (p *prover[S, A1, A2]) quotient(ctx context.Context) error {
	domain, err := p.pk.work.Domain()
	if err != nil {
		return err
	}
	n := domain.Size()
	p.q = p.loan.Vector()
	u, w := p.q[:n], p.loan.Vector()[:n]
	leftValues(p.Field, p.in.System, u, p.assignment)
	p.Field.MulVec(w, u, u)
	p.Field.Mul(&p.q[n], &p.rho, &p.rho)
	return domain.SquareQuotient(ctx, u, w, &p.rho, p.in.Threads)
}

// assemble adds the blinding of rho to the sums.
func (p *prover[S, A1, A2]) assemble() scheme.Proof {
	g1, g2, pk := p.G1, p.G2, p.pk
	out := p.NewProof()

	t := g1.Mul(&pk.gGammaZ, &p.rho)
	out.A = g1.Add(&p.sumA, &t)

	u := g2.Mul(&pk.hGammaZ, &p.rho)
	out.B = g2.Add(&p.sumB, &u)

	t = g1.Mul(&pk.gABZ, &p.rho)
	out.C = g1.Add(&p.sumC, &p.sumQ)
	out.C = g1.Add(&out.C, &t)
	return out
}
