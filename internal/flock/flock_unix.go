//go:build unix

package flock

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Supported says whether this system can lock files.
const Supported = true

// Try locks f for this process alone and reports whether it could: false means
// that another process has it.
func Try(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// Release gives the lock back. Closing f alone doesn't while a child that is
// just starting holds a copy of it.
func Release(f *os.File) { _ = unix.Flock(int(f.Fd()), unix.LOCK_UN) }
