package bench

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

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
	program   frontend.Program
	backend   scheme.Backend
	key       scheme.ProvingKey
	prover    *prove.Prover
	arguments []json.RawMessage
	blobs     []store.Blob // what it is mapped from
}

// Child serves requests from in, one JSON value a line, until in ends. It is
// the other end of a session.
func Child(ctx context.Context, in io.Reader, out io.Writer) error {
	c := &child{}
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
		if err = c.begin(req.Prepare.Cache); err == nil {
			r.Prepared, err = c.prepare(ctx, req.Prepare)
		}
	case req.Open != nil:
		if err = c.begin(req.Open.Material.Cache); err == nil {
			r.Opened, err = c.open(ctx, req.Open)
		}
	case c.subject == nil:
		err = fault.New(fault.InvalidRequest, "no workload is open")
	case req.Run != nil:
		r.Run, r.Proof, err = c.subject.run(ctx, req.Run)
	case req.Verify != nil:
		err = c.subject.verify(req.Verify)
	case req.Save != nil:
		err = c.subject.save(ctx, req.Save)
	case req.Bound:
		r.Bound, err = c.subject.bound(ctx)
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

// begin opens the directory of prepared forms.
func (c *child) begin(dir string) (err error) {
	if c.kit != nil {
		return nil
	}
	if c.blobs, err = file.Open(dir); err != nil {
		return err
	}
	c.kit, err = daemon.Kit(filepath.Join(dir, "code"))
	return err
}

// open opens the prepared forms.
func (c *child) open(ctx context.Context, req *openRequest) (*Opened, error) {
	s := &subject{arguments: req.Material.Arguments}
	if len(s.arguments) == 0 {
		return nil, fault.New(fault.InvalidRequest, "there are no arguments to prove")
	}
	var program, key []byte
	for d, to := range map[store.Digest]*[]byte{req.Prepared.Program: &program, req.Prepared.Key: &key} {
		if d.IsZero() {
			continue
		}
		b, err := c.blobs.Open(ctx, d)
		if err != nil {
			return nil, err
		}
		s.blobs, *to = append(s.blobs, b), b.Bytes()
	}
	c.subject = s
	cost, err := measure(func() error { return s.open(c, &req.Material, program, key) })
	if err != nil {
		return nil, err
	}
	return &Opened{Cost: cost, Curve: s.program.Curve().String(), Domain: domain(s.program.Statistics())}, nil
}

// open opens program and key in place.
func (s *subject) open(c *child, m *material, program, key []byte) (err error) {
	if s.program, err = c.openProgram(m, program); err != nil {
		return err
	}
	if s.backend, err = c.kit.Backend(scheme.Groth16, s.program.Curve()); err != nil {
		return err
	}
	if s.key, err = s.backend.OpenProvingKey(key); err != nil {
		return err
	}
	s.prover, err = prove.New(s.program, s.backend, s.key)
	return err
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
func (s *subject) run(ctx context.Context, req *runRequest) (*Run, json.RawMessage, error) {
	c := &clock{}
	var proof json.RawMessage
	_, err := measure(func() (err error) {
		defer c.enter("")
		proof, err = s.prove(ctx, req.Index, req.Threads, c.enter)
		return err
	})
	if !req.Keep {
		proof = nil
	}
	return c.run(), proof, err
}

// argument returns the i-th arguments, which start anew after the last.
func (s *subject) argument(i int) json.RawMessage { return s.arguments[i%len(s.arguments)] }

func (s *subject) prove(ctx context.Context, index, threads int, stage func(string)) (json.RawMessage, error) {
	r, err := s.prover.Prove(ctx, prove.Request{Arguments: s.argument(index), Threads: threads, Rand: rand.Reader, Stage: stage})
	if err != nil {
		return nil, err
	}
	return r.Proof, nil
}

// verify verifies a proof that somebody else made.
func (s *subject) verify(text json.RawMessage) error {
	proof, public, err := s.backend.ParseProof(text)
	if err != nil {
		return err
	}
	return s.backend.Verify(s.key.VerifyingKey(), proof, public)
}

// save writes the witness of the arguments for another prover.
func (s *subject) save(ctx context.Context, req *saveRequest) error {
	files, ok := s.program.(frontend.WitnessFiles)
	if !ok {
		return fault.New(fault.Unsupported, "the circuit's language has no witness files")
	}
	solution, err := s.program.Solve(ctx, s.argument(req.Index), frontend.SolveOptions{})
	if err != nil {
		return err
	}
	f, err := os.Create(req.File)
	if err != nil {
		return err
	}
	return errors.Join(files.WriteWitness(f, solution, req.Format), f.Close())
}
