package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"provery/api"
	"provery/client"
	"provery/internal/frontend/zokrates"
)

type circuitsCommand struct {
	Add    circuitsAdd    `cmd:"" help:"Register a circuit, compiled or as source, with its keys if you have them."`
	List   circuitsList   `cmd:"" help:"List the registered circuits."`
	Show   circuitsShow   `cmd:"" help:"Show a circuit, its arguments and its keys."`
	Remove circuitsRemove `cmd:"" help:"Remove a circuit with all of its tags and keys."`
	Tag    circuitsTag    `cmd:"" help:"Make a tag point to a circuit."`
}

type circuitsAdd struct {
	Name         string   `arg:"" help:"Name for the circuit, such as payments or payments:v2. May be left out for source: it is called as its file or folder then."`
	Program      string   `arg:"" optional:"" help:"Compiled program: ZoKrates's file 'out', or Circom's .r1cs. Or source, which the service compiles: a .zok or .circom file with what it imports, a folder, or an archive (tar, tar.gz, zip)."`
	Curve        string   `help:"Of source: the curve to compile for." placeholder:"bn128"`
	Debug        bool     `help:"Of source: keep log statements, for 'witness --logs'."`
	Optimize     string   `help:"Of Circom source: the level of optimisation, 0, 1 or 2, as in circom --O1." placeholder:"1"`
	Include      []string `help:"Of Circom source: folder in which includes are looked up, too, such as node_modules. Of an archive: one inside of it. May be repeated." short:"l" sep:"none" placeholder:"DIR"`
	Main         string   `help:"Of a folder or an archive: the file with the main function or component; main.zok or main.circom without it." placeholder:"FILE"`
	Frontend     string   `help:"Circuit language of a folder or an archive: zokrates or circom. Without it, what is in the folder; zokrates for an archive." placeholder:"zokrates"`
	ABI          string   `help:"A ZoKrates program's abi.json. Without it, arguments are a flat list of field elements." name:"abi" placeholder:"FILE"`
	Wasm         string   `help:"A Circom circuit's witness calculator. Default: NAME_js/NAME.wasm or NAME.wasm beside NAME.r1cs." placeholder:"FILE"`
	Sym          string   `help:"A Circom circuit's symbols. Default: NAME.sym beside NAME.r1cs." placeholder:"FILE"`
	Key          string   `help:"Proving key to upload." placeholder:"FILE"`
	VerifyingKey string   `help:"Verifying key to compare with." placeholder:"FILE"`
	Setup        string   `help:"Make keys instead: insecure-dev, for development only." enum:",insecure-dev" default:"" placeholder:"insecure-dev"`
	Scheme       string   `help:"Proving scheme; found out for uploaded keys." placeholder:"groth16"`
}

// Run registers a circuit and its keys.
func (c *circuitsAdd) Run(ctx context.Context, e *env) error {
	if c.Key != "" && c.Setup != "" {
		return usage("--key and --setup exclude each other")
	}
	if c.VerifyingKey != "" && c.Key == "" {
		return usage("--verifying-key needs --key")
	}
	cl, err := e.client()
	if err != nil {
		return err
	}
	circuit, err := c.register(ctx, e, cl)
	if err != nil {
		return err
	}
	if c.Key != "" || c.Setup != "" {
		if _, err := addKeys(ctx, e, cl, circuit.ID, keyFiles{c.Key, c.VerifyingKey, c.Scheme, "", c.Setup, ""}); err != nil {
			return fmt.Errorf("the circuit %s is registered, but its keys are not: %w", circuit.ID, err)
		}
		if circuit, err = cl.Circuit(ctx, circuit.ID); err != nil {
			return err
		}
	}
	return e.print(circuit, func(w io.Writer) { showCircuit(w, circuit) })
}

// register registers the program, or has the source compiled.
func (c *circuitsAdd) register(ctx context.Context, e *env, cl *client.Client) (_ *api.Circuit, err error) {
	if c.Program == "" && isSource(c.Name) {
		c.Program = c.Name
		if c.Name, err = nameOf(c.Program); err != nil {
			return nil, err
		}
	}
	if !exists(c.Program) && exists(c.Name) && c.Program != "" {
		return nil, usage(fmt.Sprintf("there is no file %s; the name comes first: circuits add NAME FILE", c.Program))
	}
	switch {
	case c.Program == "":
		return nil, usage("give the compiled program, or source: circuits add NAME FILE")
	case isSource(c.Program):
		return c.compile(ctx, e, cl)
	case c.Curve != "" || c.Debug || c.Main != "" || c.Optimize != "" || len(c.Include) > 0:
		return nil, usage("--curve, --debug, --main, --optimize and --include are for source; this is taken for a compiled program")
	}
	return c.upload(ctx, e, cl)
}

// upload registers a compiled program.
func (c *circuitsAdd) upload(ctx context.Context, e *env, cl *client.Client) (*api.Circuit, error) {
	name, tag, _ := strings.Cut(c.Name, ":")
	files, err := c.files()
	if err != nil {
		return nil, err
	}
	r := client.Registration{Name: name, Tag: tag, Artefacts: map[string]io.Reader{}}
	for role, file := range files {
		f, err := e.uploadOf(file, kindOfRole[role])
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r.Artefacts[role] = f
	}
	circuit, existed, err := cl.Register(ctx, r)
	if err == nil && existed {
		fmt.Fprintln(e.Stderr, "The circuit was registered before.")
	}
	return circuit, err
}

// files returns the circuit's files by role. The program's tells the language.
func (c *circuitsAdd) files() (map[string]string, error) {
	s, closeFile, err := section(c.Program)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	if isR1CS(s) {
		if c.ABI != "" {
			return nil, usage("--abi is for ZoKrates programs; a Circom circuit takes --wasm and --sym")
		}
		return circomFiles(c.Program, c.Wasm, c.Sym)
	}
	if c.Wasm != "" || c.Sym != "" {
		return nil, usage("--wasm and --sym are for Circom circuits, whose program is a .r1cs file")
	}
	if err := checkProgram(c.Program, s); err != nil {
		return nil, err
	}
	files := map[string]string{zokrates.RoleProgram: c.Program}
	if c.ABI != "" {
		files[zokrates.RoleABI] = c.ABI
	}
	return files, nil
}

type circuitsList struct{}

// Run lists all circuits.
func (circuitsList) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	all := []api.Circuit{}
	for cursor := ""; ; {
		page, err := cl.Circuits(ctx, cursor, 0)
		if err != nil {
			return err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return e.print(all, func(w io.Writer) {
		if len(all) == 0 {
			fmt.Fprintln(w, "No circuits are registered; 'provery circuits add' registers one.")
			return
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tTAGS\tLANGUAGE\tCURVE\tCONSTRAINTS\tKEYS")
		for _, c := range all {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\n", short(c.ID), orDash(strings.Join(c.Tags, " ")), c.Frontend, c.Curve,
				c.Statistics.Constraints, orDash(strings.Join(c.Schemes, " ")))
		}
		_ = t.Flush()
	})
}

// short returns enough digits of an id to refer to it.
func short(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(len(id), 16)]
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type circuitsShow struct {
	Ref string `arg:"" help:"Name, name:tag, id, or the first 12 digits of an id."`
}

// Run shows one circuit.
func (c *circuitsShow) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	circuit, err := cl.Circuit(ctx, c.Ref)
	if err != nil {
		return err
	}
	return e.print(circuit, func(w io.Writer) {
		showCircuit(w, circuit)
		if len(circuit.ABI) > 0 {
			fmt.Fprintf(w, "abi          %s\n", circuit.ABI)
		}
	})
}

func showCircuit(w io.Writer, c *api.Circuit) {
	s := c.Statistics
	fmt.Fprintf(w, "circuit      %s\n", c.ID)
	fmt.Fprintf(w, "tags         %s\n", orDash(strings.Join(c.Tags, " ")))
	fmt.Fprintf(w, "language     %s on %s\n", c.Frontend, c.Curve)
	fmt.Fprintf(w, "constraints  %d, %d variables, %d public inputs of which %d are outputs\n", s.Constraints, s.Variables, s.PublicInputs, s.Outputs)
	fmt.Fprintf(w, "stored       %s\n", bytesText(s.CompactBytes))
	for _, k := range c.KeySets {
		showKeys(w, &k)
	}
	if len(c.KeySets) == 0 {
		fmt.Fprintln(w, "keys         none: 'provery keys add' uploads them, or makes some for development")
	}
}

func showKeys(w io.Writer, k *api.KeySet) {
	warning := ""
	if k.Provenance == api.ProvenanceInsecureDev {
		warning = ", INSECURE: for development only"
	}
	fmt.Fprintf(w, "keys         %s\n", k.ID)
	origin := string(k.Provenance)
	if k.Ceremony != "" {
		origin += " (" + k.Ceremony + ")"
	}
	if n := len(k.Contributions); n > 0 {
		origin += fmt.Sprintf(" of %d contributions", k.Contributions[n-1].Number)
	}
	fmt.Fprintf(w, "             %s, %s%s, %s, self-test %s\n", k.Scheme, origin, warning, bytesText(k.ProvingKeyBytes), orDash(k.SelfTest))
	for _, c := range k.Contributions {
		kind := "contribution"
		if c.Beacon {
			kind = "beacon"
		}
		fmt.Fprintf(w, "             %s %d %s…%s %s\n", kind, c.Number, c.Hash[:16], c.Hash[len(c.Hash)-8:], c.Name)
	}
}

// bytesText returns n bytes in a unit that reads well.
func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

type circuitsRemove struct {
	Ref string `arg:"" help:"Name, name:tag, id, or the first 12 digits of an id."`
}

// Run removes a circuit.
func (c *circuitsRemove) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	circuit, unknown := cl.Circuit(ctx, c.Ref)
	if err := cl.RemoveCircuit(ctx, c.Ref); err != nil {
		return err
	}
	if unknown != nil { // a damaged one can be removed, too
		fmt.Fprintln(e.Stderr, "Removed.")
		return nil
	}
	fmt.Fprintf(e.Stderr, "Removed %s with its tags (%s) and %d sets of keys.\n", circuit.ID, orDash(strings.Join(circuit.Tags, " ")), len(circuit.KeySets))
	return nil
}

type circuitsTag struct {
	Ref string `arg:"" help:"Name, name:tag, id, or the first 12 digits of an id."`
	Tag string `arg:"" help:"Tag to set: name:tag, or tag alone for the name in the reference."`
}

// Run moves a tag.
func (c *circuitsTag) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	circuit, err := cl.Tag(ctx, c.Ref, c.Tag)
	if err != nil {
		return err
	}
	return e.print(circuit, func(w io.Writer) { showCircuit(w, circuit) })
}
