package deploy

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// read returns a file, its path seen from this directory.
func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// documented returns the metrics of docs/metrics.md with their labels. A test
// of the service holds that page true.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	row := regexp.MustCompile("(?m)^\\| `(provery_[a-z_]+)` \\|([^|]*)\\|")
	for _, m := range row.FindAllStringSubmatch(string(read(t, "../docs/metrics.md")), -1) {
		out[m[1]] = regexp.MustCompile(`[a-z]+`).FindAllString(m[2], -1)
	}
	if len(out) < 20 {
		t.Fatalf("got %d metrics: the page isn't read right", len(out))
	}
	return out
}

var (
	metricName = regexp.MustCompile(`\b((?:provery|process|go)_[a-z_]+)(\{[^}]*\})?`)
	labelName  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`)
	grouping   = regexp.MustCompile(`\bby \(([^)]*)\)`)
)

// checkExpression checks that a query's metrics and labels are documented, and
// that its brackets match.
func checkExpression(t *testing.T, what, expr string) {
	t.Helper()
	known := documented(t)
	labels := map[string]bool{"le": true}
	names := metricName.FindAllStringSubmatch(expr, -1)
	if len(names) == 0 {
		t.Errorf("%s: no metric in %q", what, expr)
	}
	for _, m := range names {
		name := m[1]
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if base, ok := strings.CutSuffix(name, suffix); ok && known[base] != nil {
				name = base
			}
		}
		has, ok := known[name]
		if !ok && strings.HasPrefix(name, "provery_") {
			t.Errorf("%s: %s isn't documented", what, name)
		}
		for _, l := range has {
			labels[l] = true
		}
		for _, l := range labelName.FindAllStringSubmatch(m[2], -1) {
			if !strings.Contains(" "+strings.Join(has, " ")+" ", " "+l[1]+" ") {
				t.Errorf("%s: %s has no label %s", what, name, l[1])
			}
		}
	}
	for _, m := range grouping.FindAllStringSubmatch(expr, -1) {
		for l := range strings.SplitSeq(m[1], ",") {
			if !labels[strings.TrimSpace(l)] {
				t.Errorf("%s: no metric of the query has the label %s", what, l)
			}
		}
	}
	var open []rune
	closing := map[rune]rune{')': '(', ']': '[', '}': '{'}
	for _, r := range expr {
		switch r {
		case '(', '[', '{':
			open = append(open, r)
		case ')', ']', '}':
			if len(open) == 0 || open[len(open)-1] != closing[r] {
				t.Errorf("%s: brackets of %q don't match", what, expr)
				return
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%s: brackets of %q don't match", what, expr)
	}
}

// anchors returns the anchors of the headings of a page.
func anchors(t *testing.T, name string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllSubmatch(read(t, name), -1) {
		out[strings.ToLower(strings.ReplaceAll(string(m[1]), " ", "-"))] = true
	}
	return out
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr string
				For         string
				Labels      struct{ Severity string }
				Annotations struct{ Summary, Runbook string }
			}
		}
	}
	dec := yaml.NewDecoder(bytes.NewReader(read(t, "observability/alerts.yaml")))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		t.Fatal(err)
	}
	pages, seen := anchors(t, "../docs/operations.md"), map[string]bool{}
	for _, r := range file.Groups[0].Rules {
		checkExpression(t, r.Alert, r.Expr)
		if d, err := time.ParseDuration(r.For); err != nil || d <= 0 {
			t.Errorf("%s: for %q", r.Alert, r.For)
		}
		if s := r.Labels.Severity; s != "critical" && s != "warning" && s != "info" {
			t.Errorf("%s: severity %q", r.Alert, s)
		}
		page, anchor, _ := strings.Cut(r.Annotations.Runbook, "#")
		if page != "docs/operations.md" || !pages[anchor] || anchor != strings.ToLower(r.Alert) {
			t.Errorf("%s: no runbook at %q", r.Alert, r.Annotations.Runbook)
		}
		if r.Annotations.Summary == "" || seen[r.Alert] {
			t.Errorf("%s: no summary, or twice", r.Alert)
		}
		seen[r.Alert] = true
	}
	if len(seen) < 5 {
		t.Errorf("got %d alerts", len(seen))
	}
}

func TestDashboard(t *testing.T) {
	t.Parallel()
	var board struct {
		Title, UID string
		Panels     []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ RefID, Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(read(t, "observability/dashboard.json"), &board); err != nil {
		t.Fatal(err)
	}
	ids, places := map[int]bool{}, map[[2]int]bool{}
	for _, p := range board.Panels {
		at := [2]int{p.GridPos.X, p.GridPos.Y}
		if ids[p.ID] || places[at] || p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q: id or place twice, no title or no query", p.ID, p.Title)
		}
		ids[p.ID], places[at] = true, true
		for _, q := range p.Targets {
			checkExpression(t, p.Title, q.Expr)
			for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(q.LegendFormat, -1) {
				if !strings.Contains(q.Expr, m[1]) {
					t.Errorf("%s: the legend shows %s, which the query doesn't keep", p.Title, m[1])
				}
			}
		}
	}
	if board.UID != "provery" || len(board.Panels) < 10 {
		t.Errorf("got board %q with %d panels", board.UID, len(board.Panels))
	}
}

// TestEveryMetricIsWatched finds metrics that nobody would ever see.
func TestEveryMetricIsWatched(t *testing.T) {
	t.Parallel()
	watched := string(read(t, "observability/dashboard.json")) + string(read(t, "observability/alerts.yaml"))
	unwatched := map[string]bool{ // for people who look for a cause
		"provery_build_info": true, "provery_queue_queued_bytes": true, "provery_cache_evictions_total": true,
		"provery_blob_cache_capacity_bytes": true, "provery_blob_cache_hits_total": true, "provery_blob_cache_evictions_total": true,
		"provery_trace_spans_total": true,
	}
	for name := range documented(t) {
		if strings.Contains(watched, name) == unwatched[name] {
			t.Errorf("%s: watched or unwatched, against the list", name)
		}
	}
}
