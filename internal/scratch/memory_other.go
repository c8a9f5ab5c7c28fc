//go:build !unix

package scratch

const segmentBytes = 16 << 20

// reserve returns memory of Go's heap.
func reserve(size int) ([]byte, error) { return make([]byte, size), nil }

// discard keeps the memory.
func discard([]byte) {}

// release leaves the memory to the collector.
func release([]byte) {}
