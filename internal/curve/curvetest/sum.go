package curvetest

import (
	"context"
	"errors"
	"math/big"
	"sync/atomic"
	"testing"

	"provery/internal/curve"
)

// testSum computes several products at once, long ones and empty ones in both
// groups, and compares them with multiples of the generators.
func testSum[S, A1, A2 any](t *testing.T, s *curve.Suite[S, A1, A2]) {
	t.Parallel()
	for _, threads := range []int{1, 3} {
		var started atomic.Int32
		g1, check1 := products(t, s.Field, s.G1, &started)
		g2, check2 := products(t, s.Field, s.G2, &started)
		if err := s.Sum(context.Background(), g1, g2, threads); err != nil {
			t.Fatal(err)
		}
		check1()
		check2()
		if got, want := started.Load(), len(g1)+len(g2); int(got) != want {
			t.Errorf("threads=%d: %d products were reported as started, want %d", threads, got, want)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Sum(ctx, g1, g2, threads); !errors.Is(err, context.Canceled) {
			t.Errorf("threads=%d, canceled: got %v", threads, err)
		}
		g1[1].Points = g1[1].Points[1:]
		if err := s.Sum(context.Background(), g1, nil, threads); err == nil {
			t.Errorf("threads=%d, different lengths: got no error", threads)
		}
	}
}

// products returns products of some lengths, and a function that checks their
// results.
func products[S, A any](t *testing.T, f curve.Field[S], g curve.Group[S, A], started *atomic.Int32) ([]curve.Product[S, A], func()) {
	t.Helper()
	rnd := random(t)
	base := points(g, 20)
	lengths := []int{0, 40, 400, 1}
	out, want := make([]curve.Product[S, A], len(lengths)), make([]A, len(lengths))
	for i, n := range lengths {
		p := curve.Product[S, A]{Dst: new(A), Scalars: scalars(t, f, rnd, n), Started: func() { started.Add(1) }}
		log := new(big.Int)
		for k := range n {
			m := rnd.IntN(len(base))
			p.Points = append(p.Points, base[m])
			log.Add(log, new(big.Int).Mul(big.NewInt(int64(m+1)), value(f, &p.Scalars[k])))
		}
		out[i], want[i] = p, multiply(g, base[0], log.Mod(log, f.Params().ScalarModulus))
	}
	return out, func() {
		t.Helper()
		for i := range out {
			if !g.Equal(out[i].Dst, &want[i]) {
				t.Errorf("product of %d terms is wrong", lengths[i])
			}
		}
	}
}
