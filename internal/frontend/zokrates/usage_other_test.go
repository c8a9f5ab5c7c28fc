//go:build !unix

package zokrates

// resources are what the process has used so far: not known here.
type resources struct{ cpu, peakMiB float64 }

func usage() resources { return resources{} }
