package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"provery/internal/bench/stats"
	"provery/internal/fault"
)

// Verdict is what a comparison of two samples says.
type Verdict string

// The verdicts.
const (
	Faster Verdict = "faster"
	Slower Verdict = "slower"
	// Noise: the interval of the ratio contains 1.
	Noise Verdict = "within noise"
	// TooFew: there are not enough runs for any interval of 95 %.
	TooFew Verdict = "too few runs"
)

// Comparison is the figures of one workload in two reports.
type Comparison struct {
	Workload string         `json:"workload"`
	Threads  int            `json:"threads"`
	Metric   string         `json:"metric"`
	Before   float64        `json:"before_s"` // medians
	After    float64        `json:"after_s"`
	Ratio    float64        `json:"ratio"` // of after to before
	Interval stats.Interval `json:"interval"`
	Verdict  Verdict        `json:"verdict"`
}

// Compared is the outcome of Compare.
type Compared struct {
	Rows []Comparison `json:"comparisons"`
	// Warnings say what else differs.
	Warnings []string `json:"warnings,omitempty"`
}

// Compare compares the workloads that both reports have. Reports of machines
// whose times mean different things are refused unless anyway is true.
func Compare(before, after *Report, anyway bool) (*Compared, error) {
	grave, slight := differences(&before.Machine, &after.Machine)
	if len(grave) > 0 && !anyway {
		return nil, fault.New(fault.InvalidRequest, "the reports are of different machines (%s); --anyway compares them all the same", strings.Join(grave, "; "))
	}
	c := &Compared{Warnings: append(grave, slight...)}
	for i := range before.Workloads {
		b := &before.Workloads[i]
		for k := range after.Workloads {
			if a := &after.Workloads[k]; a.Name == b.Name {
				c.workload(b, a)
			}
		}
	}
	if len(c.Rows) == 0 {
		return nil, fault.New(fault.InvalidRequest, "the reports have no workload in common")
	}
	return c, nil
}

func (c *Compared) workload(before, after *Result) {
	if before.Statistics.Constraints != after.Statistics.Constraints {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s: %d and %d constraints", before.Name, before.Statistics.Constraints, after.Statistics.Constraints))
	}
	for i := range before.Lanes {
		for k := range after.Lanes {
			b, a := &before.Lanes[i], &after.Lanes[k]
			if b.Threads != a.Threads {
				continue
			}
			for _, m := range Metrics() {
				c.Rows = append(c.Rows, compare(before.Name, b.Threads, m, b, a))
			}
		}
	}
}

func compare(name string, threads int, m Metric, before, after *Lane) Comparison {
	b, a := before.Values(m), after.Values(m)
	ratio, interval := stats.Ratio(b, a)
	return Comparison{
		Workload: name, Threads: threads, Metric: m.Name, Before: stats.Summarize(b).Median, After: stats.Summarize(a).Median,
		Ratio: ratio, Interval: interval, Verdict: verdict(ratio, interval),
	}
}

func verdict(ratio float64, i stats.Interval) Verdict {
	switch {
	case !i.Sure():
		return TooFew
	case i.Contains(1):
		return Noise
	case ratio < 1:
		return Faster
	}
	return Slower
}

// Slower returns the comparisons that are certainly slower by more than the
// factor.
func (c *Compared) Slower(factor float64) (out []Comparison) {
	for _, r := range c.Rows {
		if r.Verdict == Slower && r.Interval.Low > factor {
			out = append(out, r)
		}
	}
	return out
}

// Text writes the comparison as a table.
func (c *Compared) Text(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "workload\tthreads\t\tbefore\tafter\tafter/before\t95 % interval\t")
	for _, r := range c.Rows {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%.3f\t%.3f to %.3f\t%s\n",
			r.Workload, r.Threads, r.Metric, seconds(r.Before), seconds(r.After), r.Ratio, r.Interval.Low, r.Interval.High, r.Verdict)
	}
	t.Flush()
	for _, s := range c.Warnings {
		fmt.Fprintf(w, "note: the reports differ: %s\n", s)
	}
}
