package freeport

import "testing"

func TestFind(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for _, p := range Find(20) {
		if p < lowest || p >= highest || seen[p] {
			t.Errorf("got port %d, want others between %d and %d", p, lowest, highest)
		}
		seen[p] = true
	}
}
