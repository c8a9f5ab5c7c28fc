package bench

import (
	"strings"
	"testing"
	"time"
)

// TestSourceReport prints every step in both forms.
func TestSourceReport(t *testing.T) {
	t.Parallel()
	r := sample(1)
	r.Source = &SourceReport{Workload: "eddsa", Compile: Cost{12.9, 17.7}, Key: Cost{1.33, 2.06}, Proof: Cost{0.489, 0.848}, Total: Cost{14.7, 20.6}}
	var text, markdown strings.Builder
	r.Text(&text)
	r.Markdown(&markdown, "")
	for _, want := range []string{"from source to the first proof", "compile and register", "12.9 s", "upload and check the key", "489 ms", "together", "20.6 s"} {
		if !strings.Contains(text.String(), want) || !strings.Contains(markdown.String(), want) {
			t.Errorf("%q is missing in\n%s\nor in\n%s", want, &text, &markdown)
		}
	}
}

// TestWatch measures this process.
func TestWatch(t *testing.T) {
	t.Parallel()
	w := startWatch()
	for start := processCPU(); processCPU() == start; { // until the system has noticed
	}
	first := w.lap()
	if first.CPU <= 0 || first.Wall <= 0 {
		t.Errorf("got %+v, want some of both", first)
	}
	if w.wall.After(time.Now()) {
		t.Error("the next lap begins in the future")
	}
}
