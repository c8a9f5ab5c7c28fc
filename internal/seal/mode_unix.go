//go:build unix

package seal

import (
	"io/fs"
	"os"

	"provery/internal/fault"
)

// checkMode refuses a key file that others than its owner can touch.
func checkMode(m fs.FileMode) error {
	if m&0o077 != 0 {
		return fault.New(fault.Forbidden, "load key file: its mode is %04o, so that others may read it; it must be 0600", m)
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
