// Package bench runs Provery's workloads, and those of other provers beside it,
// and reports what they cost: CPU seconds, wall time and memory, with the
// machine and the commit beside them.
//
// Every measurement runs in a child process of its own (Child), so that its
// memory is its own and its limits can be set. The parent decides whose turn it
// is: workloads are interleaved, so that a machine which gets slower or busier
// for a while does so to all of them.
package bench

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Cost is what something took, in seconds.
type Cost struct {
	CPU  float64 `json:"cpu_s"` // user and system time of the whole process
	Wall float64 `json:"wall_s"`
}

// moment is a point in a process's life.
type moment struct {
	cpu  time.Duration
	wall time.Time
}

func now() moment { return moment{processCPU(), time.Now()} }

// since returns the cost from m until now.
func (m moment) since() Cost { return now().minus(m) }

func (m moment) minus(from moment) Cost {
	return Cost{CPU: (m.cpu - from.cpu).Seconds(), Wall: m.wall.Sub(from.wall).Seconds()}
}

// measure runs f and returns its cost. Garbage from before is collected first.
func measure(f func() error) (Cost, error) {
	runtime.GC()
	start := now()
	err := f()
	return start.since(), err
}

func processCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakBytes returns the process's highest resident memory so far, mapped files
// included; 0 where the operating system doesn't tell.
func peakBytes() int64 { return memoryOf("self", "VmHWM:") }

// memoryOf returns an entry of a process's status in bytes; 0 if there is none.
func memoryOf(process, entry string) int64 {
	b, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, entry); ok {
			return kilobytes(rest)
		}
	}
	return 0
}

// shareOf returns a process's resident memory, with pages that it shares counted
// in part; 0 if that isn't known.
func shareOf(pid int) (n int64) {
	scan(fmt.Sprintf("/proc/%d/smaps_rollup", pid), func(key, value string) {
		if key == "Pss" {
			n = kilobytes(value)
		}
	})
	return n
}

// cpuOf returns the processor time of another process so far; 0 if it isn't
// known.
func cpuOf(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name, in brackets, may hold anything; user and system time are the
	// 12th and 13th field behind it, in hundredths of a second on every Linux.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// kilobytes reads "123 kB"; 0 if it is something else.
func kilobytes(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// median returns the middle of v, which it sorts; 0 if v is empty.
func median(v []time.Duration) time.Duration { return quantile(v, 0.5) }

// quantile returns the element of v, which it sorts, below which a share of q
// lies; 0 if v is empty.
func quantile(v []time.Duration, q float64) time.Duration {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[min(int(q*float64(len(v))), len(v)-1)]
}
