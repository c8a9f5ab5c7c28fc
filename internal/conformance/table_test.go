package conformance

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"provery/internal/curve"
)

type state int

const (
	absent state = iota // not run
	passed
	failed
	skipped // doesn't apply
)

// cell is the outcome of one column for a unit.
type cell struct {
	state    state
	reason   string   // of skipped
	failures []string // of failed
}

// columns lists the table's columns for a curve.
func columns(id curve.ID) []string {
	out := []string{witnesses}
	for i := range backends {
		if backends[i].on(id) {
			out = append(out, backends[i].column)
		}
	}
	return out
}

// table collects outcomes by program and curve.
type table struct {
	rows    map[string]map[curve.ID]map[string]cell
	counts  [skipped + 1]int
	reasons []string
	cases   int
}

func (t *table) add(u *unit) {
	if t.rows == nil {
		t.rows = map[string]map[curve.ID]map[string]cell{}
	}
	if t.rows[u.program.name] == nil {
		t.rows[u.program.name] = map[curve.ID]map[string]cell{}
	}
	t.rows[u.program.name][u.curve] = u.cells
	t.cases += len(u.runs)
	for _, column := range columns(u.curve) {
		t.counts[u.cells[column].state]++
	}
}

// applies reports whether a program passed or failed anywhere.
func (t *table) applies(name string) bool {
	for _, cells := range t.rows[name] {
		for _, c := range cells {
			if c.state == passed || c.state == failed {
				return true
			}
		}
	}
	return false
}

// mark is what stands in the table for a cell: a letter for a reason.
func (t *table) mark(c cell) string {
	switch c.state {
	case passed:
		return "ok"
	case failed:
		return "FAIL"
	case skipped:
		i := slices.Index(t.reasons, c.reason)
		if i < 0 {
			i = len(t.reasons)
			t.reasons = append(t.reasons, c.reason)
		}
		return "-" + string(rune('a'+i))
	}
	return "."
}

// write prints the table, the reasons for what doesn't apply, and the counts.
func (t *table) write(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	head, under := []string{""}, []string{"program"}
	for _, id := range curve.All() {
		for i, column := range columns(id) {
			name := ""
			if i == 0 {
				name = id.String()
			}
			head, under = append(head, name), append(under, column)
		}
	}
	fmt.Fprintln(tw, strings.Join(head, "\t"))
	fmt.Fprintln(tw, strings.Join(under, "\t"))
	var names []string
	for name := range t.rows {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		line := []string{name}
		for _, id := range curve.All() {
			for _, column := range columns(id) {
				line = append(line, t.mark(t.rows[name][id][column]))
			}
		}
		fmt.Fprintln(tw, strings.Join(line, "\t"))
	}
	tw.Flush()
	fmt.Fprintf(w, "\n%s: values, outputs, logs and failures of all cases", witnesses)
	for i := range backends {
		fmt.Fprintf(w, "; %s: keys and proofs, %s in %s's layout", backends[i].column, backends[i].scheme, backends[i].layout)
	}
	fmt.Fprintln(w, "\nnot applicable:")
	for i, reason := range t.reasons {
		fmt.Fprintf(w, "  -%c  %s\n", 'a'+i, reason)
	}
	fmt.Fprintf(w, "%d programs, %d cases compared, %d combinations not applicable\n", len(names), t.cases, t.counts[skipped])
	fmt.Fprintf(w, "conformance: %d passed, %d failed\n", t.counts[passed], t.counts[failed])
}
