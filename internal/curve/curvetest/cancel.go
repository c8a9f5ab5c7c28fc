package curvetest

import (
	"context"
	"errors"
	"testing"

	"provery/internal/curve"
)

// endingContext is canceled by being looked at.
type endingContext struct {
	context.Context
	looks int // that are left
}

// endsAfter returns a context that is canceled from the look after n others
// on. It is for one goroutine.
func endsAfter(n int) context.Context { return &endingContext{context.Background(), n} }

// Err counts the look.
func (c *endingContext) Err() error {
	if c.looks--; c.looks < 0 {
		return context.Canceled
	}
	return nil
}

// testCanceled ends the context at each of the looks that the domain's
// operations take at it: they stop there, and never report success.
func testCanceled[S, A1, A2 any](t *testing.T, subject Subject[S, A1, A2]) {
	t.Parallel()
	const n = 64
	d, err := subject.Suite.NewDomain(n, nil)
	if err != nil {
		t.Fatal(err)
	}
	double, err := subject.Suite.NewDomain(2*n, nil)
	if err != nil {
		t.Fatal(err)
	}
	root := double.Omega()
	var square S
	subject.Suite.Field.Mul(&square, &root, &root)
	odd, err := subject.Suite.NewDomain(n, &square)
	if err != nil {
		t.Fatal(err)
	}
	vector := func() []S { return make([]S, n) }
	for name, run := range map[string]func(context.Context) error{
		"Quotient": func(ctx context.Context) error {
			return d.Quotient(ctx, vector(), curve.EvaluationsOf(vector(), vector(), vector()), 1)
		},
		"SquareQuotient": func(ctx context.Context) error { return d.SquareQuotient(ctx, vector(), vector(), new(S), 1) },
		"OddQuotient": func(ctx context.Context) error {
			return odd.OddQuotient(ctx, vector(), curve.EvaluationsOf(vector(), vector(), vector()), &root, 1)
		},
		"Interpolate": func(ctx context.Context) error { return d.Interpolate(ctx, vector(), vector(), 1) },
	} {
		looks := 0
		for ; ; looks++ {
			err := run(endsAfter(looks))
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("%s, canceled at look %d: got %v", name, looks, err)
			}
		}
		if looks < 4 {
			t.Errorf("%s: %d looks at the context, want one for each step and within", name, looks)
		}
	}
}
