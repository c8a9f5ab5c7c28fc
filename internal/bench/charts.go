package bench

import (
	"fmt"
	"math"
	"os"
	"path/filepath"

	"provery/internal/bench/chart"
)

// named is a chart with the name of its file.
type named struct {
	name string
	chart.Chart
}

// Charts draws the report's charts into files of a directory and returns their
// names.
func (r *Report) Charts(dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var out []string
	for _, c := range r.charts() {
		name := filepath.Join(dir, c.name+".svg")
		f, err := os.Create(name)
		if err != nil {
			return nil, err
		}
		if err := c.WriteSVG(f); err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
		out = append(out, name)
	}
	return out, nil
}

func (r *Report) charts() (out []named) {
	if c := r.workloadChart(); len(c.Labels) > 0 {
		out = append(out, named{"workloads", c})
	}
	if r.Scaling != nil {
		for _, e := range r.Scaling.Experiments {
			switch {
			case len(e.Points) == 0:
			case e.Name == ByService:
				out = append(out, named{"scaling-service", e.serviceChart()})
			default:
				out = append(out, named{"scaling-" + e.Name, r.Scaling.chart(&e)})
			}
		}
	}
	if r.Peers != nil {
		for i := range r.Peers.Cases {
			out = append(out, named{"peers-" + r.Peers.Cases[i].Workload, r.Peers.Cases[i].chart()})
		}
	}
	if s := r.Simulation; s != nil && len(s.Variants) > 0 && len(s.Variants[0].Points) > 0 {
		out = append(out, named{"simulation", s.chart()})
	}
	return out
}

// workloadChart has the CPU time and the memory of each workload on one thread.
func (r *Report) workloadChart() chart.Chart {
	var witness, proof, heap, mapped []float64
	c := chart.Chart{Title: "one proof on one thread"}
	for i := range r.Workloads {
		for k := range r.Workloads[i].Lanes {
			l := &r.Workloads[i].Lanes[k]
			if l.Threads != 1 {
				continue
			}
			c.Labels = append(c.Labels, r.Workloads[i].Name)
			witness = append(witness, l.medianOf(func(r *Run) float64 { return r.Witness.CPU }))
			proof = append(proof, l.medianOf(func(r *Run) float64 { return r.Prove.CPU }))
			shared := min(l.Mapped, l.Peak)
			heap, mapped = append(heap, gb(l.Peak-shared)), append(mapped, gb(shared))
		}
	}
	c.Panels = []chart.Panel{
		{Y: "CPU seconds", Bars: true, Series: []chart.Series{{Name: "proof", Values: proof}, {Name: "witness", Values: witness}}},
		{Y: "peak memory, GB", Bars: true, Series: []chart.Series{{Name: "mapped files", Values: mapped}, {Name: "the rest", Values: heap}}},
	}
	return c
}

// chart has the time and the memory of an experiment, as the papers show them.
func (s *Scaling) chart(e *Experiment) chart.Chart {
	noun, n := s.per()
	c := chart.Chart{Title: e.Title, X: e.X}
	var wall, cpu, memory []float64
	for i := range e.Points {
		p := &e.Points[i]
		c.Labels = append(c.Labels, fmt.Sprintf("%g", p.X))
		if p.Failure != "" || p.Proofs == 0 {
			wall, cpu, memory = append(wall, math.NaN()), append(cpu, math.NaN()), append(memory, math.NaN())
			continue
		}
		wall, cpu = append(wall, p.PerProof()/float64(n)), append(cpu, p.CPU/float64(p.Proofs*n))
		memory = append(memory, gb(p.Memory))
	}
	c.Panels = []chart.Panel{
		{Y: "time per " + noun + ", s", Series: []chart.Series{{Name: "elapsed", Values: wall}, {Name: "CPU", Values: cpu}}},
		{Y: "memory, GB", Series: []chart.Series{{Values: memory}}},
	}
	return c
}

// chart has the CPU time and the memory of each prover.
func (p *PeerCase) chart() chart.Chart {
	var witness, proof, memory []float64
	c := chart.Chart{Title: p.Title}
	for i := range p.Entries {
		e := &p.Entries[i]
		name := e.Name
		if e.Threads > 0 {
			name = fmt.Sprintf("%s, %d", e.Name, e.Threads)
		}
		c.Labels = append(c.Labels, name)
		witness = append(witness, e.medianOf(func(r *Run) float64 { return r.Witness.CPU }))
		proof = append(proof, e.medianOf(func(r *Run) float64 { return r.Prove.CPU }))
		memory = append(memory, gb(e.Peak))
	}
	c.Panels = []chart.Panel{
		{Y: "CPU seconds", Bars: true, Series: []chart.Series{{Name: "proof", Values: proof}, {Name: "witness", Values: witness}}},
		{Y: "peak memory, GB", Bars: true, Series: []chart.Series{{Values: memory}}},
	}
	return c
}
