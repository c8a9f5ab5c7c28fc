package gm17

import (
	"context"
	"testing"

	"provery/internal/curve"
	"provery/internal/curve/bn254"
	"provery/internal/r1cs"
)

// inner returns the sum of a[i]·b[i].
func inner[S any](f curve.Field[S], a, b []S) S {
	var sum, t S
	for i := range a {
		f.Mul(&t, &a[i], &b[i])
		f.Add(&sum, &sum, &t)
	}
	return sum
}

func TestSAP(t *testing.T) {
	t.Parallel()
	f := bn254.Suite().Field
	for seed, sh := range []shape{
		{}, {public: 2}, {constraints: 1}, {public: 1, constraints: 3}, {public: 4, constraints: 1500, bits: 50, unused: 3},
	} {
		sys, w := randomSystem(f, uint64(seed), sh)
		a, err := r1cs.Restore(context.Background(), f, sys, w)
		if err != nil {
			t.Fatal(err)
		}
		d := dimensionsOf(sys)
		n := d.domain()
		if rows := 2*d.constraints + 2*d.instance - 1; n < rows || n > 1 && n/2 >= rows {
			t.Errorf("%+v: a domain of %d for %d rows", sh, n, rows)
		}
		z := extended(f, sys, a)
		u, v := junk(f, n), junk(f, n)
		leftValues(f, sys, u, a)
		rightValues(f, sys, v, z, a)
		for i := range u {
			f.Mul(&u[i], &u[i], &u[i])
			if !f.Equal(&u[i], &v[i]) {
				t.Fatalf("%+v: row %d isn't satisfied", sh, i)
			}
		}
		transposedAgainstValues(t, f, sys, junk(f, d.columns()))
	}
}

// transposedAgainstValues checks that <weights, U·z> = <U^T·weights, z> for any
// z, which needn't start with 1 nor end with squares, and likewise for W.
func transposedAgainstValues[S any](t *testing.T, f curve.Field[S], sys *r1cs.System, z []S) {
	t.Helper()
	d := dimensionsOf(sys)
	a, err := r1cs.Restore(context.Background(), f, sys, r1cs.Erase(sys.Curve, r1cs.Assignment[S]{Z: z[:d.variables]}))
	if err != nil {
		t.Fatal(err)
	}
	table, err := f.FromMemory(sys.Table)
	if err != nil {
		t.Fatal(err)
	}
	left, right, weights := junk(f, d.domain()), junk(f, d.domain()), junk(f, d.domain())
	leftValues(f, sys, left, a)
	rightValues(f, sys, right, z, a)
	u, w := transposed(f, sys, table, weights)
	for name, v := range map[string][2]S{
		"U": {inner(f, weights, left), inner(f, u, z)},
		"W": {inner(f, weights, right), inner(f, w, z)},
	} {
		if !f.Equal(&v[0], &v[1]) {
			t.Errorf("%+v: %s and its transpose don't belong together", d, name)
		}
	}
}

// junk returns n random scalars.
func junk[S any](f curve.Field[S], n int) []S {
	v := make([]S, n)
	if err := f.Random(v, fixedRandom(uint64(n))); err != nil {
		panic(err)
	}
	return v
}
