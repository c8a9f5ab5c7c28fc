package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"provery/internal/fault"
)

// ownProver is Provery.
type ownProver struct {
	lab     *Lab
	threads int
	s       *session
}

func (p *ownProver) open(ctx context.Context, w *running) (Cost, error) {
	var err error
	if p.s, err = p.lab.start(ctx, sizing{threads: p.threads}); err != nil {
		return Cost{}, err
	}
	return openIn(ctx, p.s, w)
}

// openIn opens the workload in a process that serves requests.
func openIn(ctx context.Context, s *session, w *running) (Cost, error) {
	r, err := s.ask(ctx, &request{Open: &openRequest{w.m, w.r.Prepared}})
	if err != nil {
		return Cost{}, err
	}
	if r.Opened == nil {
		return Cost{}, fault.New(fault.Internal, "the prover didn't say what opening took")
	}
	return r.Opened.Cost, nil
}

func (p *ownProver) run(ctx context.Context, index int) (*reply, error) {
	return p.s.ask(ctx, &request{Run: &runRequest{Index: index, Threads: p.threads, Keep: true}})
}

func (p *ownProver) close() error { return endSession(p.s) }

// endSession closes a session that may not have been started.
func endSession(s *session) error {
	if s == nil {
		return nil
	}
	return s.close()
}

// scriptProver is a prover for Node.js that speaks Child's protocol.
type scriptProver struct {
	command []string
	s       *session
}

func (p *scriptProver) open(ctx context.Context, w *running) (Cost, error) {
	var err error
	if p.s, err = startSession(ctx, p.command, sizing{}); err != nil {
		return Cost{}, err
	}
	return openIn(ctx, p.s, w)
}

func (p *scriptProver) run(ctx context.Context, index int) (*reply, error) {
	return p.s.ask(ctx, &request{Run: &runRequest{Index: index, Keep: true}})
}

func (p *scriptProver) close() error { return endSession(p.s) }

// commandProver is a prover that is started anew for each proof, with the
// arguments KEY WITNESS PROOF PUBLIC: rapidsnark's. Its witness is Provery's,
// from a file.
type commandProver struct {
	path   string
	lab    *Lab
	writer *session // of witnesses
	dir    string
	key    string
}

func (p *commandProver) open(ctx context.Context, w *running) (_ Cost, err error) {
	if p.dir, err = os.MkdirTemp("", "provery-bench-"); err != nil {
		return Cost{}, err
	}
	p.key = w.m.Key
	if p.writer, err = p.lab.start(ctx, sizing{}); err != nil {
		return Cost{}, err
	}
	_, err = openIn(ctx, p.writer, w)
	return Cost{}, err // it opens everything for every proof
}

func (p *commandProver) run(ctx context.Context, index int) (*reply, error) {
	file := func(name string) string { return filepath.Join(p.dir, name) }
	witness, proof := file("witness.wtns"), file("proof.json")
	if _, err := p.writer.ask(ctx, &request{Save: &saveRequest{Index: index, Format: "wtns", File: witness}}); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, p.path, p.key, witness, proof, file("public.json"))
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	took := time.Since(start)
	made, err := joined(proof, file("public.json"))
	if err != nil {
		return nil, err
	}
	state := cmd.ProcessState
	r := &reply{Run: &Run{Prove: Cost{CPU: (state.UserTime() + state.SystemTime()).Seconds(), Wall: took.Seconds()}}, Proof: made}
	if u, ok := state.SysUsage().(*syscall.Rusage); ok {
		if r.Peak = u.Maxrss; runtime.GOOS != "darwin" { // where it counts bytes
			r.Peak <<= 10
		}
	}
	return r, nil
}

// joined returns the proof and the public inputs of two files as one value, in
// the form that Provery has for both.
func joined(proof, public string) (json.RawMessage, error) {
	value := map[string]json.RawMessage{}
	for name, file := range map[string]string{"proof": proof, "public": public} {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fault.New(fault.Internal, "it left no %s", name)
		}
		value[name] = bytes.TrimRight(b, "\x00")
	}
	return json.Marshal(value)
}

func (p *commandProver) close() error {
	err := endSession(p.writer)
	if p.dir != "" {
		err = errors.Join(err, os.RemoveAll(p.dir))
	}
	return err
}

// others returns the provers of others for a workload's language.
func (c *contest) others(w Workload) ([]*contender, error) {
	switch w.Frontend {
	case "zokrates":
		p, err := c.script("zokrates", "zokrates-js")
		return []*contender{p}, err
	case "circom":
		p, err := c.script("circom", "snarkjs")
		out := []*contender{p}
		if c.o.Rapidsnark != "" {
			out = append(out, &contender{prover: &commandProver{path: c.o.Rapidsnark, lab: c.lab}, entry: PeerEntry{Name: "rapidsnark"}})
		}
		return out, err
	}
	return nil, fault.New(fault.Unsupported, "no other prover for it is known")
}

// script returns the prover of a tool chain's peer.mjs, which drives an npm
// package.
func (c *contest) script(toolchain, pkg string) (*contender, error) {
	dir := filepath.Join(c.o.Toolchains, toolchain)
	var manifest struct {
		Version string `json:"version"`
	}
	b, err := os.ReadFile(filepath.Join(dir, "node_modules", pkg, "package.json"))
	if err != nil || json.Unmarshal(b, &manifest) != nil {
		return nil, fault.New(fault.NotFound, "%s isn't installed in %s: npm ci there installs it", pkg, dir)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fault.New(fault.NotFound, "%s needs Node.js 20 or later", pkg)
	}
	p := &scriptProver{command: []string{node, "--expose-gc", filepath.Join(dir, "peer.mjs")}}
	return &contender{prover: p, entry: PeerEntry{Name: pkg, Version: manifest.Version}}, nil
}
