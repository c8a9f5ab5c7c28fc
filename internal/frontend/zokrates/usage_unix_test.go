//go:build unix

package zokrates

import (
	"runtime"
	"syscall"
)

// resources are what the process has used so far.
type resources struct{ cpu, peakMiB float64 }

func usage() resources {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return resources{}
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	unit := 1024.0 // ru_maxrss counts KiB, and bytes on Darwin
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return resources{seconds(u.Utime) + seconds(u.Stime), float64(u.Maxrss) * unit / (1 << 20)}
}
