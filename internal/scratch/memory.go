package scratch

// Memory is memory that can grow, zeros at first. It has the methods of wazero's
// LinearMemory; they aren't safe for concurrent use.
type Memory struct{ all []byte }

// longMemory is the size from which memory isn't lent: to make zeros of what
// others had used would make all of it resident, needed or not.
const longMemory = 64 << 20

// Reallocate returns the first size bytes, which may have moved; nil if there
// isn't that much memory.
func (m *Memory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.all)) || m.all == nil {
		larger := zeros(int(size))
		if larger == nil {
			return nil
		}
		copy(larger, m.all)
		m.Free()
		m.all = larger
	}
	return m.all[:size:size]
}

func zeros(size int) []byte {
	if size < longMemory {
		b := Lend[byte](size)
		clear(b)
		return b
	}
	b, err := reserve(size)
	if err != nil {
		return nil
	}
	shared.count(int64(size))
	return b
}

// Free gives the memory back.
func (m *Memory) Free() {
	if len(m.all) < longMemory {
		Return(m.all)
	} else {
		shared.count(-int64(len(m.all)))
		release(m.all)
	}
	m.all = nil
}
