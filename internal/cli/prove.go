package cli

import (
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
	"provery/internal/daemon"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/frontend/zokrates"
	"provery/internal/prove"
	"provery/internal/scheme"
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
	Scheme    string `help:"Proving scheme." placeholder:"groth16"`
	Keys      string `help:"Id of the key set; the newest without it." placeholder:"ID"`
	Priority  string `help:"Class in the queue." enum:"high,normal,low" default:"normal"`
	Reduce    bool   `help:"Take numbers modulo the field instead of refusing large ones."`
	NoWait    bool   `help:"Print the proof's id and don't wait for it."`

	Program string `help:"Prove here, without a service: program compiled by ZoKrates." placeholder:"FILE" group:"Without a service"`
	ABI     string `help:"The program's abi.json." name:"abi" placeholder:"FILE" group:"Without a service"`
	Key     string `help:"The program's proving key." placeholder:"FILE" group:"Without a service"`
}

// Run makes a proof.
func (c *proveCommand) Run(ctx context.Context, e *env) error {
	if (c.Circuit == "") == (c.Program == "") {
		return usage("name a circuit of the service, or give --program and --key to prove from files")
	}
	if (c.Program == "") != (c.Key == "") || c.ABI != "" && c.Program == "" {
		return usage("--program and --key go together, and --abi with them")
	}
	if (c.Arguments == "") == (c.Witness == "") {
		return usage("give either --arguments or --witness")
	}
	if c.Program != "" {
		return c.local(ctx, e)
	}
	cl, err := e.client()
	if err != nil {
		return err
	}
	req := api.ProofRequest{Circuit: c.Circuit, Scheme: c.Scheme, Keys: c.Keys, Priority: c.Priority, Reduce: c.Reduce}
	if c.Witness != "" {
		req.Witness, err = e.read(c.Witness, maxWitness)
	} else {
		req.Arguments, err = e.arguments(c.Arguments)
	}
	if err != nil {
		return err
	}
	p, err := cl.Submit(ctx, req, client.SubmitOptions{})
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

// write writes the proof where it was asked for. With --json and no file, the
// whole answer holds it.
func (c *proveCommand) write(e *env, proof json.RawMessage) error {
	if c.Out != "" {
		if err := os.WriteFile(c.Out, append(proof, '\n'), 0o644); err != nil {
			return unreadable(c.Out, err)
		}
		return nil
	}
	if e.json {
		return nil
	}
	_, err := fmt.Fprintf(e.Stdout, "%s\n", proof)
	return err
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
	program, err := importProgram(ctx, c.Program, c.ABI)
	if err != nil {
		return err
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
	fmt.Fprintf(e.Stderr, "outputs  %s\n", result.Outputs)
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

// importProgram reads a compiled program; abi may be "".
func importProgram(ctx context.Context, program, abi string) (frontend.Program, error) {
	in := frontend.Artefacts{}
	for role, name := range map[string]string{zokrates.RoleProgram: program, zokrates.RoleABI: abi} {
		if name == "" {
			continue
		}
		s, closeFile, err := section(name)
		if err != nil {
			return nil, err
		}
		defer closeFile()
		if err := mistaken(name, s, kindOfRole[role]); err != nil {
			return nil, err
		}
		in[role] = s
	}
	return zokrates.New().Import(ctx, in)
}

// section opens a file for reading at any offset.
func section(name string) (*io.SectionReader, func(), error) {
	f, err := openFile(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, nil, unreadable(name, err)
	}
	return io.NewSectionReader(f, 0, info.Size()), func() { _ = f.Close() }, nil
}

// importKey reads a proving key for the program.
func importKey(ctx context.Context, program frontend.Program, name, schemeName string) (*prove.Prover, error) {
	kit, err := daemon.Kit("")
	if err != nil {
		return nil, err
	}
	if schemeName == "" {
		schemeName = string(scheme.Groth16)
	}
	id, err := scheme.Parse(schemeName)
	if err != nil {
		return nil, err
	}
	backend, err := kit.Backend(id, program.Curve())
	if err != nil {
		return nil, err
	}
	s, closeFile, err := section(name)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	if err := mistaken(name, s, kindProvingKey); err != nil {
		return nil, err
	}
	key, err := backend.ImportProvingKey(ctx, scheme.ImportInput{
		System: program.System(), Data: s, Size: s.Size(), Threads: runtime.GOMAXPROCS(0),
	})
	if err != nil {
		return nil, err
	}
	return prove.New(program, backend, key)
}
