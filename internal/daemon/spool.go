package daemon

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"provery/internal/fault"
	"provery/internal/flock"
)

// spoolLock is the file in a spool directory that its process has locked.
const spoolLock = "lock"

// openSpool makes a directory of this process's own for files under way, and
// removes those of processes that are gone. Several processes may share the
// data directory.
func (d *Daemon) openSpool(context.Context) error {
	all := d.path("spool")
	if err := os.MkdirAll(all, 0o700); err != nil {
		return spoolFault(err)
	}
	dir, err := os.MkdirTemp(all, "process-")
	if err != nil {
		return spoolFault(err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, spoolLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return spoolFault(err)
	}
	if _, err := flock.Try(lock); err != nil {
		_ = lock.Close()
		return spoolFault(err)
	}
	d.spool = dir
	d.onClose(func(context.Context) error {
		_ = lock.Close()
		return spoolFault(os.RemoveAll(dir))
	})
	return spoolFault(sweepSpools(all))
}

// spoolAge is how old a directory must be before it can be taken for one of a
// process that is gone: a new one may not be locked yet.
const spoolAge = time.Minute

// sweepSpools removes what nobody has locked.
func sweepSpools(all string) error {
	entries, err := os.ReadDir(all)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(all, e.Name())
		if !e.IsDir() { // of a version that had one directory for all
			if err := os.Remove(path); err != nil {
				return err
			}
			continue
		}
		if info, err := e.Info(); err != nil || time.Since(info.ModTime()) < spoolAge {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(path, spoolLock), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			continue
		}
		free, err := flock.Try(lock)
		if free && flock.Supported && err == nil {
			err = os.RemoveAll(path)
		}
		_ = lock.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func spoolFault(err error) error {
	if err == nil {
		return nil
	}
	return &fault.Error{Code: fault.Internal, Detail: "open the spool directory: " + err.Error(), Err: err}
}
