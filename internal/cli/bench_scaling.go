package cli

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"provery/internal/bench"
	"provery/internal/cgroup"
	"provery/internal/config"
	"provery/internal/fault"
)

type benchScalingCommand struct {
	benchOutput
	benchOwn
	benchService
	Experiments []string      `arg:"" optional:"" help:"Which of machine, parallel, workers; all without any." enum:"machine,parallel,workers"`
	Workload    string        `help:"What to prove." default:"eddsa" placeholder:"NAME"`
	Time        time.Duration `help:"Time for all of it." default:"10m"`
	Sizes       []string      `help:"Machines of the first experiment, as CPUS:MEMORY, such as 0.5:512MiB; by default from half a processor and 512 MiB, doubled up to this machine." placeholder:"CPUS:MEMORY,..."`
	Parallel    []int         `help:"Proofs at a time of the second." default:"1,2,4,8" placeholder:"N,..."`
	Enough      int           `help:"End a point after this number of proofs, before its share of the time is over." placeholder:"N"`
	Workers     []int         `help:"Worker processes of the third, or workers of the service." default:"1,2,4" placeholder:"N,..."`
}

// one returns the workload.
func (c *benchScalingCommand) one(e *env) (bench.Workload, error) {
	workloads, err := c.find(e, []string{c.Workload})
	if err != nil {
		return bench.Workload{}, err
	}
	if len(workloads) != 1 {
		return bench.Workload{}, usage("--workload is the name of one workload")
	}
	return workloads[0], nil
}

// Run makes the experiments and prints a report.
func (c *benchScalingCommand) Run(ctx context.Context, e *env, b *benchCommand) error {
	if len(c.Service) > 0 {
		return c.scaleService(ctx, e, b)
	}
	if c.Scale != "" || c.Circuit != "" || c.APIKeyFile != "" {
		return usage("--scale, --circuit and --api-key-file are for a service that runs already: name it with --service")
	}
	w, err := c.one(e)
	if err != nil {
		return err
	}
	lab, err := b.lab(e)
	if err != nil {
		return err
	}
	r := bench.NewReport(commit(e.Version), e.Args)
	sizes, err := parseSizes(c.Sizes)
	if err != nil {
		return err
	}
	if len(sizes) == 0 {
		sizes = bench.DefaultSizes(r.Machine)
	}
	r.Scaling, r.Skipped, err = lab.Scaling(ctx, bench.ScalingOptions{
		Workload: w, Experiments: c.Experiments, Limit: c.Time, Sizes: sizes,
		Parallel: c.Parallel, Workers: c.Workers, Cores: runtime.NumCPU(), Enough: c.Enough,
	})
	if err != nil {
		return err
	}
	return c.write(e, r)
}

// parseSizes reads sizes of machines.
func parseSizes(texts []string) (out []cgroup.Limits, err error) {
	for _, text := range texts {
		cpus, memory, ok := strings.Cut(text, ":")
		var l cgroup.Limits
		var bytes config.Bytes
		if l.CPUs, err = strconv.ParseFloat(cpus, 64); !ok || err != nil || l.CPUs < 0.1 || l.CPUs > 1024 {
			return nil, fault.New(fault.InvalidRequest, "--sizes: %q isn't CPUS:MEMORY with 0.1 to 1024 processors", text)
		}
		if err = bytes.UnmarshalText([]byte(memory)); err != nil || bytes < 16<<20 {
			return nil, fault.New(fault.InvalidRequest, "--sizes: %q isn't CPUS:MEMORY with at least 16MiB", text)
		}
		l.Memory = int64(bytes)
		out = append(out, l)
	}
	return out, nil
}

// benchChild is the process that a measurement runs in.
func benchChild(ctx context.Context, sys System) int {
	err := errUnknownChild
	switch args := sys.Args[1:]; {
	case len(args) == 0:
		err = bench.Child(ctx, sys.Stdin, sys.Stdout)
	case len(args) == 2 && args[0] == bench.EngineArgument:
		err = bench.Engine(args[1], sys.Stdin, sys.Stdout)
	}
	if err != nil {
		fmt.Fprintln(sys.Stderr, "provery:", err)
		return exitFailed
	}
	return exitOK
}

var errUnknownChild = usage("this command is the benchmark's own")
