package groth16

import (
	"context"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/parallel"
	"provery/internal/r1cs"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

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
	blinding := make([]S, 2)
	if err := b.Field.Random(blinding, in.Rand); err != nil {
		return nil, err
	}
	p := prover[S, A1, A2]{backend: b, pk: pk, in: in, loan: pk.work.Loan()}
	defer p.loan.Return()
	if err := wire.RunStages(ctx, in.Stage, p.stages()...); err != nil {
		return nil, err
	}
	return p.assemble(&blinding[0], &blinding[1]), nil
}

// prover is the state of one proof.
type prover[S, A1, A2 any] struct {
	*backend[S, A1, A2]
	pk         *provingKey[S, A1, A2]
	in         scheme.ProveInput
	loan       *wire.Loan[S]
	assignment r1cs.Assignment[S]
	h          []S // the quotient in the key's basis
	sumA       A1
	sumB1      A1
	sumB2      A2
	sumL       A1
	sumH       A1
}

func (p *prover[S, A1, A2]) stages() []wire.Stage {
	return []wire.Stage{
		{Name: StageEvaluate, Run: func(ctx context.Context) (err error) {
			p.assignment, err = p.Assignment(ctx, p.in.System, p.in.Witness)
			return err
		}},
		{Name: StageA, Run: p.multiplyWitness},
		{Name: StageQuotient, Run: p.quotient},
		{Name: StageH, Run: p.multiplyH},
	}
}

// multiplyWitness computes the four sums over the assignment on one queue of
// work. It is StageA at first, and reports the others as they begin.
func (p *prover[S, A1, A2]) multiplyWitness(ctx context.Context) error {
	pk, z := p.pk, p.assignment.Z
	begin := wire.InSync(p.in.Stage)
	// The quotient's vectors aren't in use yet.
	a := wire.Scalars(p.Field, &pk.a, z, p.loan.Vector())
	b := wire.Scalars(p.Field, &pk.b1, z, p.loan.Vector())
	l := wire.Scalars(p.Field, &pk.l, z, p.loan.Vector())
	defer p.loan.Return()
	return p.Sum(ctx, []curve.Product[S, A1]{
		{Dst: &p.sumA, Points: pk.a.Points, Scalars: a},
		{Dst: &p.sumB1, Points: pk.b1.Points, Scalars: b, Started: begin(StageB1)},
		{Dst: &p.sumL, Points: pk.l.Points, Scalars: l, Started: begin(StageL)},
	}, []curve.Product[S, A2]{
		{Dst: &p.sumB2, Points: pk.b2.Points, Scalars: b, Started: begin(StageB2)},
	}, p.in.Threads)
}

// quotient computes h in the key's basis.
func (p *prover[S, A1, A2]) quotient(ctx context.Context) error {
	domain, err := p.pk.work.Domain()
	if err != nil {
		return err
	}
	p.h = p.loan.Vector()
	if p.pk.inOddBasis() {
		return domain.OddQuotient(ctx, p.h, p.evaluations(ctx), &p.pk.odd, p.in.Threads)
	}
	return domain.Quotient(ctx, p.h, p.evaluations(ctx), p.in.Threads)
}

// evaluations returns the values of the matrices' rows at the assignment, by
// constraint, with zeros behind them. Rows m to m+l-1 of A hold the instance
// columns.
func (p *prover[S, A1, A2]) evaluations(ctx context.Context) curve.Evaluations[S] {
	m := p.in.System.NumConstraints()
	of := func(matrix []uint32) func(dst []S) error {
		return func(dst []S) error {
			clear(dst[m:])
			return parallel.Chunks(ctx, p.in.Threads, m, 1<<12, func(lo, hi int) error {
				p.Field.Gather(dst[lo:hi], p.assignment.Rows, matrix[lo:hi])
				return nil
			})
		}
	}
	sys := p.in.System
	ofA := of(sys.A)
	return curve.Evaluations[S]{
		A: func(dst []S) error {
			err := ofA(dst)
			copy(dst[m:], p.assignment.Z[:p.pk.instance])
			return err
		},
		B: of(sys.B), C: of(sys.C),
	}
}

func (p *prover[S, A1, A2]) multiplyH(ctx context.Context) error {
	if last := len(p.h) - 1; !p.pk.inOddBasis() && !p.Field.IsZero(&p.h[last]) {
		return fault.New(fault.Internal, "prove: the quotient has a remainder")
	}
	return p.Sum(ctx, []curve.Product[S, A1]{
		{Dst: &p.sumH, Points: p.pk.h, Scalars: p.h[:len(p.pk.h)]},
	}, nil, p.in.Threads)
}

// assemble adds the blinding of r and s to the sums.
func (p *prover[S, A1, A2]) assemble(r, s *S) scheme.Proof {
	g1, g2, pk := p.G1, p.G2, p.pk
	out := p.NewProof()

	t := g1.Mul(&pk.delta, r)
	out.A = g1.Add(&p.sumA, &t)
	out.A = g1.Add(&out.A, &pk.vk.alpha)

	u := g2.Mul(&pk.vk.delta, s)
	out.B = g2.Add(&p.sumB2, &u)
	out.B = g2.Add(&out.B, &pk.vk.beta)

	// C has s·A + r·B - r·s·delta, in G1; B's own s·delta cancels the last
	// term, so that B goes in without its blinding.
	bare := g1.Add(&p.sumB1, &pk.beta)
	t = g1.Mul(&out.A, s)
	out.C = g1.Add(&p.sumL, &p.sumH)
	out.C = g1.Add(&out.C, &t)
	t = g1.Mul(&bare, r)
	out.C = g1.Add(&out.C, &t)
	return out
}
