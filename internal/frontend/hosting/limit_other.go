//go:build !linux

package hosting

// limitProcess does nothing here: the limit on the module's memory is the only
// one.
func limitProcess(int64, int64) error { return nil }

// peakMemory is not known here.
func peakMemory() int64 { return 0 }
