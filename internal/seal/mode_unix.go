//go:build unix

package seal

import (
	"io/fs"
	"os"

	"provery/internal/fault"
)

// checkMode refuses a key file that others than its owner can change, or can
// read without being of its group: orchestrators give secrets to a process by
// a group of its own.
func checkMode(m fs.FileMode) error {
	if m&0o037 != 0 {
		return fault.New(fault.Forbidden, "load key file: its mode is %04o, so that others may touch it; it must be 0600, or 0640 at most", m)
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
