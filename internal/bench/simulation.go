package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"provery/internal/bench/chart"
	"provery/internal/bench/scalesim"
	"provery/internal/fault"
)

// Simulation is what a model of the service gives for several numbers of
// workers, as the service is and with changes.
type Simulation struct {
	Model    scalesim.Model `json:"model"`
	Seed     uint64         `json:"seed"`
	Load     float64        `json:"load"` // of the runs that show the wait
	Variants []Variant      `json:"variants"`
}

// Variant is the model with a change.
type Variant struct {
	Name   string           `json:"name"`
	Title  string           `json:"title"`
	Points []SimulatedPoint `json:"points"`
}

// SimulatedPoint is a number of workers.
type SimulatedPoint struct {
	Workers int              `json:"workers"`
	Bounds  []scalesim.Bound `json:"bounds"`
	// Full is with jobs always waiting, Loaded with the load.
	Full   *scalesim.Result `json:"full"`
	Loaded *scalesim.Result `json:"loaded"`
	// KeepsUp says that the loaded one proves what comes in; else the wait has no
	// end.
	KeepsUp bool `json:"keeps_up"`
	// Cold is the time until all workers that start at once have the circuit,
	// and ColdBy what takes it.
	Cold   float64 `json:"cold_seconds"`
	ColdBy string  `json:"cold_by"`
}

// change is a variant to make.
type change struct {
	name, title string
	of          func(*scalesim.Model)
}

// changes are the service as it is, and what one would do about its limits.
var changes = []change{
	{"as-is", "the service as it is", func(*scalesim.Model) {}},
	{"batches", "jobs accepted in batches of 1,000", func(m *scalesim.Model) { m.Engine.Batch = 1000 }},
	{"streams", "32 streams instead of 4", func(m *scalesim.Model) { m.Engine.Streams = 32 }},
	{"chunks", "8 proofs in a job", func(m *scalesim.Model) { m.Pieces = 8 }},
	{"scatter", "workers choose among the first 100 jobs at random, and leave a new one alone for longer", func(m *scalesim.Model) { m.Scatter, m.Hold = 100, 0.1 }},
	{"cells", "an engine for every 100 workers", func(m *scalesim.Model) { m.Engine.Cells = max(1, m.Workers/100) }},
	{"together", "8 proofs in a job, chosen at random, an engine for every 500 workers", func(m *scalesim.Model) {
		m.Pieces, m.Scatter, m.Hold, m.Engine.Cells = 8, 100, 0.1, max(1, m.Workers/500)
	}},
	{"handed", "API processes hand jobs out: workers follow nothing", func(m *scalesim.Model) { m.Engine.Followers = false }},
}

// Changes lists the names of the variants.
func Changes() (names []string) {
	for _, c := range changes {
		names = append(names, c.name)
	}
	return names
}

// SimulationOptions say what to simulate.
type SimulationOptions struct {
	Model   scalesim.Model
	Workers []int
	// Variants are names of Changes; all if there are none.
	Variants []string
	Load     float64
	// Jobs is how many of them count for a point, at least; there are 3 for each
	// worker.
	Jobs     int
	Seed     uint64
	Progress func(string)
}

// full is how many requests are under way for each worker where there are
// always some waiting.
const full = 3

// endless is the wait, in times of a job, from which on it is taken to grow with
// the length of the simulation.
const endless = 10

// Simulate simulates the service.
func Simulate(ctx context.Context, o SimulationOptions) (*Simulation, error) {
	if o.Load <= 0 || len(o.Workers) == 0 {
		return nil, fault.New(fault.InvalidRequest, "a simulation needs numbers of workers and a load above 0")
	}
	out := &Simulation{Model: o.Model, Seed: o.Seed, Load: o.Load}
	names := o.Variants
	if len(names) == 0 {
		names = Changes()
	}
	for _, name := range names {
		c, err := changeOf(name)
		if err != nil {
			return nil, err
		}
		v := Variant{Name: c.name, Title: c.title}
		for _, n := range o.Workers {
			if o.Progress != nil {
				o.Progress(fmt.Sprintf("%s: %d workers", c.title, n))
			}
			p, err := o.point(ctx, n, c)
			if err != nil {
				return nil, err
			}
			v.Points = append(v.Points, *p)
		}
		out.Variants = append(out.Variants, v)
	}
	return out, nil
}

func changeOf(name string) (*change, error) {
	for i := range changes {
		if changes[i].name == name {
			return &changes[i], nil
		}
	}
	return nil, fault.New(fault.InvalidRequest, "there is no variant %q; there are %v", name, Changes())
}

// point simulates one number of workers. API processes are added with them.
func (o *SimulationOptions) point(ctx context.Context, n int, c *change) (*SimulatedPoint, error) {
	m := o.Model
	m.Workers = n
	m.API.Processes, m.API.Cores = max(m.API.Processes, n/100), max(m.API.Cores, n/50)
	c.of(&m)
	p := &SimulatedPoint{Workers: n}
	run := scalesim.Run{Waiting: full, Jobs: max(o.Jobs, 3*n/(m.Pieces*m.Engine.Cells)), Seed: o.Seed}
	var err error
	if p.Full, err = scalesim.Simulate(ctx, m, run); err != nil {
		return nil, err
	}
	run.Load = o.Load
	if p.Loaded, err = scalesim.Simulate(ctx, m, run); err != nil {
		return nil, err
	}
	p.KeepsUp = p.Loaded.Refused == 0 && p.Loaded.Jobs > 0 && p.Loaded.Wait.P99 < endless*m.Proof*float64(m.Pieces)
	p.Bounds = m.Bounds()
	p.Cold, p.ColdBy = m.ColdStart()
	return p, nil
}

// simulatedColumns are those of the tables.
var simulatedColumns = []string{"workers", "proofs per s", "efficiency", "used up", "late claims per job", "first bound, proofs per s", "second", "p50 wait at the load", "p99", "cold start"}

// cells returns a point's line.
func (p *SimulatedPoint) cells() []string {
	bound := func(b scalesim.Bound) string {
		if b.Rate == math.MaxFloat64 {
			return b.Of + ": none"
		}
		return fmt.Sprintf("%s: %.4g", b.Of, b.Rate)
	}
	first := p.Full.First
	if first == "" {
		first = "nothing"
	}
	median, p99 := "no end", "no end"
	if p.KeepsUp {
		median, p99 = seconds(p.Loaded.Wait.P50), seconds(p.Loaded.Wait.P99)
	}
	return []string{
		fmt.Sprint(p.Workers), fmt.Sprintf("%.4g", p.Full.Rate), fmt.Sprintf("%.3f", p.Full.Efficiency), first, fmt.Sprintf("%.3g", p.Full.Late),
		bound(p.Bounds[0]), bound(p.Bounds[1]), median, p99, fmt.Sprintf("%s, by %s", seconds(p.Cold), p.ColdBy),
	}
}

func (s *Simulation) text(w io.Writer) {
	for i := range s.Variants {
		v := &s.Variants[i]
		fmt.Fprintf(w, "\nsimulated, %s; a proof takes %s, the wait is at %.0f %% of the workers' capacity\n", v.Title, seconds(s.Model.Proof), 100*s.Load)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		line := func(cells []string) {
			for _, c := range cells {
				fmt.Fprintf(t, "  %s\t", c)
			}
			fmt.Fprintln(t)
		}
		line(simulatedColumns)
		for k := range v.Points {
			line(v.Points[k].cells())
		}
		t.Flush()
	}
}

func (s *Simulation) markdown(w io.Writer) {
	for i := range s.Variants {
		v := &s.Variants[i]
		table(w, fmt.Sprintf("Simulated, %s; a proof takes %s, the wait is at %.0f %% of the workers' capacity:", v.Title, seconds(s.Model.Proof), 100*s.Load), simulatedColumns...)
		for k := range v.Points {
			row(w, v.Points[k].cells()...)
		}
	}
}

// chart has the efficiency of each variant, and the wait of the first.
func (s *Simulation) chart() chart.Chart {
	c := chart.Chart{Title: "simulated service", X: "workers"}
	var efficiency []chart.Series
	for i := range s.Variants {
		v := &s.Variants[i]
		var values []float64
		for k := range v.Points {
			values = append(values, v.Points[k].Full.Efficiency)
		}
		efficiency = append(efficiency, chart.Series{Name: v.Name, Values: values})
	}
	var wait []float64
	for k := range s.Variants[0].Points {
		p := &s.Variants[0].Points[k]
		c.Labels = append(c.Labels, fmt.Sprint(p.Workers))
		v := math.NaN()
		if p.KeepsUp {
			v = 1e3 * p.Loaded.Wait.P99
		}
		wait = append(wait, v)
	}
	c.Panels = []chart.Panel{
		{Y: "efficiency", Series: efficiency, Falling: true},
		{Y: fmt.Sprintf("p99 wait at %.0f %%, ms", 100*s.Load), Series: []chart.Series{{Values: wait}}},
	}
	return c
}
