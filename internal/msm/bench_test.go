package msm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// cpuTime returns the processor time that the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkMSM compares the ways to compute a sum. Beside the elapsed time it
// reports the processor milliseconds of one.
func BenchmarkMSM(b *testing.B) {
	rnd := rand.New(rand.NewPCG(9, 10))
	for name, value := range map[string]func() fr.Element{
		"dense": func() fr.Element { return random(rnd) },
		"bits":  func() fr.Element { return small(rnd.Int64N(2)) },
		"mixed": func() fr.Element {
			if rnd.IntN(10) > 0 {
				return small(rnd.Int64N(2))
			}
			return random(rnd)
		},
	} {
		for _, n := range []int{1 << 13, 1 << 15, 1 << 17} {
			var t terms
			for i := range n {
				t.term(1+i%len(supply.g1), value())
			}
			for _, threads := range []int{1, 2} {
				for _, portable := range []bool{false, true} {
					run := func(add func(s *Set)) func() error {
						return func() error {
							s := Set{Threads: threads, Portable: portable}
							add(&s)
							return s.Run(context.Background())
						}
					}
					var p bn254.G1Affine
					var q bn254.G2Affine
					shape := fmt.Sprintf("scalars=%s/n=%d/threads=%d/portable=%v", name, n, threads, portable)
					benchmark(b, "group=G1/"+shape, run(func(s *Set) { s.G1(&p, t.g1, t.scalars, nil) }))
					benchmark(b, "group=G2/"+shape, run(func(s *Set) { s.G2(&q, t.g2, t.scalars, nil) }))
				}
				config := ecc.MultiExpConfig{NbTasks: threads}
				shape := fmt.Sprintf("scalars=%s/n=%d/threads=%d/library", name, n, threads)
				benchmark(b, "group=G1/"+shape, func() error {
					_, err := new(bn254.G1Jac).MultiExp(t.g1, t.scalars, config)
					return err
				})
				benchmark(b, "group=G2/"+shape, func() error {
					_, err := new(bn254.G2Jac).MultiExp(t.g2, t.scalars, config)
					return err
				})
			}
		}
	}
}

func benchmark(b *testing.B, name string, f func() error) {
	b.Run(name, func(b *testing.B) {
		start := cpuTime()
		for b.Loop() {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric((cpuTime()-start).Seconds()*1000/float64(b.N), "cpu-ms/op")
	})
}
