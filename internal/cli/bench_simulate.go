package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"provery/internal/bench"
	"provery/internal/bench/scalesim"
	"provery/internal/fault"
)

type benchSimulateCommand struct {
	benchOutput
	Variants []string      `arg:"" optional:"" help:"Which of as-is, batches, streams, chunks, scatter, cells, together, handed: the service as it is, or with a change; all without any."`
	Workers  []int         `help:"Numbers of workers." default:"10,100,1000,10000" placeholder:"N,..."`
	Proof    time.Duration `help:"Time that a proof takes its worker; that of the model without it." placeholder:"340ms"`
	Load     float64       `help:"What comes in where waits are shown, as a part of what the workers can prove." default:"0.8"`
	Model    string        `help:"File with a model, or the parts of one that differ from the measured one: as 'model' in a report." placeholder:"FILE"`
	Jobs     int           `help:"Jobs of a point that count, at least." default:"3000"`
	Seed     uint64        `help:"Seed of what is random." default:"1"`
}

// maxModel bounds the file of a model.
const maxModel = 1 << 20

// Run simulates and prints a report.
func (c *benchSimulateCommand) Run(ctx context.Context, e *env) error {
	m := scalesim.Default()
	if c.Model != "" {
		b, err := e.read(c.Model, maxModel)
		if err != nil {
			return err
		}
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&m); err != nil {
			return fault.New(fault.InvalidRequest, "%s: %v", c.Model, err)
		}
	}
	if c.Proof != 0 {
		m.Proof = c.Proof.Seconds()
	}
	r := bench.NewReport(commit(e.Version), reported(e.Args))
	var err error
	r.Simulation, err = bench.Simulate(ctx, bench.SimulationOptions{
		Model: m, Workers: c.Workers, Variants: c.Variants, Load: c.Load, Jobs: c.Jobs, Seed: c.Seed,
		Progress: func(s string) { fmt.Fprintln(e.Stderr, s) },
	})
	if err != nil {
		return err
	}
	return c.write(e, r)
}
