package queue_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"provery/internal/parallel"
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
// hands, with every write synced: one job at a time, and many clients, with a
// quarter as many workers.
func BenchmarkOverhead(b *testing.B) {
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			f := open(b, "", queue.Config{})
			stop := serve(b, f.Queue, max(4, clients/4))
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

// BenchmarkPaced is the same at a steady pace of jobs, idle in between.
func BenchmarkPaced(b *testing.B) {
	for _, pace := range []int{5, 50} {
		b.Run(fmt.Sprintf("jobs-per-s=%d", pace), func(b *testing.B) {
			f := open(b, "", queue.Config{})
			stop := serve(b, f.Queue, 4)
			defer stop()
			var (
				mu      sync.Mutex
				samples []time.Duration
				wg      sync.WaitGroup
			)
			tick := time.NewTicker(time.Second / time.Duration(pace))
			defer tick.Stop()
			for range b.N {
				<-tick.C
				wg.Go(func() {
					start := time.Now()
					finished(b, f.Queue, enqueue(b, f.Queue, newJob()).ID)
					d := time.Since(start)
					mu.Lock()
					samples = append(samples, d)
					mu.Unlock()
				})
			}
			wg.Wait()
			report(b, samples)
		})
	}
}

// BenchmarkSync is what the disk can do: one small synced write after another.
// The other figures mean little without it.
func BenchmarkSync(b *testing.B) {
	f, err := os.Create(b.TempDir() + "/file")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for range b.N {
		if _, err := f.Write(make([]byte, 1000)); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBatch is the time to accept a batch.
func BenchmarkBatch(b *testing.B) {
	for _, n := range []int{1, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("items=%d", n), func(b *testing.B) {
			f := open(b, "", queue.Config{MaxQueued: 1 << 30, MaxQueuedBytes: 1 << 40})
			for range b.N {
				b.StopTimer()
				jobs := items(n)
				b.StartTimer()
				accept(b, f.Queue, jobs)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "items/s")
		})
	}
}

// BenchmarkCancelBatch is the time to cancel all items of a batch.
func BenchmarkCancelBatch(b *testing.B) {
	f := open(b, "", queue.Config{})
	for range b.N {
		b.StopTimer()
		batch := accept(b, f.Queue, items(1000))
		b.StartTimer()
		if _, err := f.CancelBatch(b.Context(), batch.ID); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRestart is the time from the start of the engine until the first of
// the queued jobs is leased and all others can be, and the memory that they
// take in this process: the index alone, and with the embedded engine.
func BenchmarkRestart(b *testing.B) {
	const jobs = 10_000
	for _, tc := range []struct {
		name   string
		accept func(*fixture, []queue.NewJob)
	}{
		{"singles", func(f *fixture, n []queue.NewJob) { acceptSingly(b, f.Queue, n) }},
		{"batch", func(f *fixture, n []queue.NewJob) { accept(b, f.Queue, n) }},
	} {
		b.Run(fmt.Sprintf("%s/jobs=%d", tc.name, jobs), func(b *testing.B) {
			cfg := queue.Config{MaxQueued: jobs, SweepInterval: -1}
			f := open(b, "", cfg)
			tc.accept(f, items(jobs))
			f.stop()
			empty := heap()
			b.ResetTimer()
			for range b.N {
				restart(b, f, empty, jobs)
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/restart")
		})
	}
}

// restart opens the queue again and reports the memory beyond empty that it
// takes. The clock runs until the first lease.
func restart(b *testing.B, f *fixture, empty int64, jobs int) {
	g := open(b, f.dir, f.cfg)
	l := lease(b, g.Queue)
	if n := g.Stats().ByState[queue.Queued]; n != jobs-1 {
		b.Fatalf("got %d jobs beside the first", n)
	}
	b.StopTimer()
	defer b.StartTimer()
	if err := l.Release(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(heap()-empty)/(1<<20), "MiB")
	before := heap()
	other := g.another(b, f.cfg)
	b.ReportMetric(float64(heap()-before)/(1<<20), "MiB-index")
	other.Close()
	g.stop()
}

// acceptSingly enqueues jobs one by one, from many clients.
func acceptSingly(b *testing.B, q *queue.Queue, jobs []queue.NewJob) {
	b.Helper()
	err := parallel.Each(b.Context(), 64, len(jobs), func(i int) error {
		_, _, err := q.Enqueue(b.Context(), jobs[i])
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// heap returns the bytes that are in use after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
