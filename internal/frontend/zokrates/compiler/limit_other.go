//go:build !linux

package compiler

// limitMemory does nothing here: the limit on the module's memory is the only
// one.
func limitMemory(int64) error { return nil }

// peakMemory is not known here.
func peakMemory() int64 { return 0 }
