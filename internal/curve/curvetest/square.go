package curvetest

import (
	"context"
	"errors"
	"testing"

	"provery/internal/curve"
)

func testSquareQuotient[S, A1, A2 any](t *testing.T, subject Subject[S, A1, A2]) {
	t.Parallel()
	s := subject.Suite
	for n := 1; n <= 64; n *= 2 {
		squareQuotientAgainstProduct(t, s, n)
	}
	const n = 1 << 12
	d, err := s.NewDomain(n, nil)
	if err != nil {
		t.Fatal(err)
	}
	rnd := random(t)
	a, shift := scalars(t, s.Field, rnd, n), scalars(t, s.Field, rnd, 1)
	run := func(threads int, shift *S) []S {
		x, c := append([]S{}, a...), make([]S, n)
		s.Field.MulVec(c, a, a)
		if err := d.SquareQuotient(context.Background(), x, c, shift, threads); err != nil {
			t.Fatal(err)
		}
		return x
	}
	want := run(1, &shift[0])
	for _, threads := range []int{0, 2, 3} {
		same(t, s.Field, "SquareQuotient on more threads", run(threads, &shift[0]), want)
	}
	// Without a shift it is Quotient with a = b.
	x, y, c := append([]S{}, a...), append([]S{}, a...), make([]S, n)
	s.Field.MulVec(c, a, a)
	if err := d.Quotient(context.Background(), x, curve.EvaluationsOf(x, y, c), 2); err != nil {
		t.Fatal(err)
	}
	var zero S
	same(t, s.Field, "SquareQuotient without a shift", run(2, &zero), x)
	squareQuotientRefuses(t, d)
}

func squareQuotientRefuses[S any](t *testing.T, d curve.Domain[S]) {
	t.Helper()
	var zero S
	v := func() []S { return make([]S, d.Size()) }
	if err := d.SquareQuotient(context.Background(), v(), v()[1:], &zero, 1); err == nil {
		t.Error("vectors of different lengths: got no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.SquareQuotient(ctx, v(), v(), &zero, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}

// squareQuotientAgainstProduct multiplies the quotient by Z and compares it
// with (A + shift·Z)² - C, all by the schoolbook.
func squareQuotientAgainstProduct[S, A1, A2 any](t *testing.T, s *curve.Suite[S, A1, A2], n int) {
	t.Helper()
	f := s.Field
	d, err := s.NewDomain(n, nil)
	if err != nil {
		t.Fatal(err)
	}
	rnd := random(t)
	a, c, shift := scalars(t, f, rnd, n), make([]S, n), scalars(t, f, rnd, 1)
	f.MulVec(c, a, a)
	pc := interpolate(f, d.Omega(), c)
	shifted := append(interpolate(f, d.Omega(), a), shift[0])
	f.Sub(&shifted[0], &shifted[0], &shift[0])
	want := make([]S, 2*n+1)
	var term S
	for i := range shifted {
		for j := range shifted {
			f.Mul(&term, &shifted[i], &shifted[j])
			f.Add(&want[i+j], &want[i+j], &term)
		}
	}
	for i := range pc {
		f.Sub(&want[i], &want[i], &pc[i])
	}
	if err := d.SquareQuotient(context.Background(), a, c, &shift[0], 1); err != nil {
		t.Fatal(err)
	}
	var leading S
	f.Mul(&leading, &shift[0], &shift[0])
	h, got := append(a, leading), make([]S, 2*n+1)
	for i := range h {
		f.Add(&got[i+n], &got[i+n], &h[i])
		f.Sub(&got[i], &got[i], &h[i])
	}
	same(t, f, "SquareQuotient times Z", got, want)
}

func testInterpolate[S, A1, A2 any](t *testing.T, subject Subject[S, A1, A2]) {
	t.Parallel()
	s := subject.Suite
	for n := 1; n <= 64; n *= 2 {
		d, err := s.NewDomain(n, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, dst := scalars(t, s.Field, random(t), n), make([]S, n)
		want := interpolate(s.Field, d.Omega(), a)
		if err := d.Interpolate(context.Background(), dst, a, 2); err != nil {
			t.Fatal(err)
		}
		same(t, s.Field, "Interpolate", dst, want)
		if err := d.Interpolate(context.Background(), dst[1:], a, 1); err == nil {
			t.Error("vectors of different lengths: got no error")
		}
	}
}
