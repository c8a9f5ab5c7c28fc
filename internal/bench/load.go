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
	return runLoad(req, func(i int) error {
		_, err := s.prove(ctx, i, req.Threads, nil)
		return err
	})
}

// loading is a load under way.
type loading struct {
	req   *loadRequest
	until time.Time
	prove func(i int) error

	mu      sync.Mutex
	started int
	out     Load
	err     error
}

// runLoad calls prove by several goroutines at once, as the request says, and
// measures. The CPU time is that of this process.
func runLoad(req *loadRequest, prove func(i int) error) (*Load, error) {
	if req.Parallel < 1 {
		return nil, fault.New(fault.InvalidRequest, "at least one proof at a time is needed")
	}
	start := now()
	l := &loading{req: req, until: start.wall.Add(time.Duration(req.Seconds * float64(time.Second))), prove: prove}
	var work sync.WaitGroup
	for range req.Parallel {
		work.Go(l.work)
	}
	work.Wait()
	l.out.Cost, l.out.Proofs = start.since(), len(l.out.Latencies)
	return &l.out, l.err
}

// work makes proofs, one after another, while there are any to make.
func (l *loading) work() {
	for mine := 0; ; mine++ {
		i, more := l.next(mine)
		if !more {
			return
		}
		began := time.Now()
		err := l.prove(i)
		took := time.Since(began).Seconds()
		l.mu.Lock()
		if err != nil {
			l.err = errors.Join(l.err, err)
		} else {
			l.out.Latencies = append(l.out.Latencies, took)
		}
		l.mu.Unlock()
	}
}

// next returns the number of the next proof, for a goroutine that has made
// some.
func (l *loading) next(mine int) (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	over := l.started >= l.req.Proofs || l.req.Seconds > 0 && time.Now().After(l.until)
	if l.err != nil || mine > 0 && over {
		return 0, false
	}
	l.started++
	return l.started - 1, true
}
