package hosting

import (
	"bufio"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// childOverhead is the address space that the child needs beside the module's
// memory: machine code, the cache's file, Go's reservations.
const childOverhead = 4 << 30

// limitProcess bounds the process's address space, for whatever gets around the
// limit on the module's memory, and the length of the files that it writes.
func limitProcess(module, file int64) error {
	for _, l := range []struct {
		resource int
		most     int64
	}{{unix.RLIMIT_AS, module + childOverhead}, {unix.RLIMIT_FSIZE, file}} {
		var now unix.Rlimit
		if err := unix.Getrlimit(l.resource, &now); err != nil {
			return fmt.Errorf("limit the process: %w", err)
		}
		limit := min(uint64(l.most), now.Max)
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("limit the process: %w", err)
		}
	}
	return nil
}

// peakMemory returns the most resident memory that this process had. The
// figure that a parent gets of its child is no less than what the parent itself
// had when it started the child.
func peakMemory() int64 {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var kib int64
		if n, _ := fmt.Sscanf(lines.Text(), "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}
