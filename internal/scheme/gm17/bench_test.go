package gm17

import (
	"context"
	"crypto/rand"
	"fmt"
	"syscall"
	"testing"
	"time"

	"provery/internal/curve"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/r1cs"
	"provery/internal/scheme"
)

// cpuTime returns the processor time that the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkProve proves systems nine tenths of whose variables are bits. Beside
// the elapsed time it reports the processor seconds of one proof, and those of
// each stage. n is the number of constraints; the domain is twice as large.
func BenchmarkProve(b *testing.B) {
	b.Run("scheme=gm17/curve=bn254", func(b *testing.B) { benchmarkProve(b, newBackend(bn254.Suite()), 1<<13, 1<<16) })
	b.Run("scheme=gm17/curve=bls12_381", func(b *testing.B) { benchmarkProve(b, newBackend(bls12381.Suite()), 1<<13) })
}

func benchmarkProve[S, A1, A2 any](b *testing.B, backend *backend[S, A1, A2], sizes ...int) {
	for _, n := range sizes {
		pk, sys, w := setUp(b, backend, 1, shape{public: 2, constraints: n - 100, bits: 90})
		a, err := r1cs.Restore(context.Background(), backend.Field, sys, w)
		if err != nil {
			b.Fatal(err)
		}
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("n=%d/threads=%d", n, threads), func(b *testing.B) {
				in := scheme.ProveInput{Key: pk, System: sys, Witness: r1cs.Erase(sys.Curve, a), Threads: threads, Rand: rand.Reader}
				running, spent, last := "", map[string]time.Duration{}, cpuTime()
				in.Stage = func(name string) {
					now := cpuTime()
					spent[running] += now - last
					running, last = name, now
				}
				start := cpuTime()
				for b.Loop() {
					in.Stage("")
					if _, err := backend.Prove(context.Background(), in); err != nil {
						b.Fatal(err)
					}
				}
				in.Stage("")
				b.ReportMetric((cpuTime()-start).Seconds()/float64(b.N), "cpu-s/op")
				delete(spent, "")
				for name, d := range spent {
					b.ReportMetric(d.Seconds()*1000/float64(b.N), name+"-ms")
				}
			})
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	seen := map[curve.ID]bool{}
	for _, f := range fixtures(b) {
		if seen[f.backend.Curve()] {
			continue
		}
		seen[f.backend.Curve()] = true
		vk, err := f.backend.ParseVerifyingKey(f.vk)
		if err != nil {
			b.Fatal(err)
		}
		proof, public, err := f.backend.ParseProof(f.proof)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("scheme=gm17/curve="+f.backend.Curve().String(), func(b *testing.B) {
			for b.Loop() {
				if err := f.backend.Verify(vk, proof, public); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
