package queue_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/queue"
)

// serve completes every job with its own arguments, on n workers, until the
// returned function is called.
func serve(b testing.TB, q *queue.Queue, n int) func() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for {
				l, err := q.Lease(ctx, "bench")
				if err != nil {
					return
				}
				args, err := l.Arguments(ctx)
				if err == nil {
					err = l.Complete(context.Background(), queue.Result{Body: args})
				}
				if err != nil {
					b.Errorf("serve: %v", err)
				}
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

// report adds percentiles of the samples to the benchmark's line.
func report(b *testing.B, samples []time.Duration) {
	slices.Sort(samples)
	b.ReportMetric(float64(samples[len(samples)-1].Microseconds())/1000, "max-ms")
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(samples[(len(samples)-1)*p/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", p))
	}
}

// BenchmarkOverhead is the time from Enqueue to the result in the client's
// hands, with every write synced: one job at a time, and many clients.
func BenchmarkOverhead(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			f := open(b, "", queue.Config{})
			stop := serve(b, f.Queue, 4)
			defer stop()
			one := func() time.Duration {
				start := time.Now()
				j := enqueue(b, f.Queue, newJob())
				j = finished(b, f.Queue, j.ID)
				if j.State != queue.Succeeded {
					b.Errorf("got %s, want succeeded", j.State)
				}
				return time.Since(start)
			}
			one()
			b.ResetTimer()
			var (
				mu      sync.Mutex
				samples []time.Duration
				wg      sync.WaitGroup
			)
			for c := range clients {
				n := b.N / clients
				if c < b.N%clients {
					n++
				}
				wg.Go(func() {
					for range n {
						d := one()
						mu.Lock()
						samples = append(samples, d)
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
			report(b, samples)
		})
	}
}

// BenchmarkRestart is the time from the start of the engine until every one of
// the queued jobs can be leased again, and the memory that they take in this
// process, engine included.
func BenchmarkRestart(b *testing.B) {
	const jobs = 10_000
	b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
		cfg := queue.Config{MaxQueued: jobs}
		f := open(b, "", cfg)
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for range jobs/64 + 1 {
					if _, _, err := f.Enqueue(b.Context(), newJob()); err != nil && !fault.Is(err, fault.Overloaded) {
						b.Errorf("enqueue: %v", err)
					}
				}
			})
		}
		wg.Wait()
		f.stop()
		cfg.SweepInterval = -1
		empty := heap()
		b.ResetTimer()
		for range b.N {
			g := open(b, f.dir, cfg)
			l := lease(b, g.Queue)
			if n := g.Stats().ByState[queue.Queued]; n != jobs-1 {
				b.Fatalf("got %d jobs beside the first", n)
			}
			b.StopTimer()
			if err := l.Release(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(heap()-empty)/(1<<20), "MiB")
			g.stop()
			b.StartTimer()
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/restart")
	})
}

// heap returns the bytes that are in use after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
