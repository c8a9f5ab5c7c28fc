package bench

import (
	"context"
	"errors"
	"sync"
	"time"

	"provery/internal/fault"
	"provery/internal/prove"
)

// clock measures the phases of a proof, one after another.
type clock struct {
	mu     sync.Mutex
	name   string
	start  moment
	phases []Stage
}

// enter ends the running phase and starts the named one.
func (c *clock) enter(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := now()
	if c.name != "" {
		c.phases = append(c.phases, Stage{c.name, at.minus(c.start)})
	}
	c.name, c.start = name, at
}

// run sorts the phases into a Run.
func (c *clock) run() *Run {
	r := &Run{}
	for _, p := range c.phases {
		switch p.Name {
		case prove.StageWitness:
			r.Witness = p.Cost
		case prove.StageCheck:
			r.Check = p.Cost
		default: // the prove phase, up to its first stage and by stages
			r.Prove.CPU += p.CPU
			r.Prove.Wall += p.Wall
			if p.Name != prove.StageProve {
				r.Stages = append(r.Stages, p)
			}
		}
	}
	return r
}

// load makes proofs by several goroutines at once.
func (s *subject) load(ctx context.Context, req *loadRequest) (*Load, error) {
	if req.Parallel < 1 {
		return nil, fault.New(fault.InvalidRequest, "at least one proof at a time is needed")
	}
	var (
		mu      sync.Mutex
		out     Load
		first   error
		started int
		work    sync.WaitGroup
	)
	start := now()
	until := start.wall.Add(time.Duration(req.Seconds * float64(time.Second)))
	next := func(mine int) (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if first != nil || mine > 0 && (started >= req.Proofs || req.Seconds > 0 && time.Now().After(until)) {
			return 0, false
		}
		started++
		return started - 1, true
	}
	for range req.Parallel {
		work.Go(func() {
			for mine := 0; ; mine++ {
				i, more := next(mine)
				if !more {
					return
				}
				began := time.Now()
				_, err := s.prove(ctx, i, req.Threads, nil)
				mu.Lock()
				if err != nil {
					first = errors.Join(first, err)
				} else {
					out.Latencies = append(out.Latencies, time.Since(began).Seconds())
				}
				mu.Unlock()
			}
		})
	}
	work.Wait()
	out.Cost, out.Proofs = start.since(), len(out.Latencies)
	return &out, first
}
