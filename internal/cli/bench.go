package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"provery/internal/bench"
)

type benchCommand struct {
	Workload  string `help:"Directory with a compiled program and its key, such as build/cache/eddsa/bn128." required:"" type:"existingdir" placeholder:"DIR"`
	Name      string `help:"Name of the workload in the report." default:"eddsa"`
	Arguments string `help:"Its arguments: JSON, one per line." required:"" placeholder:"FILE"`
	Small     string `help:"A small program, for the service's own overhead, such as build/cache/reserves/bn128." type:"existingdir" placeholder:"DIR"`
	SmallArgs string `help:"Its arguments." placeholder:"FILE"`
	Repeat    int    `help:"Repetitions of each measurement." default:"7"`
	Requests  int    `help:"Requests for the service's overhead." default:"200"`
}

// Run measures and prints a report.
func (c *benchCommand) Run(ctx context.Context, e *env) error {
	arguments, err := c.lines(e, c.Arguments)
	if err != nil {
		return err
	}
	progress := func(s string) { fmt.Fprintln(e.Stderr, s, "...") }
	r := bench.NewReport(commit(e.Version), e.Args)
	if r.Circuit, err = bench.Circuit(ctx, c.Name, bench.Workload{Dir: c.Workload, Arguments: arguments}, c.Repeat, progress); err != nil {
		return err
	}
	if c.Small != "" {
		if arguments, err = c.lines(e, c.SmallArgs); err != nil {
			return err
		}
		if r.Service, err = bench.Service(ctx, bench.Workload{Dir: c.Small, Arguments: arguments}, c.Requests, progress); err != nil {
			return err
		}
	}
	return e.print(r, func(w io.Writer) { r.Text(w) })
}

// lines reads JSON values that follow each other.
func (c *benchCommand) lines(e *env, name string) ([]json.RawMessage, error) {
	f, err := e.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []json.RawMessage
	for dec := json.NewDecoder(f); ; {
		var v json.RawMessage
		if err := dec.Decode(&v); err == io.EOF {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, v)
	}
}

// commit returns what the binary was built from: by the build's own record, or
// else by the version that the Makefile gave it.
func commit(version string) string {
	if c := build(version).Commit; c != "" {
		return c
	}
	return version
}
