package compiler

import (
	"bufio"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// childOverhead is the address space that the child needs beside the module's
// memory: machine code, the cache's file, Go's reservations.
const childOverhead = 4 << 30

// limitMemory bounds the process's address space, for whatever gets around the
// limit on the module's memory.
func limitMemory(module int64) error {
	most := uint64(module + childOverhead)
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_AS, &now); err != nil {
		return fmt.Errorf("limit memory: %w", err)
	}
	limit := unix.Rlimit{Cur: min(most, now.Max), Max: min(most, now.Max)}
	if err := unix.Setrlimit(unix.RLIMIT_AS, &limit); err != nil {
		return fmt.Errorf("limit memory: %w", err)
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
