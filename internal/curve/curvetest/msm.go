package curvetest

import (
	"context"
	"errors"
	"math/big"
	"testing"

	"provery/internal/curve"
)

func testMSM[S, A any](t *testing.T, f curve.Field[S], g curve.Group[S, A]) {
	t.Parallel()
	base := append([]A{g.Infinity()}, points(g, 60)...)
	for name, tc := range msmCases(t, f) {
		p := make([]A, len(tc.logs))
		total := new(big.Int)
		for i, m := range tc.logs {
			p[i] = multiple(g, base, m)
			total.Add(total, new(big.Int).Mul(big.NewInt(int64(m)), value(f, &tc.scalars[i])))
		}
		sum := multiply(g, base[1], total.Mod(total, f.Params().ScalarModulus))
		for _, threads := range []int{0, 1, 2, 3} {
			got, err := g.MSM(context.Background(), p, tc.scalars, threads)
			if err != nil {
				t.Fatal(err)
			}
			if !g.Equal(&got, &sum) {
				t.Errorf("%s, %d terms, threads=%d: the sum is wrong", name, len(p), threads)
			}
		}
	}
	testLongUnits(t, f, g)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := g.MSM(ctx, points(g, 3), scalars(t, f, random(t), 3), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
	if _, err := g.MSM(context.Background(), points(g, 3), scalars(t, f, random(t), 2), 1); err == nil {
		t.Error("different lengths: got no error")
	}
}

// msmCase is a sum of scalars[i]·logs[i]·generator. Points with known
// logarithms make the expected result one multiplication.
type msmCase[S any] struct {
	logs    []int // -60 to 60
	scalars []S
}

// multiple returns m·base[1], where base holds the multiples from 0 on.
func multiple[S, A any](g curve.Group[S, A], base []A, m int) A {
	if m < 0 {
		return g.Neg(&base[-m])
	}
	return base[m]
}

func msmCases[S any](t *testing.T, f curve.Field[S]) map[string]msmCase[S] {
	t.Helper()
	const n = 60
	rnd := random(t)
	mixed, dense := scalars(t, f, rnd, n), make([]S, n)
	if err := f.Random(dense, bytesOf{rnd}); err != nil {
		t.Fatal(err)
	}
	logs := func(of func(i int) int) []int {
		out := make([]int, n)
		for i := range out {
			out[i] = of(i)
		}
		return out
	}
	constant := func(v int64) []S {
		out := make([]S, n)
		for i := range out {
			f.SetBig(&out[i], big.NewInt(v))
		}
		return out
	}
	each := logs(func(i int) int { return i + 1 })
	equal := logs(func(int) int { return 5 })
	opposite := logs(func(i int) int { return (i/2 + 1) * (1 - i%2*2) })
	gaps := logs(func(i int) int { return i * min(i%3, 1) })
	return map[string]msmCase[S]{
		"empty":                 {},
		"one term":              {each[6:7], dense[:1]},
		"one unit":              {each[6:7], constant(1)[:1]},
		"two terms":             {each[:2], dense[:2]},
		"dense":                 {each, dense},
		"mixed":                 {each, mixed},
		"mixed with infinities": {gaps, mixed},
		"all infinity":          {make([]int, n), dense},
		"zeros":                 {each, constant(0)},
		"ones":                  {each, constant(1)},
		"minus ones":            {each, constant(-1)},
		"all equal":             {equal, constant(7)},
		"equal points":          {equal, dense},
		"equal units":           {equal, constant(1)},
		"opposite, equal":       {opposite, constant(9)},
		"opposite, units":       {opposite, constant(1)},
		"opposite, mixed":       {opposite, mixed},
		"small negatives":       {each, constant(-5)},
	}
}

// testLongUnits adds up enough units for several affine batches: multiples of
// the generator whose sum is known, with repeats and opposites that meet in
// one batch.
func testLongUnits[S, A any](t *testing.T, f curve.Field[S], g curve.Group[S, A]) {
	t.Helper()
	const n = 3000
	base := points(g, 50)
	p, k := make([]A, n), make([]S, n)
	sum := int64(0)
	rnd := random(t)
	for i := range p {
		m := rnd.IntN(len(base))
		p[i] = base[m]
		sign := rnd.IntN(3) - 1
		sum += int64(sign) * int64(m+1)
		f.SetUint64(&k[i], uint64(sign*sign))
		if sign < 0 {
			f.Neg(&k[i], &k[i])
		}
	}
	gen := g.Generator()
	var total S
	f.SetUint64(&total, uint64(max(sum, -sum)))
	want := g.Mul(&gen, &total)
	if sum < 0 {
		want = g.Neg(&want)
	}
	for _, threads := range []int{1, 2, 3} {
		got, err := g.MSM(context.Background(), p, k, threads)
		if err != nil {
			t.Fatal(err)
		}
		if !g.Equal(&got, &want) {
			t.Errorf("%d units, threads=%d: the sum is wrong", n, threads)
		}
	}
}
