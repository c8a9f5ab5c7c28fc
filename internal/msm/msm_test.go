package msm

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// terms is a sum in both groups, over points with the same logarithms.
type terms struct {
	g1      []bn254.G1Affine
	g2      []bn254.G2Affine
	scalars []fr.Element
}

// supply are multiples of the generators: supply.g1[i] is (i+1)·G.
var supply = func() terms {
	const n = 1 << 12
	_, _, g1, g2 := bn254.Generators()
	s := terms{scalars: make([]fr.Element, n)}
	for i := range s.scalars {
		s.scalars[i].SetUint64(uint64(i + 1))
	}
	s.g1, s.g2 = bn254.BatchScalarMultiplicationG1(&g1, s.scalars), bn254.BatchScalarMultiplicationG2(&g2, s.scalars)
	return s
}()

// term appends scalar·log·G.
func (t *terms) term(log int, scalar fr.Element) {
	var p bn254.G1Affine
	var q bn254.G2Affine
	if log != 0 {
		p, q = supply.g1[max(log, -log)-1], supply.g2[max(log, -log)-1]
		if log < 0 {
			p.Neg(&p)
			q.Neg(&q)
		}
	}
	t.g1, t.g2, t.scalars = append(t.g1, p), append(t.g2, q), append(t.scalars, scalar)
}

// want computes the sums by gnark-crypto's MultiExp.
func (t *terms) want(tb testing.TB) (p bn254.G1Affine, q bn254.G2Affine) {
	tb.Helper()
	if len(t.scalars) == 0 {
		return p, q
	}
	config := ecc.MultiExpConfig{NbTasks: 1}
	if _, err := p.MultiExp(t.g1, t.scalars, config); err != nil {
		tb.Fatal(err)
	}
	if _, err := q.MultiExp(t.g2, t.scalars, config); err != nil {
		tb.Fatal(err)
	}
	return p, q
}

// check compares all ways to compute the sums with the oracle.
func (t *terms) check(tb testing.TB, name string, windows ...int) {
	tb.Helper()
	wantG1, wantG2 := t.want(tb)
	for _, set := range []Set{{}, {Threads: 2}, {Threads: 3, Portable: true}} {
		for _, c := range windows {
			s := set
			s.Window = c
			var p bn254.G1Affine
			var q bn254.G2Affine
			s.G1(&p, t.g1, t.scalars, nil)
			s.G2(&q, t.g2, t.scalars, nil)
			if err := s.Run(context.Background()); err != nil {
				tb.Fatal(err)
			}
			at := fmt.Sprintf("%s, %d terms, threads=%d window=%d portable=%v", name, len(t.scalars), set.Threads, c, set.Portable)
			if p != wantG1 {
				tb.Errorf("%s: the sum in G1 is wrong", at)
			}
			if q != wantG2 {
				tb.Errorf("%s: the sum in G2 is wrong", at)
			}
		}
	}
}

func random(rnd *rand.Rand) fr.Element {
	var k fr.Element
	for i := range k {
		k[i] = rnd.Uint64()
	}
	k[fr.Limbs-1] %= order[fr.Limbs-1]
	return k
}

func small(v int64) (k fr.Element) {
	k.SetInt64(v)
	return k
}

func power(e uint) (k fr.Element) {
	k.SetBigInt(new(big.Int).Lsh(big.NewInt(1), e))
	return k
}

// half is (r-1)/2 + d, about where scalars begin to be negated.
func half(d int64) (k fr.Element) {
	h := new(big.Int).Rsh(fr.Modulus(), 1)
	k.SetBigInt(h.Add(h, big.NewInt(d)))
	return k
}

func TestAgainstMultiExp(t *testing.T) {
	t.Parallel()
	type logs = func(rnd *rand.Rand, i int) int
	type values = func(rnd *rand.Rand, i int) fr.Element
	points := map[string]logs{
		"distinct":      func(_ *rand.Rand, i int) int { return 1 + i%len(supply.g1) },
		"few":           func(rnd *rand.Rand, _ int) int { return rnd.IntN(9) - 4 },
		"equal":         func(*rand.Rand, int) int { return 7 },
		"opposite":      func(_ *rand.Rand, i int) int { return 9 - i%2*18 },
		"infinity":      func(*rand.Rand, int) int { return 0 },
		"half infinity": func(rnd *rand.Rand, i int) int { return (1 + i%1000) * (i % 2) },
	}
	scalars := map[string]values{
		"dense": func(rnd *rand.Rand, _ int) fr.Element { return random(rnd) },
		"one bucket": func(*rand.Rand, int) fr.Element {
			return power(97)
		},
		"ones":       func(*rand.Rand, int) fr.Element { return one },
		"minus ones": func(*rand.Rand, int) fr.Element { return minusOne },
		"bits":       func(rnd *rand.Rand, _ int) fr.Element { return small(rnd.Int64N(2)) },
		"signs":      func(rnd *rand.Rand, _ int) fr.Element { return small(rnd.Int64N(3) - 1) },
		"32 bits":    func(rnd *rand.Rand, _ int) fr.Element { return small(int64(int32(rnd.Uint32()))) },
		"powers":     func(rnd *rand.Rand, _ int) fr.Element { return power(uint(rnd.IntN(254))) },
		"half":       func(rnd *rand.Rand, _ int) fr.Element { return half(rnd.Int64N(5) - 2) },
		"sparse": func(rnd *rand.Rand, _ int) fr.Element {
			if rnd.IntN(40) > 0 {
				return fr.Element{}
			}
			return random(rnd)
		},
		"mixed": func(rnd *rand.Rand, i int) fr.Element {
			return []fr.Element{random(rnd), {}, one, minusOne, small(2), power(253), half(0), half(1)}[rnd.IntN(8)]
		},
	}
	for pointsName, log := range points {
		for scalarsName, value := range scalars {
			name := pointsName + " points, " + scalarsName
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				rnd := rand.New(rand.NewPCG(1, 2))
				lengths, windows := []int{0, 1, 3, 600}, []int{0, 4, 11}
				if testing.Short() {
					lengths, windows = []int{3, 300}, windows[:1]
				}
				for _, n := range lengths {
					var terms terms
					for i := range n {
						terms.term(log(rnd, i), value(rnd, i))
					}
					terms.check(t, name, windows...)
				}
			})
		}
	}
}

// TestLong has more terms than blocks, chunks and parts of windows hold.
func TestLong(t *testing.T) {
	t.Parallel()
	const n = 1<<16 + 321
	for name, value := range map[string]func(rnd *rand.Rand) fr.Element{
		"dense":      random,
		"few digits": func(rnd *rand.Rand) fr.Element { return small(2 + rnd.Int64N(3)) },
		"units":      func(rnd *rand.Rand) fr.Element { return small(2*rnd.Int64N(2) - 1) },
	} {
		if testing.Short() && name != "units" {
			continue
		}
		rnd := rand.New(rand.NewPCG(3, 4))
		var terms terms
		for i := range n {
			terms.term(1+(i*i)%len(supply.g1), value(rnd))
		}
		terms.check(t, name, 0)
	}
}

func TestSetOfSeveral(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(5, 6))
	sums := make([]terms, 5)
	for i := range sums {
		for range 300 * i {
			sums[i].term(1+rnd.IntN(100), random(rnd))
		}
	}
	for _, threads := range []int{1, 2, 4} {
		s := Set{Threads: threads}
		g1, g2 := make([]bn254.G1Affine, len(sums)), make([]bn254.G2Affine, len(sums))
		started := make([]int, len(sums))
		for i := range sums {
			s.G1(&g1[i], sums[i].g1, sums[i].scalars, func() { started[i]++ })
			s.G2(&g2[i], sums[i].g2, sums[i].scalars, nil)
		}
		if err := s.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		for i := range sums {
			wantG1, wantG2 := sums[i].want(t)
			if g1[i] != wantG1 || g2[i] != wantG2 {
				t.Errorf("threads=%d: sum %d is wrong", threads, i)
			}
			if started[i] != 1 {
				t.Errorf("threads=%d: sum %d was reported as started %d times", threads, i, started[i])
			}
		}
	}
}

// TestCancel cancels the context at the start of the second sum.
func TestCancel(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 8))
	var terms terms
	for i := range 5000 {
		terms.term(1+i%len(supply.g1), random(rnd))
	}
	for _, threads := range []int{1, 3} {
		ctx, cancel := context.WithCancel(context.Background())
		s := Set{Threads: threads}
		var p, q bn254.G1Affine
		s.G1(&p, terms.g1, terms.scalars, nil)
		s.G1(&q, terms.g1, terms.scalars, cancel)
		if err := s.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("threads=%d: got %v, want context.Canceled", threads, err)
		}
		cancel()
	}
}

func TestDifferentLengths(t *testing.T) {
	t.Parallel()
	var s Set
	var p bn254.G1Affine
	s.G1(&p, supply.g1[:3], supply.scalars[:2], nil)
	if err := s.Run(context.Background()); err == nil {
		t.Error("got no error")
	}
}
