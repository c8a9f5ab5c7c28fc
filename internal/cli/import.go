package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"provery/api"
	"provery/client"
	"provery/internal/fault"
	"provery/internal/registry"
)

type importCommand struct {
	ZoKrates importZoKrates `cmd:"" name:"zokrates" help:"Register a directory as the ZoKrates command line leaves it: out, abi.json, proving.key, verification.key, witness, proof.json."`
}

type importZoKrates struct {
	Dir  string `arg:"" help:"Directory with the files."`
	Name string `help:"Name for the circuit, such as payments or payments:v2; the directory's without it." placeholder:"NAME"`
}

// importReport is what an import did.
type importReport struct {
	Circuit *api.Circuit `json:"circuit"`
	Keys    *api.KeySet  `json:"keys,omitempty"`
	Existed bool         `json:"existed"`
	// Witness and Proof say what became of these files.
	Witness string   `json:"witness,omitempty"`
	Proof   string   `json:"proof,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// Run checks that the files belong together, registers them, and proves the
// witness. The name is set last, so that it never points to what doesn't work.
func (c *importZoKrates) Run(ctx context.Context, e *env) error {
	if _, err := os.ReadDir(c.Dir); err != nil {
		return unreadable(c.Dir, err)
	}
	dir, err := openZoKratesDir(c.Dir)
	if err != nil {
		return err
	}
	tags, err := c.tags(dir)
	if err != nil {
		return err
	}
	if err := dir.check(ctx); err != nil {
		return err
	}
	cl, err := e.client()
	if err != nil {
		return err
	}
	i := &zokratesImport{e: e, cl: cl, dir: dir}
	if err := i.run(ctx, tags); err != nil {
		return err
	}
	return e.print(&i.report, func(w io.Writer) { i.report.show(w, dir) })
}

// tags returns the tags that the circuit gets, as name:tag.
func (c *importZoKrates) tags(dir *zokratesDir) ([]string, error) {
	var tags []string
	name := c.Name
	if name == "" {
		abs, err := filepath.Abs(c.Dir)
		if err != nil {
			return nil, fault.New(fault.InvalidRequest, "%v", err)
		}
		name = strings.ToLower(filepath.Base(abs))
	}
	ref, err := registry.ParseRef(name)
	switch {
	case err == nil && ref.Name != "" && ref.ID.IsZero():
		tags = append(tags, ref.Name+":"+ref.Tag)
	case c.Name != "" || !dir.has(fileSource):
		return nil, fault.New(fault.InvalidRequest, "%q can't be a circuit's name: give one with --name, of a-z, 0-9, '.', '_' and '-'", name)
	}
	if dir.has(fileSource) {
		tag, err := dir.facadeTag()
		if err != nil {
			return nil, err
		}
		tags = append(tags, tag)
	}
	return tags, nil
}

// facadeTag returns the tag under which the facade of ZoKrates-API finds the
// program: a directory of ZoKrates-API keeps the source beside it.
func (d *zokratesDir) facadeTag() (string, error) {
	source, err := os.ReadFile(d.path(fileSource))
	if err != nil {
		return "", fault.New(fault.InvalidRequest, "%v", err)
	}
	sum := sha256.Sum256(source)
	return "zokrates-api:" + hex.EncodeToString(sum[:]) + "-" + d.header.Curve.String(), nil
}

// zokratesImport registers a directory that has been checked.
type zokratesImport struct {
	e      *env
	cl     *client.Client
	dir    *zokratesDir
	report importReport
}

func (i *zokratesImport) run(ctx context.Context, tags []string) error {
	if err := i.circuit(ctx); err != nil {
		return err
	}
	id := i.report.Circuit.ID
	for _, step := range []func(context.Context) error{i.keys, i.witness, i.proof} {
		if err := step(ctx); err != nil {
			fmt.Fprintf(i.e.Stderr, "The program alone is registered, without a name, as %s.\n", id)
			return err
		}
	}
	for _, tag := range tags {
		if _, err := i.cl.Tag(ctx, id, tag); err != nil {
			return err
		}
	}
	circuit, err := i.cl.Circuit(ctx, id)
	if err == nil {
		i.report.Circuit = circuit
	}
	return err
}

func (i *zokratesImport) circuit(ctx context.Context) error {
	r := client.Registration{Frontend: "zokrates", Artefacts: map[string]io.Reader{}}
	for role, name := range map[string]string{"program": fileProgram, "abi": fileABI} {
		if !i.dir.has(name) {
			continue
		}
		f, err := i.e.upload(i.dir.path(name))
		if err != nil {
			return err
		}
		defer f.Close()
		r.Artefacts[role] = f
	}
	var err error
	i.report.Circuit, i.report.Existed, err = i.cl.Register(ctx, r)
	return err
}

func (i *zokratesImport) keys(ctx context.Context) error {
	if !i.dir.has(fileProvingKey) {
		i.note("There is no %s: no proofs can be made until 'provery keys add' uploads one.", fileProvingKey)
		return nil
	}
	k := keyFiles{provingKey: i.dir.path(fileProvingKey), scheme: i.dir.key.Scheme}
	if i.dir.has(fileVerifyingKey) {
		k.verifyingKey = i.dir.path(fileVerifyingKey)
	}
	keys, err := addKeys(ctx, i.e, i.cl, i.report.Circuit.ID, k)
	if err != nil {
		return fmt.Errorf("%s: %w", fileProvingKey, err)
	}
	i.report.Keys = keys
	return nil
}

// witness proves the directory's witness: the self-test with real values.
func (i *zokratesImport) witness(ctx context.Context) error {
	if !i.dir.has(fileWitness) || i.report.Keys == nil {
		return nil
	}
	witness, err := i.e.read(i.dir.path(fileWitness), maxWitness)
	if err != nil {
		return err
	}
	p, err := i.cl.Prove(ctx, api.ProofRequest{Circuit: i.report.Circuit.ID, Keys: i.report.Keys.ID, Witness: witness})
	switch {
	case client.CodeOf(err) == api.CodeTooLarge:
		i.note("The witness is larger than this service takes in a request, and wasn't proven.")
		return nil
	case err != nil:
		return fmt.Errorf("prove %s: %w", fileWitness, err)
	}
	i.report.Witness = "proven, and the proof verified"
	if p.Ledger != nil {
		i.report.Witness += fmt.Sprintf(", in %.0f ms", p.Ledger.Witness+p.Ledger.Prove+p.Ledger.Check)
	}
	return nil
}

// proof verifies the directory's proof with the registered key.
func (i *zokratesImport) proof(ctx context.Context) error {
	if !i.dir.has(fileProof) || i.report.Keys == nil {
		return nil
	}
	proof, err := i.e.read(i.dir.path(fileProof), maxProof)
	if err != nil {
		return err
	}
	v, err := i.cl.Verify(ctx, api.VerifyRequest{Circuit: i.report.Circuit.ID, Keys: i.report.Keys.ID, Proof: proof})
	if err != nil {
		return fmt.Errorf("%s: %w", fileProof, err)
	}
	if i.report.Proof = "valid"; !v.Valid {
		i.report.Proof = "NOT VALID: " + v.Reason
		i.note("%s isn't valid under the registered key. It may stem from another setup of the same program.", fileProof)
	}
	return nil
}

func (i *zokratesImport) note(format string, args ...any) {
	i.report.Notes = append(i.report.Notes, fmt.Sprintf(format, args...))
}

func (r *importReport) show(w io.Writer, dir *zokratesDir) {
	fmt.Fprintf(w, "Registered %s\n", dir.dir)
	line := func(file, what string) {
		if what != "" {
			fmt.Fprintf(w, "  %-18s%s\n", file, what)
		}
	}
	s := r.Circuit.Statistics
	program := fmt.Sprintf("%d constraints on %s, %d public inputs", s.Constraints, r.Circuit.Curve, s.PublicInputs)
	if r.Existed {
		program += "; was registered before"
	}
	line(fileProgram, program)
	if dir.has(fileABI) {
		line(fileABI, fmt.Sprintf("belongs to it: %d arguments, %d outputs, flattened", s.Arguments, s.Outputs))
	} else {
		line(fileABI, "not there: arguments and outputs are flat lists of field elements")
	}
	if k := r.Keys; k != nil {
		line(fileProvingKey, fmt.Sprintf("%s, layout %s, every point checked, self-test %s", k.Scheme, k.Layout, orDash(k.SelfTest)))
		if dir.has(fileVerifyingKey) {
			line(fileVerifyingKey, "belongs to the proving key")
		}
	}
	line(fileWitness, r.Witness)
	line(fileProof, r.Proof)
	line("id", r.Circuit.ID)
	line("names", strings.Join(r.Circuit.Tags, " "))
	for _, n := range r.Notes {
		fmt.Fprintln(w, "note:", n)
	}
}
