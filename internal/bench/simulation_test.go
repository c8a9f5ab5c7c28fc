package bench

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"provery/internal/bench/scalesim"
	"provery/internal/fault"
)

// TestSimulate simulates every variant of a small service, and writes the report.
func TestSimulate(t *testing.T) {
	t.Parallel()
	var said []string
	o := SimulationOptions{
		Model: scalesim.Default(), Workers: []int{2, 10}, Load: 0.5, Jobs: 300, Seed: 1, Progress: func(s string) { said = append(said, s) },
	}
	s, err := Simulate(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Variants) != len(Changes()) || len(said) != 2*len(s.Variants) {
		t.Fatalf("got %+v, said %q", s, said)
	}
	for _, v := range s.Variants {
		for i, p := range v.Points {
			if p.Workers != o.Workers[i] || p.Full.Efficiency < 0.95 || p.Bounds[0].Of != scalesim.Workers || !p.KeepsUp || p.Cold <= 0 {
				t.Errorf("%s: got %+v, %+v, %+v", v.Name, p, p.Full, p.Loaded)
			}
		}
	}
	r := experiments()
	r.Simulation = s
	var text, markdown, written bytes.Buffer
	r.Text(&text)
	r.Markdown(&markdown, "charts")
	if !strings.Contains(text.String(), "simulated, 8 proofs in a job") || !strings.Contains(markdown.String(), "![simulated service](charts/simulation.svg)") {
		t.Errorf("got\n%s\n%s", &text, &markdown)
	}
	if _, err := r.Charts(t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := r.Write(&written); err != nil {
		t.Fatal(err)
	}
	if back, err := ReadReport(written.Bytes()); err != nil || len(back.Simulation.Variants) != len(s.Variants) {
		t.Errorf("got %+v, %v", back, err)
	}
}

func TestSimulateRefuses(t *testing.T) {
	t.Parallel()
	good := SimulationOptions{Model: scalesim.Default(), Workers: []int{1}, Load: 0.5, Jobs: 10}
	for name, change := range map[string]func(*SimulationOptions){
		"an unknown variant": func(o *SimulationOptions) { o.Variants = []string{"magic"} },
		"no load":            func(o *SimulationOptions) { o.Load = 0 },
		"no numbers":         func(o *SimulationOptions) { o.Workers = nil },
		"no workers":         func(o *SimulationOptions) { o.Workers = []int{0} },
	} {
		o := good
		change(&o)
		if _, err := Simulate(t.Context(), o); !fault.Is(err, fault.InvalidRequest) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Simulate(ctx, good); !fault.Is(err, fault.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}
