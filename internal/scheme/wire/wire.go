// Package wire is what the proving schemes have in common: the forms of
// points, proofs and public inputs in ZoKrates's files, reading and writing
// proving keys, the roots of unity that keys are made for, and the steps of
// set-up and proof that don't depend on the scheme.
//
// Schemes never see each other; each embeds a Base.
package wire

import (
	"context"
	"sync"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
)

// Base is the part of a scheme.Backend that is the same for all schemes, on
// one curve. It has no state but the curve's suite and the scheme's names.
type Base[S, A1, A2 any] struct {
	*curve.Suite[S, A1, A2]
	id   scheme.ID
	name string // in ZoKrates's files
}

// NewBase returns the base of the scheme id, which ZoKrates's files call name.
func NewBase[S, A1, A2 any](suite *curve.Suite[S, A1, A2], id scheme.ID, name string) *Base[S, A1, A2] {
	return &Base[S, A1, A2]{suite, id, name}
}

// Scheme returns the scheme.
func (b *Base[S, A1, A2]) Scheme() scheme.ID { return b.id }

// Curve returns the curve.
func (b *Base[S, A1, A2]) Curve() curve.ID { return b.Params.ID }

// Name returns what ZoKrates's files call the scheme.
func (b *Base[S, A1, A2]) Name() string { return b.name }

// CheckSystem makes sure that s is over the backend's curve.
func (b *Base[S, A1, A2]) CheckSystem(s *r1cs.System) error {
	if s == nil || s.Curve != b.Params.ID {
		return fault.New(fault.InvalidArtifact, "constraint system isn't over %v", b.Params.ID)
	}
	return nil
}

// Assignment completes a witness and checks that it satisfies the system:
// fault.UnsatisfiedWitness if not.
func (b *Base[S, A1, A2]) Assignment(ctx context.Context, s *r1cs.System, w r1cs.Witness) (r1cs.Assignment[S], error) {
	a, err := r1cs.Restore(ctx, b.Field, s, w)
	if err != nil {
		return a, err
	}
	if !b.Field.IsOne(&a.Z[0]) {
		return a, fault.New(fault.Internal, "prove: the witness doesn't start with 1")
	}
	if i := r1cs.FirstUnsatisfied(b.Field, s, a); i >= 0 {
		return a, fault.New(fault.UnsatisfiedWitness, "prove: the witness doesn't satisfy constraint %d", i)
	}
	return a, nil
}

// Statement returns the parts of a proof and of the public inputs that are to
// be verified under a key for numPublic of them. Another scheme's or curve's
// proof, or another number of inputs, is fault.InvalidRequest.
func (b *Base[S, A1, A2]) Statement(p scheme.Proof, public curve.Vector, numPublic int) (*Proof[A1, A2], []S, error) {
	proof, ok := b.own(p)
	if !ok {
		return nil, nil, fault.New(fault.InvalidRequest, "verify: not a %s proof on %v", b.id, b.Curve())
	}
	x, err := curve.Elements[S](b.Curve(), public)
	if err != nil {
		return nil, nil, fault.New(fault.InvalidRequest, "verify: public inputs aren't over %v", b.Curve())
	}
	if len(x) != numPublic {
		return nil, nil, fault.New(fault.InvalidRequest, "verify: %d public inputs; the key has %d", len(x), numPublic)
	}
	return proof, x, nil
}

// PublicSum returns points[0] + sum_i x_i·points[i+1].
func (b *Base[S, A1, A2]) PublicSum(points []A1, x []S) (A1, error) {
	sum, err := b.G1.MSM(context.Background(), points[1:], x, 1)
	if err != nil {
		return sum, err
	}
	return b.G1.Add(&sum, &points[0]), nil
}

// Stage is one step of a proof.
type Stage struct {
	Name string
	Run  func(context.Context) error
}

// RunStages runs the stages in order, and reports the name of each as it
// starts to report, if that isn't nil. It stops at an error, or when ctx is
// done.
func RunStages(ctx context.Context, report func(name string), stages ...Stage) error {
	for _, s := range stages {
		if err := ctx.Err(); err != nil {
			return err
		}
		if report != nil {
			report(s.Name)
		}
		if err := s.Run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// InSync returns the functions that report stages as they start, to report if
// that isn't nil, where several may start at once.
func InSync(report func(name string)) func(name string) func() {
	if report == nil {
		return func(string) func() { return nil }
	}
	var mu sync.Mutex
	return func(name string) func() {
		return func() {
			mu.Lock()
			defer mu.Unlock()
			report(name)
		}
	}
}

// InOrder calls the functions until one fails.
func InOrder(fs ...func() error) error {
	for _, f := range fs {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}
