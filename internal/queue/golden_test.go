package queue

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestGoldenRecords reads records as other releases wrote them: 1 and 2 are
// older forms, newer ones have fields that this release doesn't know. Each is
// leased here; the .leased file beside it is what another release reads then.
// PROVERY_UPDATE_GOLDEN=1 writes those anew: look at every difference, since
// processes of both releases will work on the same records.
func TestGoldenRecords(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/records/*.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("got %v, %v", files, err)
	}
	for _, path := range files {
		stored, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := decodeRecord(bytes.TrimSpace(stored))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		r = run(t, r, leased{worker: "w-1", lease: "LEASE", now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
		got, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(path, ".json") + ".leased"
		if os.Getenv("PROVERY_UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, bytes.TrimSpace(want)) {
			t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
		}
	}
}
