//go:build !unix

package file

import (
	"io"
	"os"
	"unsafe"

	"provery/internal/fault"
)

// These never come from the operating systems that this file serves.
var (
	errQuota    = fault.New(fault.Internal, "quota exceeded")
	errReadOnly = fault.New(fault.Internal, "read-only file system")
)

// mapFile reads the whole of f into page-aligned memory.
func mapFile(f *os.File, size int64) ([]byte, func() error, error) {
	page := int64(os.Getpagesize())
	buf := make([]byte, size+page)
	skip := (page - int64(uintptr(unsafe.Pointer(&buf[0])))%page) % page
	data := buf[skip : skip+size : skip+size]
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, nil, err
	}
	return data, func() error { return nil }, nil
}

// shareLock can't tell here whether another process uses the directory, so
// leftovers are kept.
func shareLock(*os.File, func() error) error { return nil }

// syncDir does nothing: directories can't be opened for writing here.
func syncDir(*os.File) error { return nil }

// Free is not known on this system.
func (s *Store) Free() (int64, error) {
	return 0, fault.New(fault.Unsupported, "measure free space: not supported on this system")
}
