//go:build !unix

package flock

import "os"

// Supported says whether this system can lock files.
const Supported = false

// Try locks nothing here: the operator sees to it that one process at a time
// uses a directory.
func Try(*os.File) (bool, error) { return true, nil }

// Release does nothing here.
func Release(*os.File) {}
