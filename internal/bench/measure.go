// Package bench runs Provery's workloads and reports what they cost: CPU
// seconds, wall time and memory, with the machine and the commit beside them.
package bench

import (
	"bufio"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Sample is the cost of one run of something.
type Sample struct {
	CPU  time.Duration // user and system time of the whole process
	Wall time.Duration
}

// measure runs f and returns its cost. Garbage from before is collected first.
func measure(f func() error) (Sample, error) {
	runtime.GC()
	cpu, start := processCPU(), time.Now()
	err := f()
	return Sample{CPU: processCPU() - cpu, Wall: time.Since(start)}, err
}

// repeat measures n runs of f after one that isn't counted.
func repeat(n int, f func() error) ([]Sample, error) {
	if err := f(); err != nil {
		return nil, err
	}
	out := make([]Sample, n)
	for i := range out {
		var err error
		if out[i], err = measure(f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func processCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakBytes returns the process's highest resident memory so far, 0 where the
// operating system doesn't tell.
func peakBytes() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}

// Machine says where figures were made.
type Machine struct {
	CPU      string   `json:"cpu"`
	Cores    int      `json:"cores"`
	Features []string `json:"features"` // of those that the kernels use
	Memory   int64    `json:"memory_bytes"`
	OS       string   `json:"os"`
	Go       string   `json:"go"`
}

// ThisMachine describes the machine that this process runs on.
func ThisMachine() Machine {
	m := Machine{CPU: "unknown", Cores: runtime.GOMAXPROCS(0), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	scan("/proc/cpuinfo", func(key, value string) {
		switch key {
		case "model name":
			m.CPU = value
		case "flags":
			if m.Features == nil {
				for _, f := range strings.Fields(value) {
					if slices.Contains([]string{"adx", "bmi2", "avx2", "avx512f", "avx512ifma"}, f) {
						m.Features = append(m.Features, f)
					}
				}
			}
		}
	})
	scan("/proc/meminfo", func(key, value string) {
		if key == "MemTotal" {
			kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
			m.Memory = kb << 10
		}
	})
	return m
}

// scan calls f for each "key : value" line of a file of the kernel's.
func scan(name string, f func(key, value string)) {
	file, err := os.Open(name)
	if err != nil {
		return
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok {
			f(strings.TrimSpace(key), strings.TrimSpace(value))
		}
	}
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
