package bench

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"provery/internal/cgroup"
)

// Machine says where figures were made.
type Machine struct {
	CPU      string   `json:"cpu"`
	Cores    int      `json:"cores"`    // that the process may use
	Features []string `json:"features"` // of those that the kernels use
	Memory   int64    `json:"memory_bytes"`
	// Limits are those of the process's control group.
	Limits cgroup.Limits `json:"limits"`
	OS     string        `json:"os"`
	Kernel string        `json:"kernel,omitempty"`
	Go     string        `json:"go"`
	// Load is the number of processes that wanted a processor, on average over
	// the minute before the run: figures in wall time are good if it is near 0.
	Load string `json:"load_before,omitempty"`
}

// kernelFeatures are the processor's features that decide which code runs.
var kernelFeatures = []string{"adx", "bmi2", "avx2", "avx512f", "avx512dq", "avx512vl", "avx512ifma", "asimd"}

// ThisMachine describes the machine that this process runs on.
func ThisMachine() Machine {
	m := Machine{
		CPU: "unknown", Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Limits: cgroup.System().Limits(),
	}
	scan("/proc/cpuinfo", func(key, value string) {
		switch key {
		case "model name":
			m.CPU = value
		case "flags", "Features":
			if m.Features == nil {
				for _, f := range strings.Fields(value) {
					if slices.Contains(kernelFeatures, f) {
						m.Features = append(m.Features, f)
					}
				}
			}
		}
	})
	scan("/proc/meminfo", func(key, value string) {
		if key == "MemTotal" {
			m.Memory = kilobytes(value)
		}
	})
	m.Kernel = firstField("/proc/sys/kernel/osrelease")
	m.Load = firstField("/proc/loadavg")
	return m
}

// firstField returns the first word of a file of the kernel's, or "".
func firstField(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	for word := range strings.FieldsSeq(string(b)) {
		return word
	}
	return ""
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

// String describes the machine in a line.
func (m *Machine) String() string {
	s := fmt.Sprintf("%s, %d cores (%s), %.0f GiB, %s, %s", m.CPU, m.Cores, strings.Join(m.Features, " "), float64(m.Memory)/(1<<30), m.OS, m.Go)
	if m.Limits.CPUs > 0 {
		s += fmt.Sprintf(", limited to %.2g processors", m.Limits.CPUs)
	}
	if m.Limits.Memory > 0 {
		s += fmt.Sprintf(", limited to %.1f GiB", float64(m.Limits.Memory)/(1<<30))
	}
	return s
}

// differences lists in what two machines differ. Times of machines that differ
// in one of the first list can't be compared; those of the second list may
// change them.
func differences(a, b *Machine) (grave, slight []string) {
	note := func(to *[]string, what string, x, y any) {
		if x != y {
			*to = append(*to, fmt.Sprintf("%s: %v and %v", what, x, y))
		}
	}
	note(&grave, "processor", a.CPU, b.CPU)
	note(&grave, "cores", a.Cores, b.Cores)
	note(&grave, "features of the processor", strings.Join(a.Features, " "), strings.Join(b.Features, " "))
	note(&grave, "operating system", a.OS, b.OS)
	note(&grave, "limits", a.Limits, b.Limits)
	note(&slight, "Go", a.Go, b.Go)
	note(&slight, "kernel", a.Kernel, b.Kernel)
	note(&slight, "memory", fmt.Sprintf("%.0f GiB", float64(a.Memory)/(1<<30)), fmt.Sprintf("%.0f GiB", float64(b.Memory)/(1<<30)))
	return grave, slight
}
