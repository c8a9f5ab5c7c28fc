package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"text/tabwriter"
	"time"

	"provery/internal/bench"
	"provery/internal/fault"
)

type benchCommand struct {
	Cache string `help:"Directory of the workloads: what the tool chains made, and what is prepared from it." default:"build/cache" env:"PROVERY_CACHE" placeholder:"DIR"`

	List    benchListCommand    `cmd:"" help:"List the workloads."`
	Prepare benchPrepareCommand `cmd:"" help:"Make what workloads need ahead: the keys of synthetic ones."`
	Run     benchRunCommand     `cmd:"" help:"Measure workloads and write a report."`
	Peers   benchPeersCommand   `cmd:"" help:"Compare with other provers, on the same circuits, keys and arguments."`
	Compare benchCompareCommand `cmd:"" help:"Compare two reports."`
	Report  benchReportCommand  `cmd:"" help:"Print reports again: as text, or as tables for a document."`
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

type benchRunCommand struct {
	benchOutput
	Workloads []string      `arg:"" optional:"" help:"Names of workloads, or zokrates, synthetic, all; without any, a choice that takes some minutes."`
	Repeat    int           `help:"Runs of each that count, after one that doesn't." default:"7"`
	Threads   []int         `help:"Numbers of threads for each proof; 1 and all cores without it." placeholder:"N,..."`
	Time      time.Duration `help:"Stop after this time with what there is." placeholder:"10m"`
	Service   int           `help:"Measure what the service adds to a proof, with this number of requests." placeholder:"N"`
}

// Run measures and prints a report.
func (c *benchRunCommand) Run(ctx context.Context, e *env, b *benchCommand) error {
	workloads, err := bench.Find(c.Workloads)
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
	Workloads      []string      `arg:"" optional:"" help:"Names of workloads." default:"eddsa"`
	Repeat         int           `help:"Runs of each that count, after one that doesn't." default:"5"`
	Time           time.Duration `help:"Stop after this time with what there is." placeholder:"10m"`
	Toolchains     string        `help:"Directory in which the other provers are installed." default:"toolchain" placeholder:"DIR"`
	WithRapidsnark string        `help:"A rapidsnark prover that takes part: KEY WITNESS PROOF PUBLIC are its arguments." type:"existingfile" placeholder:"PATH"`
}

// Run measures provers beside each other and prints a report.
func (c *benchPeersCommand) Run(ctx context.Context, e *env, b *benchCommand) error {
	workloads, err := bench.Find(c.Workloads)
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
	return c.write(e, r)
}

type benchCompareCommand struct {
	Before string  `arg:"" help:"Report to compare with."`
	After  string  `arg:"" help:"Report to judge."`
	Anyway bool    `help:"Compare reports of different machines too."`
	Fail   float64 `help:"Exit with 1 if something is certainly slower by more than this factor." placeholder:"1.05"`
}

// Run compares two reports.
func (c *benchCompareCommand) Run(e *env) error {
	before, err := e.benchReport(c.Before)
	if err != nil {
		return err
	}
	after, err := e.benchReport(c.After)
	if err != nil {
		return err
	}
	compared, err := bench.Compare(before, after, c.Anyway)
	if err != nil {
		return err
	}
	if err := e.print(compared, compared.Text); err != nil {
		return err
	}
	if c.Fail > 0 {
		if slower := compared.Slower(c.Fail); len(slower) > 0 {
			return fault.New(fault.InvalidRequest, "%d figures are slower by more than a factor of %.3g", len(slower), c.Fail)
		}
	}
	return nil
}

// maxReport bounds a report's file.
const maxReport = 64 << 20

// benchReport reads a report.
func (e *env) benchReport(name string) (*bench.Report, error) {
	b, err := e.read(name, maxReport)
	if err != nil {
		return nil, err
	}
	r, err := bench.ReadReport(b)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "%s", name)
	}
	return r, nil
}

type benchReportCommand struct {
	Reports []string `arg:"" help:"Reports to print."`
}

// Run prints reports.
func (c *benchReportCommand) Run(e *env) error {
	for _, name := range c.Reports {
		r, err := e.benchReport(name)
		if err != nil {
			return err
		}
		r.Text(e.Stdout)
	}
	return nil
}

// benchChild is the process that a measurement runs in.
func benchChild(ctx context.Context, sys System) int {
	if err := bench.Child(ctx, sys.Stdin, sys.Stdout); err != nil {
		fmt.Fprintln(sys.Stderr, "provery:", err)
		return exitFailed
	}
	return exitOK
}

// commit returns what the binary was built from: by the build's own record, or
// else by the version that the Makefile gave it.
func commit(version string) string {
	if c := build(version).Commit; c != "" {
		return c
	}
	return version
}
