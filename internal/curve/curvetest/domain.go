package curvetest

import (
	"context"
	"errors"
	"math/big"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
)

func testDomain[S, A1, A2 any](t *testing.T, subject Subject[S, A1, A2]) {
	t.Parallel()
	s := subject.Suite
	f := s.Field
	for _, n := range []int{1, 2, 8, 64} {
		d, err := s.NewDomain(n, nil)
		if err != nil {
			t.Fatal(err)
		}
		omega := d.Omega()
		if got := order(f, omega); d.Size() != n || got != n {
			t.Errorf("domain of %d: got size %d and a root of order %d", n, d.Size(), got)
		}
		var wrong S
		f.Mul(&wrong, &omega, &omega)
		if n > 1 {
			if _, err := s.NewDomain(n, &wrong); !fault.Is(err, fault.InvalidArtifact) {
				t.Errorf("domain of %d, root of half the order: got %v, want invalid_artifact", n, err)
			}
		}
		if _, err := s.NewDomain(2*n, &omega); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("domain of %d, root of order %d: got %v, want invalid_artifact", 2*n, n, err)
		}
	}
	for _, n := range []int{0, -4, 3, 12} {
		if _, err := s.NewDomain(n, nil); !fault.Is(err, fault.Unsupported) {
			t.Errorf("domain of %d: got %v, want unsupported", n, err)
		}
	}
	if _, err := s.NewDomain(1<<(s.Params.TwoAdicity+1), nil); !fault.Is(err, fault.Unsupported) {
		t.Errorf("domain beyond the two-adicity: got %v, want unsupported", err)
	}
}

// order returns the multiplicative order of x, which is at most 2^20.
func order[S any](f curve.Field[S], x S) int {
	y := x
	for n := 1; n <= 1<<20; n++ {
		if f.IsOne(&y) {
			return n
		}
		f.Mul(&y, &y, &x)
	}
	return 0
}

func testQuotient[S, A1, A2 any](t *testing.T, subject Subject[S, A1, A2]) {
	t.Parallel()
	for n := 1; n <= 64; n *= 2 {
		quotientAgainstDivision(t, subject.Suite, n, nil)
	}
	for _, n := range []int{4, 32, 64} {
		d, err := subject.Suite.NewDomain(n, nil)
		if err != nil {
			t.Fatal(err)
		}
		omega, cube := d.Omega(), d.Omega()
		subject.Suite.Field.Exp(&cube, &omega, big.NewInt(3))
		quotientAgainstDivision(t, subject.Suite, n, &cube)
		if subject.Root != "" {
			other := otherRoot(t, subject, n)
			quotientAgainstDivision(t, subject.Suite, n, &other)
			if n == 64 && subject.Suite.Field.Equal(&other, &omega) {
				t.Error("the other root isn't another one")
			}
		}
	}
	quotientByThreads(t, subject.Suite)
	quotientCanceled(t, subject.Suite)
}

// otherRoot returns the power of subject.Root that has order n.
func otherRoot[S, A1, A2 any](t *testing.T, subject Subject[S, A1, A2], n int) S {
	t.Helper()
	v, ok := new(big.Int).SetString(subject.Root, 10)
	if !ok {
		t.Fatalf("root %q isn't a number", subject.Root)
	}
	root := fromBig(subject.Suite.Field, v)
	e := new(big.Int).Lsh(big.NewInt(1), uint(subject.Suite.Params.TwoAdicity))
	subject.Suite.Field.Exp(&root, &root, e.Div(e, big.NewInt(int64(n))))
	return root
}

// quotientAgainstDivision compares Quotient with interpolation by the naive
// transform and schoolbook division by X^n - 1.
func quotientAgainstDivision[S, A1, A2 any](t *testing.T, s *curve.Suite[S, A1, A2], n int, root *S) {
	t.Helper()
	f := s.Field
	d, err := s.NewDomain(n, root)
	if err != nil {
		t.Fatal(err)
	}
	omega := d.Omega()
	rnd := random(t)
	a, b, c := scalars(t, f, rnd, n), scalars(t, f, rnd, n), make([]S, n)
	f.MulVec(c, a, b)
	pa, pb, pc := interpolate(f, omega, a), interpolate(f, omega, b), interpolate(f, omega, c)
	product := make([]S, 2*n)
	var term S
	for i := range pa {
		for j := range pb {
			f.Mul(&term, &pa[i], &pb[j])
			f.Add(&product[i+j], &product[i+j], &term)
		}
		f.Sub(&product[i], &product[i], &pc[i])
	}
	// Division by X^n - 1: the top coefficient moves down by n.
	want := make([]S, n)
	for i := len(product) - 1; i >= n; i-- {
		want[i-n] = product[i]
		f.Add(&product[i-n], &product[i-n], &product[i])
	}
	for i := range product[:n] {
		if !f.IsZero(&product[i]) {
			t.Fatalf("oracle: remainder %d isn't 0", i)
		}
	}
	if err := d.Quotient(context.Background(), a, curve.EvaluationsOf(a, b, c), 1); err != nil {
		t.Fatal(err)
	}
	same(t, f, "Quotient", a, want)
}

// interpolate returns the coefficients of the polynomial with the values v at
// the powers of omega, by the definition of the inverse transform.
func interpolate[S any](f curve.Field[S], omega S, v []S) []S {
	n := len(v)
	var size, inverse S
	f.SetUint64(&size, uint64(n))
	f.Inverse(&size, &size)
	f.Inverse(&inverse, &omega)
	powers := make([]S, n)
	var one, term S
	f.SetUint64(&one, 1)
	f.Powers(powers, &one, &inverse)
	out := make([]S, n)
	for j := range out {
		for i := range v {
			f.Mul(&term, &v[i], &powers[i*j%n])
			f.Add(&out[j], &out[j], &term)
		}
		f.Mul(&out[j], &out[j], &size)
	}
	return out
}

// quotientByThreads checks that the thread count doesn't change the result,
// and that A·B != C on the domain shows in the last coefficient.
func quotientByThreads[S, A1, A2 any](t *testing.T, s *curve.Suite[S, A1, A2]) {
	t.Helper()
	const n = 1 << 12
	f := s.Field
	d, err := s.NewDomain(n, nil)
	if err != nil {
		t.Fatal(err)
	}
	rnd := random(t)
	a, b, c := scalars(t, f, rnd, n), scalars(t, f, rnd, n), make([]S, n)
	f.MulVec(c, a, b)
	run := func(threads int, c []S) []S {
		x, y, z := append([]S{}, a...), append([]S{}, b...), append([]S{}, c...)
		if err := d.Quotient(context.Background(), x, curve.EvaluationsOf(x, y, z), threads); err != nil {
			t.Fatal(err)
		}
		return x
	}
	want := run(1, c)
	if !f.IsZero(&want[n-1]) {
		t.Error("the last coefficient of an exact quotient isn't 0")
	}
	for _, threads := range []int{0, 2, 3, 5} {
		same(t, f, "Quotient on more threads", run(threads, c), want)
	}
	c[17] = fromBig(f, new(big.Int).Add(value(f, &c[17]), big.NewInt(1)))
	if off := run(2, c); f.IsZero(&off[n-1]) {
		t.Error("the last coefficient is 0 although A·B isn't C")
	}
}

func quotientCanceled[S, A1, A2 any](t *testing.T, s *curve.Suite[S, A1, A2]) {
	t.Helper()
	d, err := s.NewDomain(8, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	v := func() []S { return make([]S, 8) }
	if err := d.Quotient(ctx, v(), curve.EvaluationsOf(v(), v(), v()), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
	if err := d.Quotient(context.Background(), v(), curve.EvaluationsOf(v(), v(), v()[:7]), 1); err == nil {
		t.Error("vectors of different lengths: got no error")
	}
}
