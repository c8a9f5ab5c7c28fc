package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/fault"
)

type batchCommand struct {
	Submit  batchSubmit  `cmd:"" help:"Ask for a proof of each line of arguments."`
	Show    batchShow    `cmd:"" help:"Show how a batch stands."`
	Watch   batchWatch   `cmd:"" help:"Follow a batch to its end."`
	Results batchResults `cmd:"" help:"Write the results of a batch as JSON lines."`
	Cancel  batchCancel  `cmd:"" help:"Cancel the items of a batch that haven't ended."`
	Delete  batchDelete  `cmd:"" help:"Erase a batch that has ended."`
}

type batchSubmit struct {
	Circuit   string   `arg:"" help:"Circuit registered with the service: name, name:tag or id."`
	Arguments string   `help:"File with the arguments of one proof on each line, as JSON; - is standard input." short:"a" required:"" placeholder:"FILE"`
	Out       string   `help:"Wait, and write the results here as JSON lines; - is standard output." short:"o" placeholder:"FILE"`
	Scheme    string   `help:"Proving scheme." placeholder:"groth16"`
	Keys      string   `help:"Id of the key set; the newest without it." placeholder:"ID"`
	Priority  string   `help:"Class in the queue." enum:"high,normal,low" default:"normal"`
	Reduce    bool     `help:"Take numbers modulo the field instead of refusing large ones."`
	Webhook   string   `help:"Address to tell when all items have ended." placeholder:"URL"`
	Key       string   `help:"Idempotency key: the same key and arguments give the same batch." placeholder:"TEXT"`
	Label     []string `help:"Marks of the items, name=value." placeholder:"NAME=VALUE"`
}

// Run submits a batch, and waits for it if there is somewhere to write to.
func (c *batchSubmit) Run(ctx context.Context, e *env) error {
	req := api.BatchRequest{
		Circuit: c.Circuit, Scheme: c.Scheme, Keys: c.Keys, Priority: c.Priority, Reduce: c.Reduce, Webhook: c.Webhook,
	}
	var err error
	if req.Labels, err = labels(c.Label); err != nil {
		return err
	}
	if req.Items, err = e.batchItems(c.Arguments); err != nil {
		return err
	}
	cl, err := e.client()
	if err != nil {
		return err
	}
	b, err := cl.SubmitBatch(ctx, req, c.Key)
	if err != nil {
		return err
	}
	if c.Out == "" {
		return e.print(b, func(w io.Writer) { fmt.Fprintln(w, b.ID) })
	}
	fmt.Fprintln(e.Stderr, b.ID)
	return e.writeResults(c.Out, cl.BatchResults(ctx, b.ID, client.ItemsOptions{Wait: true}), b.Size)
}

func labels(pairs []string) (map[string]string, error) {
	var out map[string]string
	for _, p := range pairs {
		name, value, ok := bytes.Cut([]byte(p), []byte("="))
		if !ok {
			return nil, usage("--label wants name=value")
		}
		if out == nil {
			out = map[string]string{}
		}
		out[string(name)] = string(value)
	}
	return out, nil
}

// batchItems reads lines of arguments. Errors name the line and no value.
func (e *env) batchItems(name string) ([]api.BatchItem, error) {
	f, err := e.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var items []api.BatchItem
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxArguments)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if !json.Valid(line) {
			return nil, fault.New(fault.InvalidRequest, "%s: line %d isn't JSON", name, n)
		}
		if len(items) == api.MaxBatch {
			return nil, fault.New(fault.TooLarge, "%s: more than %d lines: split it", name, api.MaxBatch)
		}
		items = append(items, api.BatchItem{Arguments: json.RawMessage(bytes.Clone(line))})
	}
	if err := lines.Err(); err != nil {
		return nil, unreadable(name, err)
	}
	if len(items) == 0 {
		return nil, fault.New(fault.InvalidRequest, "%s: there are no arguments", name)
	}
	return items, nil
}

// writeResults writes items as lines of JSON, with a word of progress now and
// then. It fails if an item did.
func (e *env) writeResults(name string, items iter.Seq2[*api.Proof, error], size int) (err error) {
	out := e.Stdout
	if name != "-" {
		f, err := os.Create(name)
		if err != nil {
			return fault.New(fault.InvalidRequest, "%s: %v", name, err)
		}
		defer func() {
			if cerr := f.Close(); err == nil && cerr != nil {
				err = fault.New(fault.InvalidRequest, "%s: %v", name, cerr)
			}
		}()
		out = f
	}
	w := bufio.NewWriter(out)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	n, failed := 0, 0
	for p, err := range items {
		if err != nil {
			return err
		}
		if err := enc.Encode(p); err != nil {
			return err
		}
		n++
		if p.State.Terminal() && p.State != api.StateSucceeded {
			failed++
		}
		if n%1000 == 0 {
			fmt.Fprintf(e.Stderr, "%d of %d\n", n, size)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(e.Stderr, "%d results, %d without a proof\n", n, failed)
	if failed > 0 {
		return errSaid
	}
	return nil
}

type batchShow struct {
	ID string `arg:"" help:"Id of the batch."`
}

// Run shows a batch.
func (c *batchShow) Run(ctx context.Context, e *env) error {
	return oneBatch(e, func(cl *client.Client) (*api.Batch, error) { return cl.Batch(ctx, c.ID) })
}

type batchCancel struct {
	ID string `arg:"" help:"Id of the batch."`
}

// Run cancels a batch.
func (c *batchCancel) Run(ctx context.Context, e *env) error {
	return oneBatch(e, func(cl *client.Client) (*api.Batch, error) { return cl.CancelBatch(ctx, c.ID) })
}

// oneBatch prints the batch that a call returns.
func oneBatch(e *env, call func(*client.Client) (*api.Batch, error)) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	b, err := call(cl)
	if err != nil {
		return err
	}
	return e.print(b, func(w io.Writer) {
		fmt.Fprintf(w, "batch     %s\nstate     %s\ncircuit   %s\nitems     %d\n", b.ID, b.State, b.Circuit, b.Size)
		for _, s := range api.States() {
			if n := b.Counts[s]; n > 0 {
				fmt.Fprintf(w, "%-9s %d\n", s, n)
			}
		}
		if b.Remaining != nil {
			fmt.Fprintf(w, "left      about %v\n", time.Duration(*b.Remaining*float64(time.Second)).Round(100*time.Millisecond))
		}
	})
}

type batchWatch struct {
	ID string `arg:"" help:"Id of the batch."`
}

// Run follows a batch.
func (c *batchWatch) Run(ctx context.Context, e *env) error {
	return watch(e, func(cl *client.Client) events { return cl.BatchEvents(ctx, c.ID) })
}

type batchResults struct {
	ID   string `arg:"" help:"Id of the batch."`
	Out  string `help:"Where to write them; standard output without it." short:"o" default:"-" placeholder:"FILE"`
	From int    `help:"Begin with this item, from 0."`
	Wait bool   `help:"Wait for the end of each item."`
}

// Run writes the results of a batch.
func (c *batchResults) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	b, err := cl.Batch(ctx, c.ID)
	if err != nil {
		return err
	}
	return e.writeResults(c.Out, cl.BatchResults(ctx, c.ID, client.ItemsOptions{From: c.From, Wait: c.Wait}), b.Size)
}

type batchDelete struct {
	ID string `arg:"" help:"Id of the batch."`
}

// Run erases a batch.
func (c *batchDelete) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	if err := cl.DeleteBatch(ctx, c.ID); err != nil {
		return err
	}
	fmt.Fprintln(e.Stderr, "Erased.")
	return nil
}
