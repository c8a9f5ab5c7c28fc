package bench

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"provery/internal/bench/chart"
	"provery/internal/bench/stats"
)

// serviceColumns are those of the tables of a service's workers.
var serviceColumns = []string{
	"workers", "proofs at a time", "proofs", "proofs per s", "efficiency", "s in a worker", "least and most of a worker", "memory, GB",
}

// serviceCells returns a point's line.
func (p *Point) serviceCells() []string {
	s := p.Service
	if p.Failure != "" || p.Proofs == 0 {
		return []string{fmt.Sprintf("%g", p.X), "", "0", p.Failure, "", "", "", ""}
	}
	spread := stats.Summarize(s.Rates)
	memory := "unknown"
	if p.Memory > 0 {
		memory = fmt.Sprintf("%.2f", gb(p.Memory))
	}
	return []string{
		fmt.Sprintf("%g", p.X), fmt.Sprint(s.Slots), fmt.Sprint(p.Proofs),
		fmt.Sprintf("%.3f [%.3f, %.3f]", p.rate(), spread.Interval.Low, spread.Interval.High),
		s.Efficiency.String(), fmt.Sprintf("%.3f", s.Busy), fmt.Sprintf("%d, %d", s.Least, s.Most), memory,
	}
}

// rate returns the proofs a second.
func (p *Point) rate() float64 { return p.PerHour() / 3600 }

// String prints an efficiency with its interval. That of the point that others
// are compared with is 1.
func (e *Estimate) String() string {
	if e == nil {
		return "1"
	}
	return fmt.Sprintf("%.3f [%.3f, %.3f]", e.Value, e.Low, e.High)
}

func (e *Experiment) serviceText(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	line := func(cells []string) {
		for _, c := range cells {
			fmt.Fprintf(t, "  %s\t", c)
		}
		fmt.Fprintln(t)
	}
	line(serviceColumns)
	for i := range e.Points {
		line(e.Points[i].serviceCells())
	}
}

func (e *Experiment) serviceMarkdown(w io.Writer, of *Scaling) {
	table(w, fmt.Sprintf("%s, %s: %s (%s):", of.Workload, of.Title, e.Title, e.How), serviceColumns...)
	for i := range e.Points {
		row(w, e.Points[i].serviceCells()...)
	}
}

// serviceChart has the rate beside that of equal workers, and the efficiency.
func (e *Experiment) serviceChart() chart.Chart {
	c := chart.Chart{Title: e.Title, X: e.X}
	var got, ideal, efficiency []float64
	base := &e.Points[0]
	for i := range e.Points {
		p := &e.Points[i]
		c.Labels = append(c.Labels, fmt.Sprintf("%g", p.X))
		rate, part := math.NaN(), math.NaN()
		if p.Failure == "" && p.Proofs > 0 {
			rate = p.rate()
			if i == 0 {
				part = 1
			} else if p.Service.Efficiency != nil {
				part = p.Service.Efficiency.Value
			}
		}
		got, efficiency = append(got, rate), append(efficiency, part)
		ideal = append(ideal, base.rate()*p.X/base.X)
	}
	c.Panels = []chart.Panel{
		{Y: "proofs per s", Series: []chart.Series{{Name: "measured", Values: got}, {Name: "in proportion", Values: ideal}}},
		{Y: "efficiency", Series: []chart.Series{{Values: efficiency}}},
	}
	return c
}
