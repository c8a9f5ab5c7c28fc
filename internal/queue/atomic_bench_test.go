package queue_test

import (
	"fmt"
	"testing"
	"time"

	"provery/internal/queue"
)

// BenchmarkBatch is the time to accept a batch, with every write synced.
func BenchmarkBatch(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("items=%d", n), func(b *testing.B) {
			f := open(b, "", queue.Config{MaxQueued: 1 << 30, MaxQueuedBytes: 1 << 40})
			b.ResetTimer()
			for range b.N {
				items := make([]queue.NewJob, n)
				for i := range items {
					items[i] = newJob()
				}
				start := time.Now()
				if _, err := f.EnqueueBatch(b.Context(), items); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(n)/time.Since(start).Seconds(), "items/s")
			}
		})
	}
}
