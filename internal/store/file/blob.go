package file

import (
	"io"
	"io/fs"
	"sync"
)

// blob is an open blob. The lock keeps Close from taking the mapping away
// under a ReadAt; Bytes is the caller's own risk, as store.Blob says.
type blob struct {
	mu      sync.RWMutex
	data    []byte
	release func() error // nil once closed
}

func (b *blob) Size() int64 { return int64(len(b.data)) }

func (b *blob) Bytes() []byte { return b.data }

func (b *blob) ReadAt(p []byte, off int64) (int, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.release == nil {
		return 0, fs.ErrClosed
	}
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	if off >= int64(len(b.data)) {
		return 0, io.EOF
	}
	n := copy(p, b.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (b *blob) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.release == nil {
		return nil
	}
	release := b.release
	b.release = nil
	return ioFault(release(), "close blob")
}
