package bench

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"provery/internal/daemon"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/prove"
	"provery/internal/scheme"
	"provery/internal/store"
	"provery/internal/store/file"
	"provery/internal/worker"
)

// ChildCommand is the hidden subcommand of the binary that runs Child.
const ChildCommand = "bench-child"

// child is a process that measures.
type child struct {
	kit     *worker.Kit
	blobs   *file.Store
	subject *subject
}

// subject is an opened workload.
type subject struct {
	prover    *prove.Prover
	arguments []json.RawMessage
	blobs     []store.Blob // what it is mapped from
}

// Child serves requests from in, one JSON value a line, until in ends. It is
// the other end of a session.
func Child(ctx context.Context, in io.Reader, out io.Writer) error {
	kit, err := daemon.Kit("")
	if err != nil {
		return err
	}
	c := &child{kit: kit}
	defer c.close()
	replies := json.NewEncoder(out)
	for requests := json.NewDecoder(bufio.NewReader(in)); ; {
		var req request
		if err := requests.Decode(&req); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		r, err := c.serve(ctx, &req)
		if err != nil {
			r = &reply{Error: problemOf(err)}
		}
		r.Peak = peakBytes()
		if err := replies.Encode(r); err != nil {
			return err
		}
	}
}

func problemOf(err error) *problem {
	p := &problem{Code: fault.CodeOf(err), Detail: err.Error()}
	var f *fault.Error
	if errors.As(err, &f) && f.Err != nil && p.Code == fault.Internal {
		p.Detail += ": " + f.Err.Error()
	}
	return p
}

func (c *child) serve(ctx context.Context, req *request) (r *reply, err error) {
	r = &reply{}
	switch {
	case req.Prepare != nil:
		r.Prepared, err = c.prepare(ctx, req.Prepare)
	case req.Open != nil:
		r.Opened, err = c.open(ctx, req.Open)
	case c.subject == nil:
		err = fault.New(fault.InvalidRequest, "no workload is open")
	case req.Run != nil:
		r.Run, err = c.subject.run(ctx, req.Run)
	case req.Load != nil:
		r.Load, err = c.subject.load(ctx, req.Load)
	}
	return r, err
}

func (c *child) close() {
	if c.subject != nil {
		for _, b := range c.subject.blobs {
			_ = b.Close()
		}
	}
	if c.blobs != nil {
		_ = c.blobs.Close()
	}
}

// store opens the directory of prepared forms.
func (c *child) store(dir string) (_ *file.Store, err error) {
	if c.blobs == nil {
		c.blobs, err = file.Open(dir)
	}
	return c.blobs, err
}

// open opens the prepared forms.
func (c *child) open(ctx context.Context, req *openRequest) (*Opened, error) {
	blobs, err := c.store(req.Material.Cache)
	if err != nil {
		return nil, err
	}
	s := &subject{arguments: req.Material.Arguments}
	if len(s.arguments) == 0 {
		return nil, fault.New(fault.InvalidRequest, "there are no arguments to prove")
	}
	var program, key []byte
	for d, to := range map[store.Digest]*[]byte{req.Prepared.Program: &program, req.Prepared.Key: &key} {
		if d.IsZero() {
			continue
		}
		b, err := blobs.Open(ctx, d)
		if err != nil {
			return nil, err
		}
		s.blobs, *to = append(s.blobs, b), b.Bytes()
	}
	c.subject = s
	var opened frontend.Program
	cost, err := measure(func() (err error) {
		if opened, err = c.openProgram(&req.Material, program); err != nil {
			return err
		}
		backend, err := c.kit.Backend(scheme.Groth16, opened.Curve())
		if err != nil {
			return err
		}
		pk, err := backend.OpenProvingKey(key)
		if err != nil {
			return err
		}
		s.prover, err = prove.New(opened, backend, pk)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Opened{Cost: cost, Curve: opened.Curve().String(), Domain: domain(opened.Statistics())}, nil
}

// domain returns the size of the domain that Groth16 needs.
func domain(s frontend.Statistics) int {
	n := 1
	for n < s.Constraints+s.PublicInputs+1 {
		n *= 2
	}
	return n
}

// run makes one proof.
func (s *subject) run(ctx context.Context, req *runRequest) (*Run, error) {
	c := &clock{}
	_, err := measure(func() error {
		defer c.enter("")
		return s.prove(ctx, req.Index, req.Threads, c.enter)
	})
	return c.run(), err
}

func (s *subject) prove(ctx context.Context, index, threads int, stage func(string)) error {
	_, err := s.prover.Prove(ctx, prove.Request{
		Arguments: s.arguments[index%len(s.arguments)], Threads: threads, Rand: rand.Reader, Stage: stage,
	})
	return err
}

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
				err := s.prove(ctx, i, req.Threads, nil)
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
