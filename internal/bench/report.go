package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is the result of a benchmark run.
type Report struct {
	Commit  string         `json:"commit"`
	Command string         `json:"command"`
	Time    time.Time      `json:"time"`
	Machine Machine        `json:"machine"`
	Circuit *CircuitReport `json:"circuit,omitempty"`
	Service *ServiceReport `json:"service,omitempty"`
}

// NewReport returns a report of this machine and moment. args is the command
// line without the program's name.
func NewReport(commit string, args []string) *Report {
	return &Report{Commit: commit, Command: "provery " + strings.Join(args, " "), Time: time.Now().UTC(), Machine: ThisMachine()}
}

// Text writes the report as a table.
func (r *Report) Text(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "machine  %s, %d cores (%s), %.0f GiB, %s, %s\n", m.CPU, m.Cores, strings.Join(m.Features, " "), float64(m.Memory)/(1<<30), m.OS, m.Go)
	fmt.Fprintf(w, "commit   %s\ncommand  %s\n\n", r.Commit, r.Command)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	if c := r.Circuit; c != nil {
		c.text(t)
	}
	if s := r.Service; s != nil {
		fmt.Fprintf(t, "service overhead, p50 / p99\t%.2f / %.2f ms\t%d requests, everything but witness and prove\n", s.OverheadP50, s.OverheadP99, s.Requests)
		fmt.Fprintf(t, "  of which, p50\t\tqueue %.2f, load %.2f, check %.2f, rest %.2f ms\n", s.QueueP50, s.LoadP50, s.CheckP50, s.RestP50)
		fmt.Fprintf(t, "whole request, p50 / p99\t%.2f / %.2f ms\t%d constraints\n", s.TotalP50, s.TotalP99, s.Constraints)
	}
}

func (c *CircuitReport) text(t io.Writer) {
	s := c.Statistics
	mib := func(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
	fmt.Fprintf(t, "%s\t%d constraints\t%d distinct rows of %d terms, %d coefficients\n", c.Name, s.Constraints, s.Rows, s.Terms, s.Coefficients)
	fmt.Fprintf(t, "import program\t%.2f CPU s\t%s in, peak memory %s\n", c.ImportCPU, mib(c.SourceBytes), mib(c.ImportPeak))
	fmt.Fprintf(t, "compact form\t%s\t\n", mib(c.CompactBytes))
	fmt.Fprintf(t, "import proving key\t%.2f CPU s\t%s in, %s stored\n", c.KeyCPU, mib(c.KeyBytes), mib(c.MappedKey))
	fmt.Fprintf(t, "open program and key\t%.1f ms\twall\n", c.OpenWall*1e3)
	fmt.Fprintf(t, "witness\t%.3f CPU s\t\n", c.WitnessCPU)
	fmt.Fprintf(t, "prove, 1 thread\t%.3f CPU s\tpeak memory of the process %s\n", c.ProveCPU, mib(c.ProvePeak))
	for _, threads := range slices.Sorted(maps.Keys(c.ProveWall)) {
		fmt.Fprintf(t, "prove, %d threads\t%.3f s\twall\n", threads, c.ProveWall[threads])
	}
	for _, stage := range slices.Sorted(maps.Keys(c.Stages)) {
		fmt.Fprintf(t, "  %s\t%.1f ms\t\n", stage, c.Stages[stage]*1e3)
	}
}
