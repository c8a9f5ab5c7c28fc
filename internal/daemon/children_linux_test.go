package daemon

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"provery/internal/frontend/hosting"
)

// compilers counts the compiler's processes of this test's process, zombies
// among them. One that was just killed gets a moment to be gone.
func compilers(t *testing.T) int {
	t.Helper()
	n := 0
	for range 3000 {
		if n = children(t); n == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return n
}

func children(t *testing.T) (n int) {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(lists) == 0 {
		t.Skip("the system doesn't tell of children")
	}
	for _, list := range lists {
		ids, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, id := range bytes.Fields(ids) {
			line, err := os.ReadFile(filepath.Join("/proc", string(id), "cmdline"))
			if err == nil && (len(line) == 0 || bytes.Contains(line, []byte(hosting.ChildCommand))) {
				n++
			}
		}
	}
	return n
}
