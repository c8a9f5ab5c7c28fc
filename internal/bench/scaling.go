package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"

	"provery/internal/cgroup"
	"provery/internal/fault"
)

// Scaling is how proving grows with the machine, with the proofs at a time and
// with the processes that share the work: the three experiments by which the
// field's papers compare proving services.
type Scaling struct {
	Workload    string       `json:"workload"`
	Title       string       `json:"title"`
	Signatures  int          `json:"signatures"` // of one proof, or 0
	Constraints int          `json:"constraints"`
	Experiments []Experiment `json:"experiments"`
}

// Experiment is one of them.
type Experiment struct {
	Name   string  `json:"name"`
	Title  string  `json:"title"`
	X      string  `json:"x"`   // what Point.X counts
	How    string  `json:"how"` // how the points were made
	Points []Point `json:"points"`
}

// Point is one point of an experiment.
type Point struct {
	X      float64       `json:"x"`
	Limits cgroup.Limits `json:"limits"`
	// Processes work at once, each at Parallel proofs at a time on Threads
	// threads each.
	Processes int `json:"processes"`
	Parallel  int `json:"parallel"`
	Threads   int `json:"threads"`
	// Load is what all of them did together. Its CPU time is that of every
	// process that took part.
	Load
	// Memory is the highest use of memory of the processes that prove. Pages
	// of files that several of them map count once.
	Memory int64 `json:"memory_bytes"`
	// Service is there for the workers of a service that runs elsewhere; limits,
	// threads and CPU time are then unknown.
	Service *ServicePoint `json:"service,omitempty"`
	// Failure says why there is no load, or "".
	Failure string `json:"failure,omitempty"`
}

// PerProof returns the seconds from one proof to the next.
func (p *Point) PerProof() float64 {
	if p.Proofs == 0 {
		return 0
	}
	return p.Wall / float64(p.Proofs)
}

// PerHour returns the proofs of an hour.
func (p *Point) PerHour() float64 {
	if p.Wall == 0 {
		return 0
	}
	return float64(p.Proofs) / p.Wall * 3600
}

// size29 is the size of circuit that papers ask about.
const size29 = 1 << 29

// Time29 returns the seconds that circuits with 2^29 constraints together take
// at the rate of a point.
func (s *Scaling) Time29(p *Point) float64 {
	return p.PerProof() * size29 / float64(max(s.Constraints, 1))
}

// per returns the noun and number that times are given for.
func (s *Scaling) per() (string, int) {
	if s.Signatures > 0 {
		return "signature", s.Signatures
	}
	return "proof", 1
}

// ScalingOptions say what to measure.
type ScalingOptions struct {
	Workload Workload
	// Experiments are those to make, by name; all if there are none.
	Experiments []string
	// Limit bounds the whole.
	Limit time.Duration
	// Sizes are the machines of the first experiment.
	Sizes []cgroup.Limits
	// Parallel are the numbers of proofs at a time of the second, and Workers
	// those of processes of the third.
	Parallel, Workers []int
	// Enough is a number of proofs after which a point is done before its time
	// is over; 0 is none.
	Enough int
	// Cores is the number of threads that share the work.
	Cores int
}

// The experiments' names.
const (
	ByMachine  = "machine"
	ByParallel = "parallel"
	ByWorkers  = "workers"
	ByService  = "service" // the third, of a service that runs elsewhere
)

// Experiments lists the names of those that are made on this machine.
func Experiments() []string { return []string{ByMachine, ByParallel, ByWorkers} }

// DefaultSizes returns machines up to this one: each has twice the processors
// and twice the memory of the one before.
func DefaultSizes(m Machine) []cgroup.Limits {
	cpus := float64(m.Cores)
	if m.Limits.CPUs > 0 {
		cpus = min(cpus, m.Limits.CPUs)
	}
	var out []cgroup.Limits
	for c := 0.5; c < cpus; c *= 2 {
		out = append(out, cgroup.Limits{CPUs: c, Memory: int64(c * (1 << 30))})
	}
	return append(out, cgroup.Limits{CPUs: cpus, Memory: int64(cpus * (1 << 30))})
}

// scaling is the experiments in work.
type scaling struct {
	lab     *Lab
	o       ScalingOptions
	until   time.Time
	subject *running
	points  int // still to make
	skipped []Skip
}

// Scaling makes the experiments. Each point gets an equal share of the time that
// is left, and is made while there is any.
func (l *Lab) Scaling(ctx context.Context, o ScalingOptions) (*Scaling, []Skip, error) {
	if o.Limit <= 0 || o.Cores < 1 {
		return nil, nil, fault.New(fault.InvalidRequest, "the experiments need a limit of time and at least one core")
	}
	if len(o.Experiments) == 0 {
		o.Experiments = Experiments()
	}
	s := &scaling{lab: l, o: o, until: time.Now().Add(o.Limit)}
	limited, cancel := context.WithDeadline(ctx, s.until)
	defer cancel()
	var err error
	if s.subject, err = l.prepareWorkload(limited, o.Workload); err != nil {
		return nil, nil, err
	}
	out := &Scaling{
		Workload: o.Workload.Name, Title: o.Workload.Title, Signatures: o.Workload.Signatures, Constraints: s.subject.r.Statistics.Constraints,
	}
	plans, err := s.plans()
	if err != nil {
		return nil, nil, err
	}
	for _, p := range plans {
		out.Experiments = append(out.Experiments, s.experiment(limited, p))
	}
	return out, s.skipped, ctx.Err()
}

// plan is an experiment to make.
type plan struct {
	of    Experiment
	point func(ctx context.Context, p *Point, seconds float64) error
}

// plans returns the experiments that were asked for, with points to fill in.
func (s *scaling) plans() ([]plan, error) {
	var out []plan
	for _, name := range s.o.Experiments {
		var p plan
		switch name {
		case ByMachine:
			p = s.byMachine()
		case ByParallel:
			p = s.byParallel()
		case ByWorkers:
			p = s.byWorkers()
		default:
			return nil, fault.New(fault.InvalidRequest, "there is no experiment %q; there are %v", name, Experiments())
		}
		s.points += len(p.of.Points)
		out = append(out, p)
	}
	return out, nil
}

// experiment makes the points of one experiment.
func (s *scaling) experiment(ctx context.Context, p plan) Experiment {
	for i := range p.of.Points {
		point := &p.of.Points[i]
		name := fmt.Sprintf("%s, %g", p.of.Title, point.X)
		share := time.Until(s.until) / time.Duration(s.points)
		s.points--
		if ctx.Err() != nil {
			point.Failure = "the time was over"
			s.skipped = append(s.skipped, Skip{name, point.Failure})
			continue
		}
		s.lab.say("%s: %g %s, about %.0f s", p.of.Title, point.X, p.of.X, share.Seconds())
		if err := p.point(ctx, point, share.Seconds()); err != nil {
			point.Failure = err.Error()
			if errors.Is(err, context.DeadlineExceeded) {
				point.Failure = "the time was over"
			}
			s.skipped = append(s.skipped, Skip{name, point.Failure})
			s.lab.say("%s: %s", name, point.Failure)
		}
	}
	return p.of
}

// enough returns the most proofs of a point.
func (s *scaling) enough() int {
	if s.o.Enough > 0 {
		return s.o.Enough
	}
	return math.MaxInt
}

// portion is the part of a point's time that is for proofs that count: the rest
// is for starting processes, warming up, and the proof under way at the end.
const portion = 0.6

// inOne runs a load in one child of the size.
func (s *scaling) inOne(ctx context.Context, p *Point, size sizing, seconds float64) error {
	child, err := s.lab.start(ctx, size)
	if err != nil {
		return err
	}
	defer child.close()
	if _, err := openIn(ctx, child, s.subject); err != nil {
		return err
	}
	load := loadRequest{Parallel: p.Parallel, Threads: p.Threads}
	warm := load
	warm.Proofs = p.Parallel
	if _, err := child.ask(ctx, &request{Load: &warm}); err != nil {
		return err
	}
	load.Proofs, load.Seconds = s.enough(), seconds*portion
	r, err := child.ask(ctx, &request{Load: &load})
	if err != nil {
		return err
	}
	p.Load, p.Memory = *r.Load, r.Peak
	return nil
}

func (s *Scaling) text(w io.Writer) {
	noun, n := s.per()
	fmt.Fprintf(w, "\nscaling with %s: %s, %d constraints\n", s.Workload, s.Title, s.Constraints)
	for _, e := range s.Experiments {
		fmt.Fprintf(w, "\n%s (%s)\n", e.Title, e.How)
		if e.Name == ByService {
			e.serviceText(w)
			continue
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintf(t, "  %s\tmemory limit\tthreads\tproofs\ttime per %s\tCPU per %s\tmemory\t%ss per hour\tconstraints per hour\ttime for 2^29 constraints\n", e.X, noun, noun, noun)
		for i := range e.Points {
			p := &e.Points[i]
			limit := "none"
			if p.Limits.Memory > 0 {
				limit = fmt.Sprintf("%.2f GB", gb(p.Limits.Memory))
			}
			if p.Failure != "" {
				fmt.Fprintf(t, "  %g\t%s\t%d\t\t%s\n", p.X, limit, p.Threads, p.Failure)
				continue
			}
			fmt.Fprintf(t, "  %g\t%s\t%d\t%d\t%.3f s\t%.3f s\t%.2f GB\t%.0f\t%.3g\t%.1f h\n",
				p.X, limit, p.Threads, p.Proofs, p.PerProof()/float64(n), p.CPU/float64(p.Proofs*n), gb(p.Memory),
				p.PerHour()*float64(n), p.PerHour()*float64(s.Constraints), s.Time29(p)/3600)
		}
		t.Flush()
	}
}

// gb returns bytes in GB of 10^9, as the papers count.
func gb(n int64) float64 { return float64(n) / 1e9 }
