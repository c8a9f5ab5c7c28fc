package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"provery/internal/bench/stats"
)

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// seconds prints a time with three significant digits.
func seconds(s float64) string {
	switch {
	case s == 0:
		return "0"
	case s < 0.001:
		return fmt.Sprintf("%.3g µs", s*1e6)
	case s < 1:
		return fmt.Sprintf("%.3g ms", s*1e3)
	case s < 100:
		return fmt.Sprintf("%.3g s", s)
	}
	return fmt.Sprintf("%.0f s", s)
}

// spread prints a summary: the median, and least and largest in brackets.
func spread(v []float64) string {
	s := stats.Summarize(v)
	return fmt.Sprintf("%s [%s, %s]", seconds(s.Median), seconds(s.Min), seconds(s.Max))
}

// Text writes the report as tables.
func (r *Report) Text(w io.Writer) {
	fmt.Fprintf(w, "machine  %s\ncommit   %s\ncommand  %s\n", &r.Machine, r.Commit, r.Command)
	for i := range r.Workloads {
		fmt.Fprintln(w)
		r.Workloads[i].text(w)
	}
	if r.Service != nil {
		fmt.Fprintln(w)
		r.Service.text(w)
	}
	if r.Scaling != nil {
		r.Scaling.text(w)
	}
	if r.Peers != nil {
		fmt.Fprintln(w)
		r.Peers.text(w)
	}
	if r.Source != nil {
		fmt.Fprintln(w)
		r.Source.text(w)
	}
	if r.Simulation != nil {
		r.Simulation.text(w)
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(w, "\nleft out: %s: %s", s.Name, s.Why)
	}
	if len(r.Skipped) > 0 {
		fmt.Fprintln(w)
	}
}

func (r *Result) text(w io.Writer) {
	s, p := r.Statistics, &r.Prepared
	fmt.Fprintf(w, "%s: %s\n", r.Name, r.Title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  constraints\t%d\tdomain %d, %d distinct rows of %d terms, %s, %s\n", s.Constraints, r.Domain, s.Rows, s.Terms, r.Scheme, r.Curve)
	if p.Source > 0 {
		fmt.Fprintf(t, "  register\t%.2f + %.2f CPU s\tprogram of %.1f MiB, key of %.1f MiB; peak memory %.0f MiB\n",
			p.Import.CPU, p.ImportKey.CPU, mib(p.Source), mib(p.Foreign), mib(p.ImportPeak))
	}
	fmt.Fprintf(t, "  kept\t%.1f MiB\tprogram %.1f, key %.1f\n", mib(p.Compact+p.Mapped), mib(p.Compact), mib(p.Mapped))
	for i := range r.Lanes {
		r.Lanes[i].text(t)
	}
	t.Flush()
	for i := range r.Lanes {
		if l := &r.Lanes[i]; l.Threads == 1 || len(r.Lanes) == 1 {
			l.stageText(w)
			if r.Bound != nil {
				r.Bound.text(w, l)
			}
		}
	}
}

// threadCount prints a number of threads.
func threadCount(n int) string {
	if n == 1 {
		return "1 thread"
	}
	return fmt.Sprintf("%d threads", n)
}

func (l *Lane) text(w io.Writer) {
	fmt.Fprintf(w, "  %s\topen %s\tpeak memory %.0f MiB, of which %.0f mapped\n", threadCount(l.Threads), seconds(l.Open.Wall), mib(l.Peak), mib(l.Mapped))
	for _, m := range Metrics() {
		v := l.Values(m)
		s := stats.Summarize(v)
		fmt.Fprintf(w, "    %s\t%s\tmedian of %d in %s to %s with %.0f %%\n",
			m.Name, spread(v), s.N, seconds(s.Interval.Low), seconds(s.Interval.High), 100*s.Interval.Confidence)
	}
}

// stageText writes where the proof's time goes.
func (l *Lane) stageText(w io.Writer) {
	names, medians := l.Stages()
	if len(names) == 0 {
		return
	}
	var parts []string
	for _, n := range names {
		parts = append(parts, fmt.Sprintf("%s %.1f", strings.TrimPrefix(n, "prove."), 1e3*medians[n]))
	}
	fmt.Fprintf(w, "  stages of the proof on %s, CPU ms: %s\n", threadCount(l.Threads), strings.Join(parts, ", "))
}

func (s *ServiceReport) text(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintf(t, "service overhead, p50 / p99\t%.2f / %.2f ms\t%d requests, everything but witness and prove\n", s.OverheadP50, s.OverheadP99, s.Requests)
	fmt.Fprintf(t, "  of which, p50\t\tqueue %.2f, load %.2f, check %.2f, rest %.2f ms\n", s.QueueP50, s.LoadP50, s.CheckP50, s.RestP50)
	fmt.Fprintf(t, "whole request, p50 / p99\t%.2f / %.2f ms\t%d constraints\n", s.TotalP50, s.TotalP99, s.Constraints)
}
