package cli

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/contract"
)

type proofsCommand struct {
	List   proofsList   `cmd:"" help:"List proofs, newest first."`
	Show   proofsShow   `cmd:"" help:"Show a proof, and wait for it if asked to."`
	Watch  proofsWatch  `cmd:"" help:"Follow a proof to its end: state, stage, progress, time left."`
	Cancel proofsCancel `cmd:"" help:"Cancel a proof that hasn't ended."`
	Delete proofsDelete `cmd:"" help:"Erase a proof that has ended."`

	Calldata proofsCalldata `cmd:"" help:"Print a proof as the call of its verifier contract."`
}

type proofsList struct {
	State   string `help:"Only proofs in this state." enum:",queued,running,succeeded,failed,cancelled,expired" default:"" placeholder:"STATE"`
	Circuit string `help:"Only proofs of this circuit." placeholder:"REF"`
	Limit   int    `help:"At most this many." default:"20"`
}

// Run lists proofs.
func (c *proofsList) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	page, err := cl.Proofs(ctx, api.ProofFilter{State: api.State(c.State), Circuit: c.Circuit}, "", c.Limit)
	if err != nil {
		return err
	}
	return e.print(page, func(w io.Writer) {
		if len(page.Items) == 0 {
			fmt.Fprintln(w, "No such proofs.")
			return
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tSTATE\tCIRCUIT\tATTEMPT\tCREATED\tTOTAL")
		for _, p := range page.Items {
			total := "-"
			if p.Finished != nil {
				total = p.Finished.Sub(p.Created).Round(time.Millisecond).String()
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\n", p.ID, p.State, short(p.Circuit), p.Attempt, p.Created.Local().Format(time.DateTime), total)
		}
		_ = t.Flush()
	})
}

type proofsShow struct {
	ID   string        `arg:"" help:"Id of the proof."`
	Wait time.Duration `help:"Wait up to this long for its end, such as 30s."`
}

// Run shows a proof.
func (c *proofsShow) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	p, err := cl.Proof(ctx, c.ID, c.Wait)
	if err != nil {
		return err
	}
	return e.print(p, func(w io.Writer) { showProof(w, p) })
}

func showProof(w io.Writer, p *api.Proof) {
	fmt.Fprintf(w, "proof    %s\nstate    %s\ncircuit  %s\n", p.ID, p.State, p.Circuit)
	switch {
	case p.Result != nil:
		fmt.Fprintf(w, "%s\n", p.Result.Proof)
		showOutcome(w, p)
	case p.Problem != nil:
		fmt.Fprintln(w, "problem ", p.Problem.Error())
	case p.Position != nil:
		fmt.Fprintln(w, "ahead   ", *p.Position)
		if p.StartsIn != nil {
			fmt.Fprintf(w, "starts   in about %d s\n", *p.StartsIn)
		}
	case p.Stage != "":
		fmt.Fprintln(w, "stage   ", p.Stage)
	}
}

type proofsWatch struct {
	ID string `arg:"" help:"Id of the proof."`
}

// Run follows a proof.
func (c *proofsWatch) Run(ctx context.Context, e *env) error {
	return watch(e, func(cl *client.Client) events { return cl.ProofEvents(ctx, c.ID) })
}

type proofsCancel struct {
	ID string `arg:"" help:"Id of the proof."`
}

// Run cancels a proof.
func (c *proofsCancel) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	p, err := cl.Cancel(ctx, c.ID)
	if err != nil {
		return err
	}
	return e.print(p, func(w io.Writer) { fmt.Fprintln(w, p.State) })
}

type proofsDelete struct {
	ID string `arg:"" help:"Id of the proof."`
}

// Run erases a proof.
func (c *proofsDelete) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	if err := cl.Delete(ctx, c.ID); err != nil {
		return err
	}
	fmt.Fprintln(e.Stderr, "Erased.")
	return nil
}

type proofsCalldata struct {
	ID     string `arg:"" optional:"" help:"Id of the proof."`
	Proof  string `help:"Take the proof from this file, as 'prove' writes it, without a service; - is standard input." short:"p" placeholder:"FILE" group:"Without a service"`
	Public string `help:"The public inputs of a proof.json of snarkjs: its public.json." placeholder:"FILE" group:"Without a service"`
}

// Run prints a proof's calldata.
func (c *proofsCalldata) Run(ctx context.Context, e *env) error {
	switch {
	case (c.ID == "") == (c.Proof == ""):
		return usage("give the id of a proof of the service, or --proof FILE")
	case c.Proof == "" && c.Public != "":
		return usage("--public needs --proof")
	case c.Proof != "":
		return c.local(e)
	}
	cl, err := e.client()
	if err != nil {
		return err
	}
	call, err := cl.Calldata(ctx, c.ID)
	if err != nil {
		return err
	}
	return e.print(call, func(w io.Writer) { fmt.Fprintln(w, call.Calldata) })
}

// local prints the calldata of a proof in a file.
func (c *proofsCalldata) local(e *env) error {
	proof, err := e.proof(c.Proof, c.Public)
	if err != nil {
		return err
	}
	call, err := contract.NewCall(proof)
	if err != nil {
		return err
	}
	return e.print(call, func(w io.Writer) { fmt.Fprintln(w, call.Calldata) })
}
