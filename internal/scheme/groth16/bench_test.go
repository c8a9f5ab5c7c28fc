package groth16

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
// each stage.
func BenchmarkProve(b *testing.B) {
	b.Run("scheme=groth16/curve=bn254", func(b *testing.B) { benchmarkProve(b, newBackend(bn254.Suite()), 1<<13, 1<<16, 1<<17) })
	b.Run("scheme=groth16/curve=bls12_381", func(b *testing.B) { benchmarkProve(b, newBackend(bls12381.Suite()), 1<<13) })
}

func benchmarkProve[S, A1, A2 any](b *testing.B, backend *backend[S, A1, A2], domains ...int) {
	for _, n := range domains {
		pk, sys, w := setUp(b, backend, 1, shape{public: 2, constraints: n - 100, bits: 90})
		a := evaluated(b, backend, sys, w)
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("n=%d/threads=%d", n, threads), func(b *testing.B) {
				in := scheme.ProveInput{Key: pk, System: sys, Witness: a, Threads: threads, Rand: rand.Reader}
				stages, spent := []string{}, map[string]time.Duration{}
				var last time.Duration
				in.Stage = func(name string) {
					now := cpuTime()
					if len(stages) > 0 {
						spent[stages[len(stages)-1]] += now - last
					}
					stages, last = append(stages, name), now
				}
				start := cpuTime()
				for b.Loop() {
					if _, err := backend.Prove(context.Background(), in); err != nil {
						b.Fatal(err)
					}
					in.Stage("end")
				}
				b.ReportMetric((cpuTime()-start).Seconds()/float64(b.N), "cpu-s/op")
				for name, d := range spent {
					b.ReportMetric(d.Seconds()*1000/float64(b.N), name+"-ms")
				}
			})
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, id := range curve.All() {
		backend, err := New(id)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("scheme=groth16/curve="+id.String(), func(b *testing.B) { benchmarkVerify(b, backend) })
	}
}

func benchmarkVerify(b *testing.B, backend scheme.Backend) {
	for _, f := range fixtures(b) {
		if f.backend.Curve() != backend.Curve() || f.proof == nil {
			continue
		}
		vk, err := backend.ParseVerifyingKey(f.vk)
		if err != nil {
			b.Fatal(err)
		}
		proof, public, err := backend.ParseProof(f.proof)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := backend.Verify(vk, proof, public); err != nil {
				b.Fatal(err)
			}
		}
		return
	}
	b.Skip("no fixture")
}

// evaluated returns w with A·z, B·z and C·z, as a solver gives it.
func evaluated[S, A1, A2 any](b *testing.B, backend *backend[S, A1, A2], sys *r1cs.System, w r1cs.Witness) r1cs.Witness {
	b.Helper()
	a, err := r1cs.Restore(context.Background(), backend.Field, sys, w)
	if err != nil {
		b.Fatal(err)
	}
	return r1cs.Erase(sys.Curve, a)
}
