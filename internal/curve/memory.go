package curve

import (
	"unsafe"

	"provery/internal/fault"
)

// FromMemory views b as a vector of T without copying: what adapters build
// their FromMemory methods on. T must be a fixed-size type without pointers.
// b must be aligned to 8 bytes and a whole number of elements, or it is
// fault.InvalidArtifact.
func FromMemory[T any](b []byte) ([]T, error) {
	var t T
	size := int(unsafe.Sizeof(t))
	if len(b)%size != 0 {
		return nil, fault.New(fault.InvalidArtifact, "%d bytes aren't a whole number of %d-byte elements", len(b), size)
	}
	if len(b) == 0 {
		return []T{}, nil
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if uintptr(p)%8 != 0 {
		return nil, fault.New(fault.InvalidArtifact, "elements aren't aligned to 8 bytes")
	}
	return unsafe.Slice((*T)(p), len(b)/size), nil
}

// Memory views v's storage as bytes without copying.
func Memory[T any](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(v[0])))
}
