//go:build unix

package file

import (
	"errors"
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"provery/internal/fault"
)

const (
	errQuota    = unix.EDQUOT
	errReadOnly = unix.EROFS
)

// mapFile maps the whole of f, read-only. The mapping outlives f.
func mapFile(f *os.File, size int64) ([]byte, func() error, error) {
	if size == 0 {
		return []byte{}, func() error { return nil }, nil
	}
	if size > math.MaxInt {
		return nil, nil, unix.EFBIG
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return data, func() error { return unix.Munmap(data) }, nil
}

// shareLock takes f's lock shared, and calls alone before that where no other
// process holds it.
func shareLock(f *os.File, alone func() error) error {
	fd := int(f.Fd())
	err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		err = alone()
	} else if errors.Is(err, unix.EWOULDBLOCK) {
		err = nil
	}
	if err != nil {
		return err
	}
	for {
		if err = unix.Flock(fd, unix.LOCK_SH); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func syncDir(d *os.File) error { return d.Sync() }

// Free returns how many bytes an unprivileged process can still write to the
// directory's file system.
func (s *Store) Free() (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(s.root, &st); err != nil {
		return 0, ioFault(err, "measure free space")
	}
	free := uint64(st.Bavail) * uint64(st.Bsize)
	if free > math.MaxInt64 {
		return 0, fault.New(fault.Internal, "measure free space: out of range")
	}
	return int64(free), nil
}
