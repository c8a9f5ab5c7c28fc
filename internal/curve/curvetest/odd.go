package curvetest

import (
	"context"
	"errors"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
)

// testOddQuotient compares OddQuotient with interpolation by the naive
// transform and evaluation by Horner's rule, also where A·B isn't C.
func testOddQuotient[S, A1, A2 any](t *testing.T, subject Subject[S, A1, A2]) {
	t.Parallel()
	f := subject.Suite.Field
	for n := 1; n <= 64; n *= 2 {
		twice, err := subject.Suite.NewDomain(2*n, nil)
		if err != nil {
			t.Fatal(err)
		}
		var omega, other S
		root := twice.Omega()
		f.Mul(&omega, &root, &root)
		f.Neg(&other, &root)
		d, err := subject.Suite.NewDomain(n, &omega)
		if err != nil {
			t.Fatal(err)
		}
		// The domain keeps a table for one root; alternate between two.
		for _, r := range []S{root, other, root} {
			oddAgainstEvaluation(t, f, d, &r)
		}
		if err := d.OddQuotient(context.Background(), make([]S, n), curve.EvaluationsOf(make([]S, n), make([]S, n), make([]S, n)), &omega, 1); n > 1 && !fault.Is(err, fault.Internal) {
			t.Errorf("root of the wrong order: got %v", err)
		}
	}
	oddByThreads(t, subject.Suite)
}

func oddAgainstEvaluation[S any](t *testing.T, f curve.Field[S], d curve.Domain[S], root *S) {
	t.Helper()
	n, omega, rnd := d.Size(), d.Omega(), random(t)
	vectors := [3][]S{scalars(t, f, rnd, n), scalars(t, f, rnd, n), scalars(t, f, rnd, n)}
	at := func(p []S, x *S) (y S) {
		for i := len(p) - 1; i >= 0; i-- {
			f.Mul(&y, &y, x)
			f.Add(&y, &y, &p[i])
		}
		return y
	}
	want := make([]S, n)
	x := *root
	for i := range want {
		var values [3]S
		for k, v := range vectors {
			values[k] = at(interpolate(f, omega, v), &x)
		}
		f.Mul(&want[i], &values[0], &values[1])
		f.Sub(&want[i], &want[i], &values[2])
		f.Mul(&x, &x, &omega)
	}
	if err := d.OddQuotient(context.Background(), vectors[0], curve.EvaluationsOf(vectors[0], vectors[1], vectors[2]), root, 1); err != nil {
		t.Fatal(err)
	}
	same(t, f, "OddQuotient", vectors[0], want)
}

func oddByThreads[S, A1, A2 any](t *testing.T, s *curve.Suite[S, A1, A2]) {
	t.Helper()
	const n = 1 << 12
	f, rnd := s.Field, random(t)
	twice, err := s.NewDomain(2*n, nil)
	if err != nil {
		t.Fatal(err)
	}
	var omega S
	root := twice.Omega()
	f.Mul(&omega, &root, &root)
	d, err := s.NewDomain(n, &omega)
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := scalars(t, f, rnd, n), scalars(t, f, rnd, n), scalars(t, f, rnd, n)
	run := func(ctx context.Context, threads int) ([]S, error) {
		x, y, z := append([]S{}, a...), append([]S{}, b...), append([]S{}, c...)
		return x, d.OddQuotient(ctx, x, curve.EvaluationsOf(x, y, z), &root, threads)
	}
	want, err := run(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, threads := range []int{0, 2, 3, 5} {
		got, err := run(context.Background(), threads)
		if err != nil {
			t.Fatal(err)
		}
		same(t, f, "OddQuotient on more threads", got, want)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := run(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
	if err := d.OddQuotient(context.Background(), a, curve.EvaluationsOf(a, b, c[1:]), &root, 1); err == nil {
		t.Error("vectors of different lengths: got no error")
	}
}
