// Package flock locks files between processes, by the system's advisory locks:
// they end with the process, however it ends.
package flock
