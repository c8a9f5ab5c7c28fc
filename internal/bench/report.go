package bench

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	"provery/internal/bench/stats"
	"provery/internal/fault"
	"provery/internal/frontend"
)

// Format and Version identify report files. The version rises with every
// change that older readers would misread.
const (
	Format  = "provery-bench"
	Version = 1
)

// Report is the result of a benchmark run, with every single measurement.
type Report struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Commit  string    `json:"commit"`
	Command string    `json:"command"`
	Time    time.Time `json:"time"`
	Seconds float64   `json:"seconds"` // that the run took
	Machine Machine   `json:"machine"`

	Workloads []Result       `json:"workloads,omitempty"`
	Service   *ServiceReport `json:"service,omitempty"`
	Scaling   *Scaling       `json:"scaling,omitempty"`
	Peers     *Peers         `json:"peers,omitempty"`
	Source    *SourceReport  `json:"source,omitempty"`
	// Simulation is computed, not measured.
	Simulation *Simulation `json:"simulation,omitempty"`
	// Skipped says what was asked for and isn't there, and why.
	Skipped []Skip `json:"skipped,omitempty"`
}

// Skip is something that wasn't measured.
type Skip struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Result is what was measured of a workload.
type Result struct {
	Name       string              `json:"name"`
	Title      string              `json:"title"`
	Signatures int                 `json:"signatures,omitempty"`
	Scheme     string              `json:"scheme"`
	Curve      string              `json:"curve"`
	Domain     int                 `json:"domain"`
	Statistics frontend.Statistics `json:"statistics"`
	Prepared   Prepared            `json:"prepared"`
	Bound      *Bound              `json:"bound,omitempty"` // on bn128
	Lanes      []Lane              `json:"lanes"`
}

// Lane is a workload at one number of threads, in a process of its own.
type Lane struct {
	Threads int  `json:"threads"`
	Open    Cost `json:"open"`
	// Mapped is the size of the files that the process maps, which it shares
	// with others. Peak is its highest resident memory, that included.
	Mapped int64 `json:"mapped_bytes"`
	Peak   int64 `json:"peak_bytes"`
	// Warm is the run before those that count.
	Warm Run   `json:"warm_up"`
	Runs []Run `json:"runs"`
}

// NewReport returns a report of this machine and moment. args is the command
// line without the program's name.
func NewReport(commit string, args []string) *Report {
	return &Report{
		Format: Format, Version: Version, Commit: commit, Command: "provery " + strings.Join(args, " "),
		Time: time.Now().UTC().Truncate(time.Second), Machine: ThisMachine(),
	}
}

// End notes how long the run took.
func (r *Report) End() { r.Seconds = time.Since(r.Time).Seconds() }

// Write writes the report as indented JSON.
func (r *Report) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// ReadReport reads what Write wrote. Something else is fault.InvalidArtifact, a
// report of a later version fault.Unsupported.
func ReadReport(b []byte) (*Report, error) {
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(b, &head); err != nil || head.Format != Format || head.Version < 1 {
		return nil, fault.New(fault.InvalidArtifact, "this isn't a report of provery bench")
	}
	if head.Version > Version {
		return nil, fault.New(fault.Unsupported, "the report is of version %d; this build reads up to %d", head.Version, Version)
	}
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fault.New(fault.InvalidArtifact, "read the report: %v", err)
	}
	return &r, nil
}

// Metric is one figure of a run, by its name.
type Metric struct {
	Name string
	Of   func(*Run) float64
}

// Metrics are the figures that reports show and compare, in seconds.
func Metrics() []Metric {
	return []Metric{
		{"witness, CPU", func(r *Run) float64 { return r.Witness.CPU }},
		{"proof, CPU", func(r *Run) float64 { return r.Prove.CPU }},
		{"proof, wall", func(r *Run) float64 { return r.Prove.Wall }},
	}
}

// Values returns a figure of every run.
func (l *Lane) Values(m Metric) []float64 {
	out := make([]float64, len(l.Runs))
	for i := range l.Runs {
		out[i] = m.Of(&l.Runs[i])
	}
	return out
}

// Stages returns the median CPU seconds of each stage of the proof, in order
// of their first appearance.
func (l *Lane) Stages() (names []string, median map[string]float64) {
	values := map[string][]float64{}
	for _, r := range l.Runs {
		run := map[string]float64{}
		for _, s := range r.Stages {
			run[s.Name] += s.CPU
		}
		for _, s := range r.Stages {
			if v, first := run[s.Name]; first {
				if values[s.Name] == nil {
					names = append(names, s.Name)
				}
				values[s.Name] = append(values[s.Name], v)
				delete(run, s.Name)
			}
		}
	}
	median = map[string]float64{}
	for name, v := range values {
		median[name] = stats.Summarize(v).Median
	}
	return names, median
}
