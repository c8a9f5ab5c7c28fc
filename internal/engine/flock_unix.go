//go:build unix

package engine

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// flock tries to lock f for this process alone and reports whether it did.
func flock(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// funlock gives the lock back. Closing f doesn't while a child that is just
// starting holds a copy of it.
func funlock(f *os.File) { _ = unix.Flock(int(f.Fd()), unix.LOCK_UN) }
