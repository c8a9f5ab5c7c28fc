package worker

import (
	"bytes"
	"io/fs"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"provery/internal/cgroup"
)

// MemoryLimit returns how much memory this process may take, in bytes:
// GOMEMLIMIT if it is set, else nine tenths of the least of its control groups'
// limits and the machine's memory. 0 where nothing of that is known.
func MemoryLimit() int64 {
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return limit
	}
	limit := machineMemory(os.DirFS("/"))
	if group := cgroup.System().Limits().Memory; group > 0 && (limit == 0 || group < limit) {
		limit = group
	}
	return limit / 10 * 9
}

// ForJobs returns how much of a process's memory jobs may take together: what
// the queue's index, the registry and the embedded engine need is left.
func ForJobs(limit int64) int64 { return limit - min(limit/4, 192<<20) }

// machineMemory returns the machine's memory, 0 where it isn't known.
func machineMemory(root fs.FS) int64 {
	b, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(b) {
		rest, found := bytes.CutPrefix(line, []byte("MemTotal:"))
		if !found {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(string(rest)), " kB"), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64>>10 {
			return 0
		}
		return n << 10
	}
	return 0
}
