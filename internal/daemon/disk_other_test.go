//go:build !linux

package daemon

import "testing"

// smallDisk isn't possible here.
func smallDisk(t *testing.T, _ string) string {
	t.Helper()
	t.Skip("a full disk isn't tested on this system")
	return ""
}
