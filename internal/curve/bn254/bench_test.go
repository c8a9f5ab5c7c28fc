package bn254

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve"
)

// vector returns n random scalars.
func vector(b *testing.B, n int) []fr.Element {
	b.Helper()
	v := make([]fr.Element, n)
	if err := NewField().Random(v, rand.Reader); err != nil {
		b.Fatal(err)
	}
	return v
}

func BenchmarkQuotient(b *testing.B) {
	for _, n := range []int{1 << 13, 1 << 17} {
		d, err := NewDomain(n, nil)
		if err != nil {
			b.Fatal(err)
		}
		x, y, z := vector(b, n), vector(b, n), vector(b, n)
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("curve=bn254/n=%d/threads=%d", n, threads), func(b *testing.B) {
				for b.Loop() {
					if err := d.Quotient(context.Background(), x, curve.EvaluationsOf(x, y, z), threads); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkMSM multiplies by full-size scalars, and by ones.
func BenchmarkMSM(b *testing.B) {
	const n = 1 << 15
	dense, ones := vector(b, n), make([]fr.Element, n)
	for i := range ones {
		ones[i].SetOne()
	}
	g1, g2 := generatorG1(), generatorG2()
	ctx := context.Background()
	p, err := G1{}.MulEach(ctx, &g1, dense, 2)
	q, err2 := G2{}.MulEach(ctx, &g2, dense, 2)
	if err != nil || err2 != nil {
		b.Fatal(err, err2)
	}
	for name, scalars := range map[string][]fr.Element{"dense": dense, "ones": ones} {
		b.Run(fmt.Sprintf("group=G1/scalars=%s/n=%d/threads=1", name, n), func(b *testing.B) { benchmarkMSM(b, G1{}.MSM, p, scalars) })
		b.Run(fmt.Sprintf("group=G2/scalars=%s/n=%d/threads=1", name, n), func(b *testing.B) { benchmarkMSM(b, G2{}.MSM, q, scalars) })
	}
}

func benchmarkMSM[A any](b *testing.B, msm func(context.Context, []A, []fr.Element, int) (A, error), points []A, scalars []fr.Element) {
	for b.Loop() {
		if _, err := msm(context.Background(), points, scalars, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMulEach(b *testing.B) {
	k, g := vector(b, 1<<15), generatorG1()
	for b.Loop() {
		if out, err := (G1{}).MulEach(context.Background(), &g, k, 1); err != nil || len(out) != len(k) {
			b.Fatal("lost points")
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	g := generatorG2()
	points, err := G2{}.MulEach(context.Background(), &g, vector(b, 256), 2)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := (G2{}).Check(context.Background(), points, 1); err != nil {
			b.Fatal(err)
		}
	}
}
