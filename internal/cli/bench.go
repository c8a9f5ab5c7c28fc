package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"provery/internal/bench"
	"provery/internal/fault"
)

type benchCommand struct {
	Cache string `help:"Directory of the workloads: what the tool chains made, and what is prepared from it." default:"build/cache" env:"PROVERY_CACHE" placeholder:"DIR"`

	List     benchListCommand     `cmd:"" help:"List the workloads."`
	Prepare  benchPrepareCommand  `cmd:"" help:"Make what workloads need ahead: the keys of synthetic ones."`
	Run      benchRunCommand      `cmd:"" help:"Measure workloads and write a report."`
	Scaling  benchScalingCommand  `cmd:"" help:"Measure how proving grows with the machine, with proofs at a time and with worker processes."`
	Peers    benchPeersCommand    `cmd:"" help:"Compare with other provers, on the same circuits, keys and arguments."`
	Compare  benchCompareCommand  `cmd:"" help:"Compare two reports."`
	Simulate benchSimulateCommand `cmd:"" help:"Simulate the service with up to 10,000 workers, from measured times."`
	Report   benchReportCommand   `cmd:"" help:"Print reports again: as text, or as tables for a document."`
}

// lab returns a lab that tells its progress on standard error.
func (b *benchCommand) lab(e *env) (*bench.Lab, error) {
	dir, err := filepath.Abs(b.Cache)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	return bench.NewLab(dir, func(s string) {
		fmt.Fprintf(e.Stderr, "%6.1f s  %s\n", time.Since(start).Seconds(), s)
	})
}

type benchListCommand struct{}

// Run lists the standard workloads.
func (benchListCommand) Run(e *env, b *benchCommand) error {
	type entry struct {
		Name  string `json:"name"`
		Title string `json:"title"`
		Made  bool   `json:"made"`
		Make  string `json:"make"`
	}
	var list []entry
	for _, w := range bench.Workloads() {
		list = append(list, entry{w.Name, w.Title, w.Missing(b.Cache) == "", w.Make})
	}
	return e.print(list, func(w io.Writer) {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		defer t.Flush()
		for _, l := range list {
			note := ""
			if !l.Made {
				note = "made by: " + l.Make
			}
			fmt.Fprintf(t, "%s\t%s\t%s\n", l.Name, l.Title, note)
		}
	})
}

type benchPrepareCommand struct {
	Workloads []string `arg:"" help:"Names of workloads."`
}

// Run prepares workloads.
func (c *benchPrepareCommand) Run(ctx context.Context, e *env, b *benchCommand) error {
	workloads, err := bench.Find(c.Workloads)
	if err != nil {
		return err
	}
	lab, err := b.lab(e)
	if err != nil {
		return err
	}
	return lab.Prepare(ctx, workloads)
}

// benchOutput says where a report goes.
type benchOutput struct {
	Out string `help:"File for the report (JSON); without it, it is printed as text only." short:"o" placeholder:"FILE"`
}

// write writes the report where it was asked for and prints it.
func (o *benchOutput) write(e *env, r *bench.Report) error {
	r.End()
	if o.Out != "" {
		if err := os.MkdirAll(filepath.Dir(o.Out), 0o755); err != nil {
			return unreadable(o.Out, err)
		}
		f, err := os.Create(o.Out)
		if err != nil {
			return unreadable(o.Out, err)
		}
		if err := r.Write(f); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return e.print(r, r.Text)
}

// benchOwn is a circuit of the user's.
type benchOwn struct {
	Artefact  map[string]string `help:"File of a circuit of your own, by its role: program, abi." placeholder:"ROLE=FILE" group:"A circuit of your own"`
	Frontend  string            `help:"Its language." default:"zokrates" group:"A circuit of your own"`
	Key       string            `help:"Its proving key." placeholder:"FILE" group:"A circuit of your own"`
	Arguments string            `help:"Its arguments: JSON values, one after another, that are proven in turn." placeholder:"FILE" group:"A circuit of your own"`
}

// find returns the workloads of the names, or the user's own.
func (o *benchOwn) find(e *env, names []string) ([]bench.Workload, error) {
	if len(o.Artefact) == 0 {
		return bench.Find(names)
	}
	if o.Key == "" || o.Arguments == "" {
		return nil, usage("a circuit of your own needs --artefact, --key and --arguments")
	}
	w := bench.Workload{Name: "own", Title: "a circuit of your own", Frontend: o.Frontend, Files: map[string]string{}, Make: "nothing here"}
	var err error
	for role, name := range o.Artefact {
		if w.Files[role], err = filepath.Abs(name); err != nil {
			return nil, err
		}
	}
	if w.Key, err = filepath.Abs(o.Key); err != nil {
		return nil, err
	}
	lists, err := e.argumentLists(o.Arguments)
	if err != nil {
		return nil, err
	}
	w.Arguments = func(i int) (json.RawMessage, error) { return lists[i%len(lists)], nil }
	return []bench.Workload{w}, nil
}

// argumentLists reads at least one of them.
func (e *env) argumentLists(name string) ([]json.RawMessage, error) {
	lists, err := e.values(name)
	if err == nil && len(lists) == 0 {
		err = fault.New(fault.InvalidRequest, "%s: there are no arguments", name)
	}
	return lists, err
}

// values reads JSON values that follow each other.
func (e *env) values(name string) (out []json.RawMessage, err error) {
	f, err := e.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for dec := json.NewDecoder(io.LimitReader(f, maxArguments)); ; {
		var v json.RawMessage
		if err := dec.Decode(&v); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fault.New(fault.InvalidRequest, "%s: %v", name, err)
		}
		out = append(out, v)
	}
}

type benchRunCommand struct {
	benchOutput
	benchOwn
	Workloads []string      `arg:"" optional:"" help:"Names of workloads, or zokrates, circom, synthetic, all; without any, a choice that takes some minutes."`
	Repeat    int           `help:"Runs of each that count, after one that doesn't." default:"7"`
	Threads   []int         `help:"Numbers of threads for each proof; 1 and all cores without it." placeholder:"N,..."`
	Time      time.Duration `help:"Stop after this time with what there is." placeholder:"10m"`
	Service   int           `help:"Measure what the service adds to a proof, with this number of requests." placeholder:"N"`
}

// Run measures and prints a report.
func (c *benchRunCommand) Run(ctx context.Context, e *env, b *benchCommand) error {
	workloads, err := c.find(e, c.Workloads)
	if err != nil {
		return err
	}
	lab, err := b.lab(e)
	if err != nil {
		return err
	}
	if len(c.Threads) == 0 {
		c.Threads = []int{1}
		if n := runtime.NumCPU(); n > 1 {
			c.Threads = append(c.Threads, n)
		}
	}
	r := bench.NewReport(commit(e.Version), e.Args)
	r.Workloads, r.Skipped, err = lab.Run(ctx, bench.RunOptions{Workloads: workloads, Repeat: c.Repeat, Threads: c.Threads, Limit: c.Time})
	if err != nil {
		return err
	}
	if c.Service > 0 {
		if r.Service, err = c.service(ctx, lab); err != nil {
			return err
		}
	}
	return c.write(e, r)
}

// service measures the service's own overhead with a small program.
func (c *benchRunCommand) service(ctx context.Context, lab *bench.Lab) (*bench.ServiceReport, error) {
	small, err := bench.Find([]string{"poseidon-merkle"})
	if err != nil {
		return nil, err
	}
	return lab.Service(ctx, small[0], c.Service)
}

type benchPeersCommand struct {
	benchOutput
	benchOwn
	Workloads      []string      `arg:"" optional:"" help:"Names of workloads; without any, eddsa and those of Circom."`
	Repeat         int           `help:"Runs of each that count, after one that doesn't." default:"5"`
	Time           time.Duration `help:"Stop after this time with what there is." placeholder:"10m"`
	Toolchains     string        `help:"Directory in which the other provers are installed." default:"toolchain" placeholder:"DIR"`
	Source         string        `help:"Also the way from this source file of the workload eddsa to the first proof over the API." type:"existingfile" placeholder:"FILE"`
	WithRapidsnark string        `help:"A rapidsnark prover that takes part: KEY WITNESS PROOF PUBLIC are its arguments." type:"existingfile" placeholder:"PATH"`
}

// Run measures provers beside each other and prints a report.
func (c *benchPeersCommand) Run(ctx context.Context, e *env, b *benchCommand) error {
	names := c.Workloads
	if len(names) == 0 {
		names = []string{"eddsa", "circom"}
	}
	workloads, err := c.find(e, names)
	if err != nil {
		return err
	}
	lab, err := b.lab(e)
	if err != nil {
		return err
	}
	toolchains, err := filepath.Abs(c.Toolchains)
	if err != nil {
		return err
	}
	r := bench.NewReport(commit(e.Version), e.Args)
	r.Peers, r.Skipped, err = lab.Peers(ctx, bench.PeerOptions{
		Workloads: workloads, Repeat: c.Repeat, Limit: c.Time, Threads: runtime.NumCPU(),
		Toolchains: toolchains, Rapidsnark: c.WithRapidsnark,
	})
	if err != nil {
		return err
	}
	if c.Source != "" {
		eddsa, err := bench.Find([]string{"eddsa"})
		if err != nil {
			return err
		}
		if r.Source, err = lab.Source(ctx, eddsa[0], c.Source, toolchains); err != nil {
			return err
		}
	}
	return c.write(e, r)
}

// reported returns the command line as reports show it: without an API key.
func reported(args []string) []string {
	const flag = "--api-key"
	out := slices.Clone(args)
	for i, a := range out {
		if strings.HasPrefix(a, flag+"=") {
			out[i] = flag + "=..."
		} else if i > 0 && out[i-1] == flag {
			out[i] = "..."
		}
	}
	return out
}

// commit returns what the binary was built from: by the build's own record, or
// else by the version that the Makefile gave it.
func commit(version string) string {
	if c := build(version).Commit; c != "" {
		return c
	}
	return version
}
