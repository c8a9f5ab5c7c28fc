package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/frontend/circom"
	"provery/internal/frontend/zokrates"
)

type witnessCommand struct {
	Circuit   string `arg:"" optional:"" help:"Circuit registered with the service: name, name:tag or id."`
	Arguments string `help:"File with the arguments as JSON; - is standard input." short:"a" placeholder:"FILE"`
	Out       string `help:"Where to write the witness. It is PRIVATE: it holds the private arguments. Without it, no witness is kept." short:"o" placeholder:"FILE"`
	Format    string `help:"Format of the witness: zokrates64 as the ZoKrates command line writes it, zokrates32 as zokrates-js does, zokrates-text for a look; wtns for a Circom circuit. By the circuit's language without it: zokrates64 or wtns." enum:",zokrates64,zokrates32,zokrates-text,wtns" default:"" placeholder:"FORMAT"`
	Logs      bool   `help:"Print what the program's log statements say. The program must have been compiled for debugging."`
	Reduce    bool   `help:"Take numbers modulo the field instead of refusing large ones."`

	localProgram
	File string `help:"Check this witness file instead of computing one." name:"check" placeholder:"FILE" group:"Without a service"`
}

// Run computes a witness. Arguments that don't satisfy the program make the
// command fail.
func (c *witnessCommand) Run(ctx context.Context, e *env) error {
	if err := c.check(c.Circuit, "name a circuit of the service, or give --program to compute from files"); err != nil {
		return err
	}
	switch {
	case (c.Arguments == "") == (c.File == ""):
		return usage("give --arguments FILE, or a witness to --check")
	case c.File != "" && (c.Program == "" || c.Out != ""):
		return usage("--check needs --program, and writes nothing")
	}
	if c.File != "" {
		result, err := c.checkFile(ctx)
		if err != nil {
			return err
		}
		return c.show(e, result)
	}
	r := api.WitnessRequest{Reduce: c.Reduce, Logs: c.Logs}
	var err error
	if r.Arguments, err = e.arguments(c.Arguments); err != nil {
		return err
	}
	if c.Out != "" {
		if r.Witness, err = c.format(ctx, e); err != nil {
			return err
		}
	}
	result, err := c.solve(ctx, e, r)
	if err != nil {
		return err
	}
	if c.Out != "" && result.Satisfied {
		if err := writePrivate(c.Out, result.Witness); err != nil {
			return err
		}
		fmt.Fprintf(e.Stderr, "The witness is in %s. It holds the private arguments.\n", c.Out)
	}
	result.Witness = nil
	return c.show(e, result)
}

// show prints what became of the arguments.
func (c *witnessCommand) show(e *env, result *api.WitnessResult) error {
	if err := e.print(result, func(w io.Writer) { showWitness(w, result) }); err != nil {
		return err
	}
	if !result.Satisfied {
		return errSaid
	}
	return nil
}

// format returns the format of the file: what was asked for, or else that of
// the language's own tools.
func (c *witnessCommand) format(ctx context.Context, e *env) (string, error) {
	if c.Format != "" {
		return c.Format, nil
	}
	isCircom, err := c.isCircom(ctx, e)
	if err == nil && isCircom {
		return circom.Witness, nil
	}
	return zokrates.Witness64, err
}

// isCircom reports whether the circuit is one of Circom.
func (c *witnessCommand) isCircom(ctx context.Context, e *env) (bool, error) {
	if c.Program != "" {
		return c.localProgram.isCircom()
	}
	cl, err := e.client()
	if err != nil {
		return false, err
	}
	circuit, err := cl.Circuit(ctx, c.Circuit)
	return err == nil && circuit.Frontend == languageCircom, err
}

// writePrivate writes a file that only its owner can read.
func writePrivate(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		err = f.Chmod(0o600) // it may have been there before
		if _, e := f.Write(content); err == nil {
			err = e
		}
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return unreadable(name, err)
	}
	return nil
}

func showWitness(w io.Writer, r *api.WitnessResult) {
	for _, line := range r.Logs {
		fmt.Fprintf(w, "log        %s\n", line)
	}
	if r.Satisfied {
		fmt.Fprintln(w, "satisfied")
		if r.Outputs != nil {
			fmt.Fprintf(w, "outputs    %s\n", r.Outputs)
		}
		return
	}
	fmt.Fprintln(w, "NOT SATISFIED")
	if a := r.Assertion; a != nil {
		fmt.Fprintf(w, "assertion  %s\n", a.Message)
		if p := a.Position; p != nil {
			fmt.Fprintf(w, "at         %v\n", p)
		}
	}
}

func (c *witnessCommand) solve(ctx context.Context, e *env, r api.WitnessRequest) (*api.WitnessResult, error) {
	if c.Program != "" {
		return c.local(ctx, r)
	}
	cl, err := e.client()
	if err != nil {
		return nil, err
	}
	return cl.DryRun(ctx, c.Circuit, r)
}

// local computes the witness without a service.
func (c *witnessCommand) local(ctx context.Context, r api.WitnessRequest) (*api.WitnessResult, error) {
	program, err := c.open(ctx, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = frontend.Release(program) }()
	s, err := program.Solve(ctx, r.Arguments, frontend.SolveOptions{Reduce: r.Reduce, Logs: r.Logs})
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.UnsatisfiedWitness {
		out := &api.WitnessResult{Assertion: assertion(f)}
		if s != nil {
			out.Logs = s.Logs
		}
		return out, nil
	}
	if err != nil {
		return nil, underArguments(err)
	}
	out := &api.WitnessResult{Satisfied: true, Outputs: s.Outputs, Logs: s.Logs}
	if r.Witness == "" {
		return out, nil
	}
	files, ok := program.(frontend.WitnessFiles)
	if !ok {
		return nil, errNoWitnessFiles
	}
	var file bytes.Buffer
	err = files.WriteWitness(&file, s, r.Witness)
	out.Witness = file.Bytes()
	return out, err
}

// checkFile checks a witness against the program's constraints.
func (c *witnessCommand) checkFile(ctx context.Context) (*api.WitnessResult, error) {
	program, err := c.open(ctx, true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = frontend.Release(program) }()
	files, ok := program.(frontend.WitnessFiles)
	if !ok {
		return nil, errNoWitnessFiles
	}
	file, closeFile, err := section(c.File)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	_, err = files.ReadWitness(ctx, file)
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.UnsatisfiedWitness {
		return &api.WitnessResult{Assertion: assertion(f)}, nil
	}
	return &api.WitnessResult{Satisfied: true}, err
}

var errNoWitnessFiles = fault.New(fault.Unsupported, "the circuit's language has no witness files")

func assertion(f *fault.Error) *api.Assertion {
	a := &api.Assertion{Message: f.Detail}
	if p := f.Position; p != nil {
		a.Position = &api.Position{File: p.File, Line: p.Line, Column: p.Column}
	}
	return a
}
