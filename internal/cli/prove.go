package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"text/tabwriter"

	"provery/api"
	"provery/client"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/prove"
)

const (
	maxArguments = 64 << 20
	maxProof     = 64 << 20
	maxWitness   = 1 << 30
)

type proveCommand struct {
	Circuit   string `arg:"" optional:"" help:"Circuit registered with the service: name, name:tag or id."`
	Arguments string `help:"File with the arguments as JSON; - is standard input." short:"a" placeholder:"FILE"`
	Witness   string `help:"Witness file to prove instead of arguments: ZoKrates's, or a .wtns." short:"w" placeholder:"FILE"`
	Out       string `help:"Where to write the proof; standard output without it." short:"o" placeholder:"FILE"`
	Public    string `help:"Of a Circom circuit: write the public inputs to this file, as snarkjs's public.json, and the proof alone as its proof.json." placeholder:"FILE"`
	Scheme    string `help:"Proving scheme." placeholder:"groth16"`
	Keys      string `help:"Id of the key set; the newest without it." placeholder:"ID"`
	Priority  string `help:"Class in the queue." enum:"high,normal,low" default:"normal"`
	Reduce    bool   `help:"Take numbers modulo the field instead of refusing large ones."`
	NoWait    bool   `help:"Print the proof's id and don't wait for it."`

	localProgram
	Key string `help:"The program's proving key: ZoKrates's, or a .zkey." placeholder:"FILE" group:"Without a service"`
}

// Run makes a proof.
func (c *proveCommand) Run(ctx context.Context, e *env) error {
	if err := c.check(c.Circuit, "name a circuit of the service, or give --program and --key to prove from files"); err != nil {
		return err
	}
	if (c.Program == "") != (c.Key == "") {
		return usage("--program and --key go together")
	}
	if (c.Arguments == "") == (c.Witness == "") {
		return usage("give either --arguments or --witness")
	}
	if c.NoWait && (c.Out != "" || c.Public != "") {
		return usage("--no-wait writes no proof: 'provery proofs show' has it later")
	}
	if c.Program != "" {
		return c.local(ctx, e)
	}
	cl, err := e.client()
	if err != nil {
		return err
	}
	p, err := c.submit(ctx, e, cl)
	if err != nil {
		return err
	}
	if c.NoWait {
		return e.print(p, func(w io.Writer) { fmt.Fprintln(w, p.ID) })
	}
	fmt.Fprintf(e.Stderr, "accepted as %s\n", p.ID)
	if now, err := cl.Proof(ctx, p.ID, patience); err == nil && now.State == api.StateQueued {
		e.nobody(ctx, cl, kindProofs)
	}
	if p, err = cl.Wait(ctx, p.ID); err != nil {
		return err
	}
	if err := c.write(e, p.Result.Proof); err != nil {
		return err
	}
	if e.json {
		return e.print(p, nil)
	}
	showOutcome(e.Stderr, p)
	return nil
}

// submit asks for the proof.
func (c *proveCommand) submit(ctx context.Context, e *env, cl *client.Client) (*api.Proof, error) {
	err := c.splits(ctx, cl)
	if err != nil {
		return nil, err
	}
	req := api.ProofRequest{Circuit: c.Circuit, Scheme: c.Scheme, Keys: c.Keys, Priority: c.Priority, Reduce: c.Reduce}
	if c.Witness != "" {
		req.Witness, err = e.read(c.Witness, maxWitness)
	} else {
		req.Arguments, err = e.arguments(c.Arguments)
	}
	if err != nil {
		return nil, err
	}
	return cl.Submit(ctx, req, client.SubmitOptions{})
}

// write writes the proof where it was asked for. With --json and no file, the
// whole answer holds it.
func (c *proveCommand) write(e *env, proof json.RawMessage) (err error) {
	if c.Public != "" {
		if proof, err = c.split(proof); err != nil {
			return err
		}
	}
	if c.Out != "" {
		if err := os.WriteFile(c.Out, append(proof, '\n'), 0o644); err != nil {
			return unreadable(c.Out, err)
		}
		return nil
	}
	if e.json {
		return nil
	}
	_, err = fmt.Fprintf(e.Stdout, "%s\n", proof)
	return err
}

// errWhole refuses to take a proof apart.
var errWhole = usage("--public is for circuits of Circom: a proof of ZoKrates holds its public inputs")

// splits makes sure, before the work, that the proof can be taken apart.
func (c *proveCommand) splits(ctx context.Context, cl *client.Client) error {
	if c.Public == "" {
		return nil
	}
	circuit, err := cl.Circuit(ctx, c.Circuit)
	if err == nil && circuit.Frontend != languageCircom {
		return errWhole
	}
	return err
}

// split writes the public inputs to their file and returns the proof alone.
func (c *proveCommand) split(whole json.RawMessage) (json.RawMessage, error) {
	var files struct{ Proof, Public json.RawMessage }
	if json.Unmarshal(whole, &files) != nil || files.Proof == nil || files.Public == nil {
		return nil, errWhole
	}
	var proof, public bytes.Buffer // as snarkjs lays them out
	if err := errors.Join(json.Indent(&proof, files.Proof, "", " "), json.Indent(&public, files.Public, "", " ")); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "lay out the proof")
	}
	if err := os.WriteFile(c.Public, public.Bytes(), 0o644); err != nil {
		return nil, unreadable(c.Public, err)
	}
	return proof.Bytes(), nil
}

// showOutcome prints the outputs and the ledger of a proof.
func showOutcome(w io.Writer, p *api.Proof) {
	fmt.Fprintf(w, "outputs  %s\n", p.Result.Outputs)
	if p.Ledger != nil {
		showLedger(w, p.Ledger)
	}
	if p.Insecure {
		fmt.Fprintln(w, "The keys are insecure-dev ones: the proof is for development only.")
	}
}

func showLedger(w io.Writer, l *api.Ledger) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, ms float64) { fmt.Fprintf(t, "%s\t%.1f ms\t\n", name, ms) }
	row("queue", l.Queue)
	row("load", l.Load)
	row("witness", l.Witness)
	row("prove", l.Prove)
	for _, s := range l.Stages {
		row(s.Name, s.Milliseconds)
	}
	row("check", l.Check)
	row("total", l.Total)
	_ = t.Flush()
	if l.PeakMemoryBytes > 0 {
		fmt.Fprintf(w, "peak memory of the worker %s\n", bytesText(l.PeakMemoryBytes))
	}
}

// local proves from files.
func (c *proveCommand) local(ctx context.Context, e *env) error {
	req, closeFile, err := c.localRequest(e)
	if err != nil {
		return err
	}
	defer closeFile()
	program, err := c.open(ctx, c.Witness != "")
	if err != nil {
		return err
	}
	defer func() { _ = frontend.Release(program) }()
	if c.Public != "" && frontend.ToolsOf(program) != frontend.SnarkJSTools {
		return errWhole
	}
	prover, err := importKey(ctx, program, c.Key, c.Scheme)
	if err != nil {
		return err
	}
	result, err := prover.Prove(ctx, req)
	if err != nil {
		return underArguments(err)
	}
	if err := c.write(e, result.Proof); err != nil {
		return err
	}
	if e.json {
		return e.print(result, nil)
	}
	if c.Witness == "" { // or there may be no names to tell
		fmt.Fprintf(e.Stderr, "outputs  %s\n", result.Outputs)
	}
	return nil
}

// localRequest opens the input of a proof that is made here.
func (c *proveCommand) localRequest(e *env) (req prove.Request, closeFile func(), err error) {
	req = prove.Request{Options: frontend.SolveOptions{Reduce: c.Reduce}, Threads: runtime.GOMAXPROCS(0), Rand: rand.Reader}
	if c.Witness != "" {
		req.Witness, closeFile, err = section(c.Witness)
		return req, closeFile, err
	}
	req.Arguments, err = e.arguments(c.Arguments)
	return req, func() {}, err
}

// arguments reads a file of arguments.
func (e *env) arguments(name string) (json.RawMessage, error) {
	return e.readJSON(name, maxArguments, kindArguments)
}

// underArguments makes the path of an error about an argument readable.
func underArguments(err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.InvalidRequest {
		return f.At("arguments" + f.Path)
	}
	return err
}
