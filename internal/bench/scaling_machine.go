package bench

import (
	"context"
	"fmt"
	"math"
	"os"

	"provery/internal/cgroup"
)

// byMachine plans the first experiment: one proof after another, with all that
// a machine has, on machines of several sizes.
func (s *scaling) byMachine() plan {
	p := plan{of: Experiment{Name: ByMachine, Title: "time against the machine's size", X: "processors", How: "GOMAXPROCS and GOMEMLIMIT"}}
	tree := cgroup.System()
	// Whether groups can be made, only making one tells.
	permitted := false
	if g, err := tree.Make(groupName("try"), cgroup.Limits{}); err == nil {
		permitted = g.Remove() == nil
	}
	if permitted {
		p.of.How = "control groups"
	}
	for _, size := range s.o.Sizes {
		threads := max(1, int(math.Ceil(size.CPUs)))
		p.of.Points = append(p.of.Points, Point{X: size.CPUs, Limits: size, Processes: 1, Parallel: 1, Threads: threads})
	}
	p.point = func(ctx context.Context, p *Point, seconds float64) error {
		// The collector keeps the heap below the limit, with room for the
		// process's other memory.
		size := sizing{threads: p.Threads, memory: p.Limits.Memory * 9 / 10}
		if permitted {
			g, err := tree.Make(groupName(fmt.Sprint(p.X)), p.Limits)
			if err != nil {
				return err
			}
			size.group = g
			defer func() {
				if err := g.Remove(); err != nil {
					s.lab.say("%v", err)
				}
			}()
		}
		return s.inOne(ctx, p, size, seconds)
	}
	return p
}

// groupName returns a name that no other process takes.
func groupName(of string) string { return fmt.Sprintf("provery-bench-%d-%s", os.Getpid(), of) }

// byParallel plans the second experiment: several proofs at a time in one
// process.
func (s *scaling) byParallel() plan {
	p := plan{of: Experiment{Name: ByParallel, Title: "time against proofs in parallel", X: "proofs at a time", How: "one process"}}
	for _, n := range s.o.Parallel {
		p.of.Points = append(p.of.Points, Point{X: float64(n), Processes: 1, Parallel: n, Threads: max(1, s.o.Cores/n)})
	}
	p.point = func(ctx context.Context, p *Point, seconds float64) error {
		return s.inOne(ctx, p, sizing{threads: s.o.Cores}, seconds)
	}
	return p
}
