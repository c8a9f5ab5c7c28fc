package bench

import (
	"fmt"
	"io"
	"strings"

	"provery/internal/bench/stats"
)

// Markdown writes the report as tables for a document. With charts it refers to
// the files that Charts writes, in the directory of that name.
func (r *Report) Markdown(w io.Writer, charts string) {
	fmt.Fprintf(w, "Machine: %s. Commit %s, %s, command `%s`.\n", &r.Machine, short(r.Commit), r.Time.Format("2 January 2006"), r.Command)
	if r.Machine.Load != "" {
		fmt.Fprintf(w, "Processes that wanted a processor in the minute before: %s.\n", r.Machine.Load)
	}
	if len(r.Workloads) > 0 {
		r.markdownWorkloads(w)
	}
	if r.Service != nil {
		r.Service.markdown(w)
	}
	if r.Scaling != nil {
		r.Scaling.markdown(w)
	}
	if r.Peers != nil {
		r.Peers.markdown(w)
	}
	if r.Source != nil {
		r.Source.markdown(w)
	}
	if r.Simulation != nil {
		r.Simulation.markdown(w)
	}
	if charts != "" {
		for _, c := range r.charts() {
			fmt.Fprintf(w, "\n![%s](%s/%s.svg)\n", c.Title, charts, c.name)
		}
	}
	for i, s := range r.Skipped {
		if i == 0 {
			fmt.Fprintln(w, "\nLeft out:")
		}
		fmt.Fprintf(w, "- %s: %s\n", s.Name, strings.ReplaceAll(s.Why, "\n", " "))
	}
}

// short returns the beginning of a commit's hash.
func short(commit string) string { return commit[:min(len(commit), 12)] }

// table writes a table's head.
func table(w io.Writer, title string, columns ...string) {
	fmt.Fprintf(w, "\n%s\n\n", title)
	row(w, columns...)
	fmt.Fprintln(w, "|"+strings.Repeat("---|", len(columns)))
}

func row(w io.Writer, cells ...string) { fmt.Fprintln(w, "| "+strings.Join(cells, " | ")+" |") }

func (r *Report) markdownWorkloads(w io.Writer) {
	columns := []string{"workload", "constraints", "domain", "threads", "runs"}
	for _, m := range Metrics() {
		columns = append(columns, m.Name)
	}
	table(w, "Medians, with the least and the largest in brackets:", append(columns, "peak memory", "of which mapped")...)
	for i := range r.Workloads {
		res := &r.Workloads[i]
		for k := range res.Lanes {
			l := &res.Lanes[k]
			cells := []string{res.Name, fmt.Sprint(res.Statistics.Constraints), power(res.Domain), fmt.Sprint(l.Threads), fmt.Sprint(len(l.Runs))}
			for _, m := range Metrics() {
				cells = append(cells, spread(l.Values(m)))
			}
			row(w, append(cells, fmt.Sprintf("%.0f MiB", mib(l.Peak)), fmt.Sprintf("%.0f MiB", mib(l.Mapped)))...)
		}
	}
	r.markdownStages(w)
	r.markdownBounds(w)
	r.markdownRegistration(w)
}

func (r *Report) markdownBounds(w io.Writer) {
	first := true
	for i := range r.Workloads {
		res := &r.Workloads[i]
		for k := range res.Lanes {
			l := &res.Lanes[k]
			if res.Bound == nil || l.Threads != 1 {
				continue
			}
			if first {
				table(w, "Against the time that the multiplications alone would take one thread:",
					"workload", "multiplications, million", "ns for each", "bound", "proof, CPU", "ratio")
				first = false
			}
			took := l.medianOf(func(r *Run) float64 { return r.Prove.CPU })
			row(w, res.Name, fmt.Sprintf("%.1f", res.Bound.Multiplications/1e6), fmt.Sprintf("%.2f", res.Bound.Nanoseconds),
				seconds(res.Bound.Seconds()), seconds(took), fmt.Sprintf("%.1f", took/res.Bound.Seconds()))
		}
	}
}

// power prints a power of two as such.
func power(n int) string {
	for log := 0; 1<<log <= n; log++ {
		if 1<<log == n {
			return fmt.Sprintf("2^%d", log)
		}
	}
	return fmt.Sprint(n)
}

func (r *Report) markdownStages(w io.Writer) {
	var names []string
	lanes := map[string]*Lane{}
	for i := range r.Workloads {
		for k := range r.Workloads[i].Lanes {
			l := &r.Workloads[i].Lanes[k]
			if n, _ := l.Stages(); l.Threads == 1 && len(n) > 0 {
				lanes[r.Workloads[i].Name] = l
				if len(n) > len(names) {
					names = n
				}
			}
		}
	}
	if len(names) == 0 {
		return
	}
	columns := []string{"workload"}
	for _, n := range names {
		columns = append(columns, strings.TrimPrefix(n, "prove."))
	}
	table(w, "Where a proof's time goes on one thread, CPU milliseconds:", columns...)
	for _, res := range r.Workloads {
		l := lanes[res.Name]
		if l == nil {
			continue
		}
		_, medians := l.Stages()
		cells := []string{res.Name}
		for _, n := range names {
			cells = append(cells, fmt.Sprintf("%.1f", 1e3*medians[n]))
		}
		row(w, cells...)
	}
}

func (r *Report) markdownRegistration(w io.Writer) {
	first := true
	for _, res := range r.Workloads {
		p := &res.Prepared
		if p.Source == 0 {
			continue
		}
		if first {
			table(w, "Registering, and opening what was registered:",
				"workload", "artefacts", "read and checked", "peak memory", "key", "read, every point checked", "kept", "opened")
			first = false
		}
		row(w, res.Name, fmt.Sprintf("%.1f MiB", mib(p.Source)), fmt.Sprintf("%.2f CPU s", p.Import.CPU), fmt.Sprintf("%.0f MiB", mib(p.ImportPeak)),
			fmt.Sprintf("%.1f MiB", mib(p.Foreign)), fmt.Sprintf("%.2f CPU s", p.ImportKey.CPU), fmt.Sprintf("%.1f MiB", mib(p.Compact+p.Mapped)),
			seconds(res.Lanes[0].Open.Wall))
	}
}

func (s *ServiceReport) markdown(w io.Writer) {
	table(w, "What the service adds to witness and proof, milliseconds:",
		"constraints", "requests", "p50", "p99", "queue, p50", "load, p50", "check, p50", "the rest, p50")
	f := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	row(w, fmt.Sprint(s.Constraints), fmt.Sprint(s.Requests), f(s.OverheadP50), f(s.OverheadP99), f(s.QueueP50), f(s.LoadP50), f(s.CheckP50), f(s.RestP50))
}

func (s *Scaling) markdown(w io.Writer) {
	noun, n := s.per()
	for _, e := range s.Experiments {
		if e.Name == ByService {
			e.serviceMarkdown(w, s)
			continue
		}
		table(w, fmt.Sprintf("%s, %s: %s (%s):", s.Workload, s.Title, e.Title, e.How),
			e.X, "memory limit", "threads of a proof", "proofs", "s per "+noun, "CPU s per "+noun, "memory, GB", noun+"s per hour", "constraints per hour", "hours for 2^29 constraints")
		for i := range e.Points {
			p := &e.Points[i]
			limit := "none"
			if p.Limits.Memory > 0 {
				limit = fmt.Sprintf("%.2f GB", gb(p.Limits.Memory))
			}
			if p.Failure != "" {
				row(w, fmt.Sprintf("%g", p.X), limit, fmt.Sprint(p.Threads), "0", p.Failure, "", "", "", "", "")
				continue
			}
			row(w, fmt.Sprintf("%g", p.X), limit, fmt.Sprint(p.Threads), fmt.Sprint(p.Proofs), fmt.Sprintf("%.3f", p.PerProof()/float64(n)),
				fmt.Sprintf("%.3f", p.CPU/float64(p.Proofs*n)), fmt.Sprintf("%.2f", gb(p.Memory)), fmt.Sprintf("%.0f", p.PerHour()*float64(n)),
				fmt.Sprintf("%.3g", p.PerHour()*float64(s.Constraints)), fmt.Sprintf("%.1f", s.Time29(p)/3600))
		}
	}
}

func (p *Peers) markdown(w io.Writer) {
	for i := range p.Cases {
		c := &p.Cases[i]
		table(w, fmt.Sprintf("%s, %s, %d constraints; ratios are to Provery's on one thread, \"both\" is witness and proof:", c.Workload, c.Title, c.Constraints),
			"prover", "runs", "witness, CPU", "proof, CPU", "proof, wall", "peak memory", "CPU ratio of the proof", "of both", "wall ratio of the proof", "of both")
		for k := range c.Entries {
			e := &c.Entries[k]
			cells := []string{e.label(), fmt.Sprint(len(e.Runs))}
			for _, m := range Metrics() {
				cells = append(cells, spread(e.Values(m)))
			}
			row(w, append(cells, fmt.Sprintf("%.0f MiB", mib(e.Peak)), c.ratio(e, proofCPU), c.ratio(e, totalCPU), c.ratio(e, proofWall), c.ratio(e, totalWall))...)
		}
	}
}

// medianOf returns the median of a figure.
func (l *Lane) medianOf(of func(*Run) float64) float64 {
	return stats.Summarize(l.Values(Metric{Of: of})).Median
}
