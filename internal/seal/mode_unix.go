//go:build unix

package seal

import (
	"io/fs"
	"os"
	"syscall"

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

// takeOver gives a file the owner, group and mode of another one, in this
// order: no wrong group may read it for a moment.
func takeOver(f *os.File, from fs.FileInfo) error {
	now, err := f.Stat()
	if err != nil {
		return err
	}
	was, ok := from.Sys().(*syscall.Stat_t)
	is, ok2 := now.Sys().(*syscall.Stat_t)
	if ok && ok2 && (was.Uid != is.Uid || was.Gid != is.Gid) {
		if err := f.Chown(int(was.Uid), int(was.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(from.Mode().Perm())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
