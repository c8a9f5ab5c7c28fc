package compiler

import "fmt"

// The values that the module refers to, beside string and bool. JavaScript's
// undefined is nil.
type (
	null      struct{}
	jsonText  string                                    // a parsed value, kept as its text: the order of keys counts
	callback  func(from, name string) (jsonText, error) // an import's resolver
	hostError struct{ text string }                     // a JavaScript Error
	buffer    struct{}                                  // the module's memory
	view      struct{ ptr, len uint32 }                 // a part of it
	stream    struct{ len, written uint32 }
)

// heap numbers the values, as the module was built to find them: 32 borrowed
// slots that grow downwards, four constants, then what is counted.
type heap struct {
	slots    []any
	free     []uint32
	borrowed uint32
}

const (
	borrowedSlots = 32
	firstCounted  = borrowedSlots + 4
)

func newHeap() *heap {
	h := &heap{slots: make([]any, borrowedSlots), borrowed: borrowedSlots}
	h.slots = append(h.slots, nil, null{}, true, false)
	return h
}

// add returns the number of a new slot with the value.
func (h *heap) add(value any) uint32 {
	if n := len(h.free); n > 0 {
		i := h.free[n-1]
		h.free = h.free[:n-1]
		h.slots[i] = value
		return i
	}
	h.slots = append(h.slots, value)
	return uint32(len(h.slots) - 1)
}

// borrow returns the number of a slot that is not to be dropped.
func (h *heap) borrow(value any) uint32 {
	h.borrowed--
	h.slots[h.borrowed] = value
	return h.borrowed
}

// at returns the value of a slot.
func (h *heap) at(i uint32) any {
	if i >= uint32(len(h.slots)) {
		panic(fmt.Errorf("the compiler refers to value %d of %d", i, len(h.slots)))
	}
	return h.slots[i]
}

// take returns the value of a slot and frees the slot, unless it is a constant
// or borrowed.
func (h *heap) take(i uint32) any {
	value := h.at(i)
	if i >= firstCounted {
		h.slots[i] = nil
		h.free = append(h.free, i)
	}
	return value
}
