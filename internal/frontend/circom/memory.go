package circom

import (
	"github.com/tetratelabs/wazero/experimental"

	"provery/internal/scratch"
	"provery/internal/wasmcode"
)

// lend lends an instance its memory, which is given back as soon as the witness
// is there.
func lend(_, _ uint64) experimental.LinearMemory { return &scratch.Memory{} }

// memory returns how many bytes of memory the module declares that it begins
// with, within the limits; 0 if it declares none.
func (c *calculator) memory() int64 {
	return min(declaredPages(c.wasm)*pageSize, c.host.limits.Memory)
}

// declaredPages reads the initial size of a module's memory.
func declaredPages(wasm []byte) int64 {
	const maxPages = 1 << 16
	sections, _ := wasmcode.Sections(wasm)
	for _, s := range sections {
		if s.ID == wasmcode.SectionMemory {
			r := &wasmcode.Reader{Bytes: s.Body}
			r.U32() // of memories
			r.U32() // whether there is a maximum
			return int64(min(r.U32(), maxPages))
		}
	}
	return 0
}
