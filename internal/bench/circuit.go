package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/frontend/zokrates"
	"provery/internal/prove"
	"provery/internal/scheme"
	"provery/internal/scheme/groth16"
)

// Workload is a directory with a compiled program and its key, as the
// tool chain's build script leaves it: CURVE/{out,abi.json},
// CURVE/ark-g16/proving.key.
type Workload struct {
	Dir       string // .../bn128
	Arguments []json.RawMessage
}

// Files of a workload.
func (w *Workload) program() string { return filepath.Join(w.Dir, "out") }
func (w *Workload) abi() string     { return filepath.Join(w.Dir, "abi.json") }
func (w *Workload) key() string     { return filepath.Join(w.Dir, "ark-g16", "proving.key") }

// check refuses what can't be measured.
func (w *Workload) check(n int) error {
	switch {
	case len(w.Arguments) == 0:
		return fault.New(fault.InvalidRequest, "%s: there are no arguments to prove", w.Dir)
	case n < 1:
		return fault.New(fault.InvalidRequest, "at least one repetition is needed")
	}
	return nil
}

// CircuitReport is what registering, opening, solving and proving one circuit
// costs. Times are seconds; CPU times are those of the whole process.
type CircuitReport struct {
	Name         string              `json:"name"`
	Statistics   frontend.Statistics `json:"statistics"`
	SourceBytes  int64               `json:"source_bytes"`
	KeyBytes     int64               `json:"key_bytes"`
	CompactBytes int64               `json:"compact_bytes"`
	MappedKey    int64               `json:"mapped_key_bytes"`
	ImportCPU    float64             `json:"import_cpu_s"`
	ImportPeak   int64               `json:"import_peak_bytes"`
	KeyCPU       float64             `json:"key_import_cpu_s"`
	OpenWall     float64             `json:"open_wall_s"`
	WitnessCPU   float64             `json:"witness_cpu_s"`
	ProveCPU     float64             `json:"prove_cpu_s"`
	ProveWall    map[int]float64     `json:"prove_wall_s_by_threads"`
	ProvePeak    int64               `json:"prove_peak_bytes"`
	Stages       map[string]float64  `json:"prove_stages_s"`
}

// circuit measures a workload. The import comes first in the process's life,
// so that the peak of memory is its own.
type circuit struct {
	w        Workload
	r        CircuitReport
	progress func(string)
	program  frontend.Program
	backend  scheme.Backend
	key      scheme.ProvingKey
}

// Circuit measures a workload with n repetitions of witness and proof.
func Circuit(ctx context.Context, name string, w Workload, n int, progress func(string)) (*CircuitReport, error) {
	if err := w.check(n); err != nil {
		return nil, err
	}
	c := &circuit{w: w, progress: progress, r: CircuitReport{Name: name, ProveWall: map[int]float64{}, Stages: map[string]float64{}}}
	for _, step := range []func(context.Context) error{
		c.importProgram, c.importKey, c.reopen,
		func(ctx context.Context) error { return c.witness(ctx, n) },
		func(ctx context.Context) error { return c.prove(ctx, n) },
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return &c.r, nil
}

func openSection(name string) (*io.SectionReader, func() error, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, fault.New(fault.InvalidRequest, "the workload isn't there (make setup makes it): %v", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	return io.NewSectionReader(f, 0, info.Size()), f.Close, nil
}

func (c *circuit) importProgram(ctx context.Context) error {
	c.progress("importing the program")
	in := frontend.Artefacts{}
	for role, name := range map[string]string{zokrates.RoleProgram: c.w.program(), zokrates.RoleABI: c.w.abi()} {
		s, closeFile, err := openSection(name)
		if err != nil {
			return err
		}
		defer closeFile()
		in[role] = s
	}
	c.r.SourceBytes = in[zokrates.RoleProgram].Size()
	cost, err := measure(func() (err error) {
		c.program, err = zokrates.New().Import(ctx, in)
		return err
	})
	c.r.ImportCPU, c.r.ImportPeak = cost.CPU.Seconds(), peakBytes()
	return err
}

func (c *circuit) importKey(ctx context.Context) (err error) {
	c.progress("importing the proving key")
	if c.backend, err = groth16.New(c.program.Curve()); err != nil {
		return err
	}
	s, closeFile, err := openSection(c.w.key())
	if err != nil {
		return err
	}
	defer closeFile()
	c.r.KeyBytes = s.Size()
	cost, err := measure(func() (err error) {
		c.key, err = c.backend.ImportProvingKey(ctx, scheme.ImportInput{System: c.program.System(), Data: s, Size: s.Size(), Threads: 1})
		return err
	})
	c.r.KeyCPU = cost.CPU.Seconds()
	return err
}

// reopen replaces program and key by what opening their stored forms gives.
func (c *circuit) reopen(context.Context) error {
	c.progress("opening the stored forms")
	var program, key bytes.Buffer
	if err := c.program.WriteFile(&program); err != nil {
		return err
	}
	if err := c.key.WriteFile(&key); err != nil {
		return err
	}
	c.r.CompactBytes, c.r.MappedKey = int64(program.Len()), int64(key.Len())
	cost, err := measure(func() (err error) {
		if c.program, err = zokrates.New().Open(program.Bytes()); err != nil {
			return err
		}
		c.key, err = c.backend.OpenProvingKey(key.Bytes())
		return err
	})
	c.r.OpenWall = cost.Wall.Seconds()
	c.r.Statistics = c.program.Statistics()
	return err
}

func (c *circuit) argument(i int) json.RawMessage { return c.w.Arguments[i%len(c.w.Arguments)] }

func (c *circuit) witness(ctx context.Context, n int) error {
	c.progress("solving witnesses")
	i := 0
	samples, err := repeat(n, func() error {
		i++
		_, err := c.program.Solve(ctx, c.argument(i), frontend.SolveOptions{})
		return err
	})
	c.r.WitnessCPU = median(cpus(samples)).Seconds()
	return err
}

func cpus(s []Sample) []time.Duration {
	out := make([]time.Duration, len(s))
	for i := range s {
		out[i] = s[i].CPU
	}
	return out
}

func (c *circuit) prove(ctx context.Context, n int) error {
	prover, err := prove.New(c.program, c.backend, c.key)
	if err != nil {
		return err
	}
	solution, err := c.program.Solve(ctx, c.argument(0), frontend.SolveOptions{})
	if err != nil {
		return err
	}
	for threads := 1; threads <= ThisMachine().Cores; threads *= 2 {
		c.progress(fmt.Sprintf("proving on %d threads", threads))
		samples, stages, err := c.proofs(ctx, n, threads, solution)
		if err != nil {
			return err
		}
		walls := make([]time.Duration, len(samples))
		for i := range samples {
			walls[i] = samples[i].Wall
		}
		c.r.ProveWall[threads] = median(walls).Seconds()
		if threads > 1 {
			continue
		}
		c.r.ProveCPU = median(cpus(samples)).Seconds()
		for name, d := range stages {
			c.r.Stages[name] = median(d).Seconds()
		}
	}
	c.r.ProvePeak = peakBytes()
	// One whole proof, verified, so that the figures are of proofs that hold.
	_, err = prover.Prove(ctx, prove.Request{Arguments: c.argument(1), Threads: 1, Rand: rand.Reader})
	return err
}

// proofs measures n proofs, and what each of their stages takes.
func (c *circuit) proofs(ctx context.Context, n, threads int, solution *frontend.Solution) ([]Sample, map[string][]time.Duration, error) {
	stages := map[string][]time.Duration{}
	samples, err := repeat(n, func() error {
		name, since := "", time.Now()
		enter := func(next string) {
			now := time.Now()
			if name != "" {
				stages[name] = append(stages[name], now.Sub(since))
			}
			name, since = next, now
		}
		_, err := c.backend.Prove(ctx, scheme.ProveInput{
			Key: c.key, System: c.program.System(), Witness: solution.Witness,
			Threads: threads, Rand: rand.Reader, Stage: enter,
		})
		enter("")
		return err
	})
	return samples, stages, err
}
