package queue_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"provery/internal/parallel"
	"provery/internal/queue"
)

// BenchmarkMany is what a job costs the servers and the processes when there are
// many of the latter: all of them hear of each job, and those that work want it.
// It needs servers in processes of their own, whose time is told from this
// one's: PROVERY_QUEUE_TEST_ENGINE=server or cluster. docs/scaling.md computes
// with the differences between its lines.
func BenchmarkMany(b *testing.B) {
	if os.Getenv(engineVariable) == "" {
		b.Skip(engineVariable + " isn't set: the server's time can't be told from the queue's")
	}
	for _, tc := range []struct{ following, working int }{{0, 1}, {16, 1}, {64, 1}, {0, 16}, {0, 64}} {
		b.Run(fmt.Sprintf("following=%d/working=%d", tc.following, tc.working), func(b *testing.B) {
			f := open(b, "", queue.Config{})
			for range tc.following {
				f.another(b, queue.Config{})
			}
			for range tc.working {
				stop := serve(b, f.another(b, queue.Config{}), 1)
				defer stop()
			}
			finished(b, f.Queue, enqueue(b, f.Queue, newJob()).ID)
			servers, own := serversTime(b), ownTime(b)
			b.ResetTimer()
			err := parallel.Each(b.Context(), 4, b.N, func(int) error {
				finished(b, f.Queue, enqueue(b, f.Queue, newJob()).ID)
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N) }
			b.ReportMetric(per(serversTime(b)-servers), "server-µs/job")
			b.ReportMetric(per(ownTime(b)-own), "queue-µs/job")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}

// ownTime returns the processor time of this process.
func ownTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// serversTime returns that of the shared servers.
func serversTime(b *testing.B) (sum time.Duration) {
	for _, node := range external.nodes {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", node.cmd.Process.Pid))
		if err != nil {
			b.Fatal(err)
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		for _, ticks := range fields[11:13] { // user and system time
			n, err := strconv.Atoi(ticks)
			if err != nil {
				b.Fatal(err)
			}
			sum += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return sum
}
