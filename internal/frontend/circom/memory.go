package circom

import (
	"encoding/binary"

	"github.com/tetratelabs/wazero/experimental"

	"provery/internal/scratch"
)

// lend lends an instance its memory, which is given back as soon as the witness
// is there.
func lend(_, _ uint64) experimental.LinearMemory { return &scratch.Memory{} }

// memory returns how many bytes of memory the module declares that it begins
// with, within the limits; 0 if it declares none.
func (c *calculator) memory() int64 {
	return min(declaredPages(c.wasm)*pageSize, c.host.limits.Memory)
}

// declaredPages reads the initial size of a module's first memory.
func declaredPages(wasm []byte) int64 {
	const header, memorySection, maxPages = 8, 5, 1 << 16
	b := wasm[min(header, len(wasm)):]
	number := func() uint64 {
		v, n := binary.Uvarint(b)
		b = b[max(n, 0):]
		return v
	}
	for len(b) > 0 {
		id := b[0]
		b = b[1:]
		size := number()
		if size > uint64(len(b)) {
			return 0
		}
		if id != memorySection {
			b = b[size:]
			continue
		}
		number() // of memories
		number() // whether there is a maximum
		return int64(min(number(), maxPages))
	}
	return 0
}
