//go:build unix

package hosting

import (
	"context"

	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// WithAllocator makes modules instantiated under ctx have memory that reserve
// allocates.
func WithAllocator(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(reserve))
}

// reserve is a memory allocator that reserves all addresses a memory
// may ever need and makes them usable as it grows. So the memory grows in
// place: growing a slice would hold the old and the new one at a time, and
// would round the size up.
func reserve(_, most uint64) experimental.LinearMemory {
	all, err := unix.Mmap(-1, 0, int(most), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return &reservation{}
	}
	return &reservation{all: all}
}

type reservation struct {
	all    []byte
	usable int
}

// Reallocate returns the first size bytes, nil if there isn't that much memory.
func (r *reservation) Reallocate(size uint64) []byte {
	n := int(size)
	if n > len(r.all) {
		return nil
	}
	if n > r.usable {
		if err := unix.Mprotect(r.all[r.usable:n], unix.PROT_READ|unix.PROT_WRITE); err != nil {
			return nil
		}
		r.usable = n
	}
	return r.all[:n:n]
}

// Free returns all memory to the system.
func (r *reservation) Free() {
	if r.all != nil {
		_ = unix.Munmap(r.all)
		r.all = nil
	}
}
