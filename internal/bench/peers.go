package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"provery/internal/bench/stats"
	"provery/internal/fault"
)

// Peers is a comparison of provers on the same circuits, keys and arguments.
type Peers struct {
	Cases []PeerCase `json:"cases"`
}

// PeerCase is one workload.
type PeerCase struct {
	Workload    string `json:"workload"`
	Title       string `json:"title"`
	Constraints int    `json:"constraints"`
	Domain      int    `json:"domain"`
	// Registering is what Provery took for program and key, once; the others
	// read them for every proof.
	Registering Cost        `json:"registering"`
	Entries     []PeerEntry `json:"entries"` // the first is Provery on one thread
}

// PeerEntry is what one prover took.
type PeerEntry struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Verified is the number of its proofs that Provery has verified with the
	// same key.
	Verified int `json:"verified"`
	Lane
}

// PeerOptions say what to compare.
type PeerOptions struct {
	Workloads []Workload
	Repeat    int
	Limit     time.Duration // 0 is no bound
	Threads   int           // of Provery's second entry
	// Toolchains is the directory in which the other provers are installed.
	Toolchains string
	// Rapidsnark is the path of a rapidsnark prover, or "".
	Rapidsnark string
}

// Peers measures the provers in rounds: each once, then each once more.
func (l *Lab) Peers(ctx context.Context, o PeerOptions) (*Peers, []Skip, error) {
	if o.Repeat < 1 {
		return nil, nil, fault.New(fault.InvalidRequest, "at least one repetition is needed")
	}
	c := &contest{lab: l, o: o, out: &Peers{}}
	limited := ctx
	if o.Limit > 0 {
		c.until = time.Now().Add(o.Limit)
		var cancel context.CancelFunc
		limited, cancel = context.WithDeadline(ctx, c.until)
		defer cancel()
	}
	for i, w := range o.Workloads {
		if err := c.workload(limited, w, len(o.Workloads)-i); err != nil {
			c.skip(w.Name, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if len(c.out.Cases) == 0 {
		return nil, c.skipped, withReasons("nothing could be compared", c.skipped)
	}
	return c.out, c.skipped, nil
}

// contest is a comparison in work.
type contest struct {
	lab     *Lab
	o       PeerOptions
	until   time.Time
	out     *Peers
	skipped []Skip
}

func (c *contest) skip(name string, err error) {
	why := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		why = "the time was over"
	}
	c.skipped = append(c.skipped, Skip{name, why})
	c.lab.say("%s: left out: %s", name, why)
}

// prover is one that takes part, in processes of its own.
type prover interface {
	// open opens the workload and returns what that took.
	open(ctx context.Context, w *running) (Cost, error)
	// run proves the index-th arguments. The reply holds the run, the peak of
	// memory and, if it is known, the proof in the language's own format.
	run(ctx context.Context, index int) (*reply, error)
	close() error
}

// contender is a prover with what it has done.
type contender struct {
	prover
	entry PeerEntry
	last  time.Duration
}

// contenders returns those that can prove a workload. The first two are
// Provery's.
func (c *contest) contenders(w Workload) ([]*contender, error) {
	own := func(threads int) *contender {
		return &contender{prover: &ownProver{lab: c.lab, threads: threads}, entry: PeerEntry{Name: "Provery", Lane: Lane{Threads: threads}}}
	}
	out := []*contender{own(1)}
	if c.o.Threads > 1 {
		out = append(out, own(c.o.Threads))
	}
	others, err := c.others(w)
	return append(out, others...), err
}

func (c *contest) workload(ctx context.Context, w Workload, share int) error {
	until := c.until
	if !until.IsZero() {
		until = time.Now().Add(time.Until(until) / time.Duration(share))
	}
	subject, err := c.lab.prepareWorkload(ctx, w)
	if err != nil {
		return err
	}
	all, err := c.contenders(w)
	if err != nil {
		return err
	}
	for _, p := range all {
		c.lab.say("%s: opening and warming up %s", w.Name, p.entry.label())
		defer p.close()
		if err := p.begin(ctx, subject); err != nil {
			return fmt.Errorf("%s: %w", p.entry.Name, err)
		}
	}
	for round := range c.o.Repeat {
		var took time.Duration
		for _, p := range all {
			took += p.last
		}
		if round > 0 && !until.IsZero() && time.Now().Add(took).After(until) {
			c.skip(w.Name, fmt.Errorf("%d of %d repetitions: the time was over", c.o.Repeat-round, c.o.Repeat))
			break
		}
		c.lab.say("%s: round %d of %d, about %.0f s", w.Name, round+1, c.o.Repeat, took.Seconds())
		if err := c.round(ctx, all, round); err != nil {
			return err
		}
	}
	done := PeerCase{Workload: w.Name, Title: w.Title, Constraints: subject.r.Statistics.Constraints, Domain: domain(subject.r.Statistics)}
	r := &subject.r.Prepared
	done.Registering = Cost{CPU: r.Import.CPU + r.ImportKey.CPU, Wall: r.Import.Wall + r.ImportKey.Wall}
	for _, p := range all {
		done.Entries = append(done.Entries, p.entry)
	}
	c.out.Cases = append(c.out.Cases, done)
	return nil
}

// begin opens the workload and makes the proof that doesn't count.
func (p *contender) begin(ctx context.Context, w *running) (err error) {
	if p.entry.Open, err = p.open(ctx, w); err != nil {
		return err
	}
	reply, err := p.measure(ctx, 0)
	if err != nil {
		return err
	}
	p.entry.Warm = *reply.Run
	return nil
}

func (p *contender) measure(ctx context.Context, index int) (*reply, error) {
	start := time.Now()
	r, err := p.run(ctx, index)
	if err != nil {
		return nil, err
	}
	if r.Run == nil {
		return nil, fault.New(fault.Internal, "%s didn't say what the proof took", p.entry.Name)
	}
	p.last, p.entry.Peak = time.Since(start), r.Peak
	return r, nil
}

// round lets everyone prove the same arguments, and Provery verify all of it.
func (c *contest) round(ctx context.Context, all []*contender, round int) error {
	judge := all[0].prover.(*ownProver)
	for _, p := range all {
		r, err := p.measure(ctx, round+1)
		if err != nil {
			return fmt.Errorf("%s: %w", p.entry.Name, err)
		}
		p.entry.Runs = append(p.entry.Runs, *r.Run)
		if r.Proof == nil {
			continue
		}
		if _, err := judge.s.ask(ctx, &request{Verify: r.Proof}); err != nil {
			return fmt.Errorf("the proof of %s doesn't verify: %w", p.entry.Name, err)
		}
		p.entry.Verified++
	}
	return nil
}

// text writes a table for each workload.
func (p *Peers) text(w io.Writer) {
	for _, c := range p.Cases {
		fmt.Fprintf(w, "%s: %s, %d constraints\n", c.Workload, c.Title, c.Constraints)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "  prover\truns\twitness, CPU\tproof, CPU\tproof, wall\tpeak memory\tCPU to Provery's on one thread: witness\tproof\tboth\twall to the same: proof\tboth")
		for i := range c.Entries {
			e := &c.Entries[i]
			fmt.Fprintf(t, "  %s\t%d\t", e.label(), len(e.Runs))
			for _, m := range Metrics() {
				fmt.Fprintf(t, "%s\t", spread(e.Values(m)))
			}
			fmt.Fprintf(t, "%.0f MiB\t%s\t%s\t%s\t%s\t%s\n", mib(e.Peak),
				c.ratio(e, witnessCPU), c.ratio(e, proofCPU), c.ratio(e, totalCPU), c.ratio(e, proofWall), c.ratio(e, totalWall))
		}
		t.Flush()
		fmt.Fprintf(w, "  registering program and key takes Provery %s of CPU, once\n", seconds(c.Registering.CPU))
	}
}

func (e *PeerEntry) label() string {
	name := e.Name
	if e.Version != "" {
		name += " " + e.Version
	}
	if e.Threads > 0 {
		name += ", " + threadCount(e.Threads)
	}
	return name
}

func witnessCPU(r *Run) float64 { return r.Witness.CPU }
func proofCPU(r *Run) float64   { return r.Prove.CPU }
func proofWall(r *Run) float64  { return r.Prove.Wall }

// Witness and proof together; 0 if the prover makes no witness.
func totalCPU(r *Run) float64 {
	if r.Witness.CPU == 0 {
		return 0
	}
	return r.Witness.CPU + r.Prove.CPU
}

func totalWall(r *Run) float64 {
	if r.Witness.Wall == 0 {
		return 0
	}
	return r.Witness.Wall + r.Prove.Wall
}

// ratio returns by what factor an entry takes longer than the first one.
func (c *PeerCase) ratio(e *PeerEntry, of func(*Run) float64) string {
	m := Metric{Of: of}
	if slices.Contains(e.Values(m), 0) {
		return "-" // it leaves that part to another
	}
	ratio, i := stats.Ratio(c.Entries[0].Values(m), e.Values(m))
	if e == &c.Entries[0] {
		return "1"
	}
	return fmt.Sprintf("%.3g [%.3g, %.3g]", ratio, i.Low, i.High)
}
