//go:build unix

package scratch

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// segmentBytes is the size of a segment, which is one of addresses, not of
// memory.
const segmentBytes = 1 << 30

// reserve returns addresses, which get memory when they are written to.
func reserve(size int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("scratch: %d bytes: %w", size, err)
	}
	return b, nil
}

// discard gives the memory behind the addresses to the system.
func discard(b []byte) {
	if err := unix.Madvise(b, unix.MADV_DONTNEED); err != nil {
		panic(fmt.Errorf("scratch: give memory back: %w", err))
	}
}

// release gives all that reserve returned to the system.
func release(b []byte) {
	if err := unix.Munmap(b); err != nil {
		panic(fmt.Errorf("scratch: give memory back: %w", err))
	}
}
