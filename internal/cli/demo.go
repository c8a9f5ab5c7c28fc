package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/config"
	"provery/internal/daemon"
	"provery/internal/fault"
)

type demoCommand struct {
	Example string `help:"Directory with the compiled example, as 'make demo' builds it." required:"" type:"existingdir" placeholder:"DIR"`
	Args    string `help:"Its arguments." required:"" placeholder:"FILE"`
	Refused string `help:"Arguments that the example refuses, to show what that looks like." placeholder:"FILE"`
	Curve   string `help:"Curve that the example was compiled for." default:"bn128"`
}

// demo is a walk through the service's main job.
type demo struct {
	*demoCommand
	e     *env
	cl    *client.Client
	steps int
}

// Run starts a service of its own on a free port and in a temporary directory,
// and uses it as a client would.
func (c *demoCommand) Run(ctx context.Context, e *env) (err error) {
	dir, err := os.MkdirTemp("", "provery-demo-")
	if err != nil {
		return fault.New(fault.Internal, "%v", err)
	}
	defer os.RemoveAll(dir)
	cfg := config.Default()
	cfg.Listen, cfg.DataDir = "127.0.0.1:0", dir
	log := slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))

	d := &demo{demoCommand: c, e: e}
	d.step("Starting the service with its embedded job engine")
	service, err := daemon.New(ctx, &cfg, build(e.Version), log)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- service.Run(running) }()
	defer func() {
		stop()
		if e := <-stopped; err == nil {
			err = e
		}
	}()
	base := "http://" + service.Addr()
	d.say("listening on %s; the API's documentation is at %s/docs while this runs", base, base)
	if d.cl, err = client.New(base); err != nil {
		return err
	}
	return d.run(ctx)
}

func (d *demo) step(text string) {
	d.steps++
	fmt.Fprintf(d.e.Stdout, "\n%d. %s\n", d.steps, text)
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.e.Stdout, "   "+format+"\n", args...)
}

func (d *demo) run(ctx context.Context) error {
	circuit, err := d.register(ctx)
	if err != nil {
		return err
	}
	arguments, err := d.e.read(d.Args, maxArguments)
	if err != nil {
		return err
	}
	d.step("Asking for a proof over HTTP")
	d.say("arguments %s", compact(arguments))
	p, err := d.prove(ctx, circuit, arguments)
	if err != nil {
		return err
	}
	if err := d.verify(ctx, circuit, p); err != nil {
		return err
	}
	if err := d.refuse(ctx, circuit); err != nil {
		return err
	}
	fmt.Fprintf(d.e.Stdout, "\nThat was all of it. Next: 'bin/provery serve' starts a service that stays, 'bin/provery --help' lists the commands.\n")
	return nil
}

func (d *demo) register(ctx context.Context) (*api.Circuit, error) {
	d.step("Registering the example program and its proving key")
	dir := filepath.Join(d.Example, d.Curve)
	files := map[string]string{"program": filepath.Join(dir, "out"), "abi": filepath.Join(dir, "abi.json")}
	r := client.Registration{Frontend: "zokrates", Name: "reserves", Artefacts: map[string]io.Reader{}}
	for role, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, fault.New(fault.InvalidRequest, "the example isn't built: run 'make demo' (%v)", err)
		}
		defer f.Close()
		r.Artefacts[role] = f
	}
	start := time.Now()
	circuit, _, err := d.cl.Register(ctx, r)
	if err != nil {
		return nil, err
	}
	d.say("%d constraints, %s stored, in %v", circuit.Statistics.Constraints, bytesText(circuit.Statistics.CompactBytes), since(start))
	d.say("id %s", circuit.ID)

	start = time.Now()
	pk, err := os.Open(filepath.Join(dir, "ark-g16", "proving.key"))
	if err != nil {
		return nil, fault.New(fault.InvalidRequest, "the example isn't built: run 'make demo' (%v)", err)
	}
	defer pk.Close()
	keys, _, err := d.cl.AddKeys(ctx, circuit.ID, client.KeyUpload{ProvingKey: pk})
	if err != nil {
		return nil, err
	}
	d.say("%s key, every point checked, in %v; self-test %s", keys.Scheme, since(start), keys.SelfTest)
	return circuit, nil
}

func since(t time.Time) time.Duration { return time.Since(t).Round(time.Millisecond) }

// prove asks for a proof and shows how it goes on.
func (d *demo) prove(ctx context.Context, circuit *api.Circuit, arguments json.RawMessage) (*api.Proof, error) {
	p, err := d.cl.Submit(ctx, api.ProofRequest{Circuit: circuit.ID, Arguments: arguments}, client.SubmitOptions{})
	if err != nil {
		return nil, err
	}
	d.say("202 accepted as %s: it is on disk now, and would survive a crash", p.ID)
	if p, err = d.cl.Wait(ctx, p.ID); err != nil {
		return nil, err
	}
	d.say("%s", p.State)
	d.step("The result")
	d.say("outputs   %s", p.Result.Outputs)
	d.say("proof     %s", shorten(compact(p.Result.Proof), 150))
	fmt.Fprintln(d.e.Stdout)
	if p.Ledger != nil {
		showLedger(d.e.Stdout, p.Ledger)
	}
	return p, nil
}

func (d *demo) verify(ctx context.Context, circuit *api.Circuit, p *api.Proof) error {
	d.step("Verifying the proof, and one with an altered public input")
	r := api.VerifyRequest{Circuit: circuit.ID, Proof: p.Result.Proof}
	v, err := d.cl.Verify(ctx, r)
	if err != nil {
		return err
	}
	d.say("the proof is valid: %v", v.Valid)
	altered := append([]string(nil), p.Result.PublicInputs...)
	if len(altered) == 0 {
		return nil
	}
	altered[0] = "0x2a"
	if p.Result.PublicInputs[0] == altered[0] {
		altered[0] = "0x2b"
	}
	r.PublicInputs = altered
	w, err := d.cl.Verify(ctx, r)
	if err != nil {
		return err
	}
	d.say("the altered one is valid: %v (%s)", w.Valid, w.Reason)
	if !v.Valid || w.Valid {
		return fault.New(fault.Internal, "the demo's proofs didn't verify as they should")
	}
	return nil
}

// refuse shows what arguments give that the program doesn't accept.
func (d *demo) refuse(ctx context.Context, circuit *api.Circuit) error {
	if d.Refused == "" {
		return nil
	}
	d.step("Asking for a proof of something that isn't true")
	arguments, err := d.e.read(d.Refused, maxArguments)
	if err != nil {
		return err
	}
	_, err = d.cl.Prove(ctx, api.ProofRequest{Circuit: circuit.ID, Arguments: arguments})
	if client.CodeOf(err) != api.CodeUnsatisfiedWitness {
		return fault.New(fault.Internal, "the program should have refused these arguments, but it gave %v", err)
	}
	d.say("%v", err)
	return nil
}

// compact returns JSON on one line.
func compact(b json.RawMessage) string {
	var v json.RawMessage
	if json.Unmarshal(b, &v) != nil {
		return string(b)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return string(b)
	}
	return string(out)
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}
