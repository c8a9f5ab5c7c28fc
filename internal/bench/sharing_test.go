package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"provery/internal/bench/synthetic"
	"provery/internal/curve"
	"provery/internal/prove"
	"provery/internal/scheme"
	"provery/internal/scheme/groth16"
	"provery/internal/worker"
)

// BenchmarkSharing makes 1, 2 and 16 proofs that wait at the same time: with the
// threads shared by what waits, with all threads for one proof after another
// (latency), and with one thread for each (throughput). It reports the mean
// time from the beginning to a proof's end, and proofs in a second.
func BenchmarkSharing(b *testing.B) {
	prover := sharingProver(b, synthetic.Spec{Kind: synthetic.Field, Log: 14})
	threads := runtime.GOMAXPROCS(0)
	for _, waiting := range []int{1, 2, 16} {
		for _, mode := range []struct {
			name   string
			places int
			perJob int
		}{{"shared", threads, 0}, {"latency", 1, threads}, {"throughput", threads, 1}} {
			b.Run(fmt.Sprintf("waiting=%d/mode=%s/threads=%d", waiting, mode.name, threads), func(b *testing.B) {
				var ends time.Duration
				for b.Loop() {
					budget := worker.NewBudget(worker.BudgetConfig{Threads: threads, PerJob: mode.perJob})
					ends += proveAll(b, prover, budget, waiting, mode.places)
				}
				proofs := float64(b.N * waiting)
				b.ReportMetric(ends.Seconds()/proofs*1000, "ms/end")
				b.ReportMetric(proofs/b.Elapsed().Seconds(), "proofs/s")
			})
		}
	}
}

// sharingProver returns a prover of a synthetic system.
func sharingProver(b *testing.B, spec synthetic.Spec) *prove.Prover {
	b.Helper()
	program, err := synthetic.New(spec)
	if err != nil {
		b.Fatal(err)
	}
	backend, err := groth16.New(curve.BN128)
	if err != nil {
		b.Fatal(err)
	}
	key, err := backend.Setup(context.Background(), scheme.SetupInput{System: program.System(), Rand: rand.Reader, Threads: runtime.GOMAXPROCS(0)})
	if err != nil {
		b.Fatal(err)
	}
	p, err := prove.New(program, backend, key)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// proveAll makes the waiting proofs in so many places, as a pool of workers
// does, and returns the sum of the times to their ends.
func proveAll(b *testing.B, p *prove.Prover, budget *worker.Budget, waiting, places int) time.Duration {
	b.Helper()
	var (
		mu    sync.Mutex
		ended = sync.NewCond(&mu)
		sum   time.Duration
		wg    sync.WaitGroup
		busy  int
	)
	start := time.Now()
	for left := waiting; left > 0; left-- {
		mu.Lock()
		g, ok := worker.Grant{}, false
		for {
			if busy < places {
				if g, ok = budget.Take(worker.Need{Bytes: 1}, left, places-busy); ok {
					break
				}
			}
			ended.Wait()
		}
		busy++
		mu.Unlock()
		wg.Go(func() {
			_, err := p.Prove(context.Background(), prove.Request{Arguments: []byte("[]"), Threads: g.Threads, Rand: rand.Reader})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				b.Error(err)
			}
			budget.Return(g)
			busy--
			sum += time.Since(start)
			ended.Broadcast()
		})
	}
	wg.Wait()
	return sum
}
