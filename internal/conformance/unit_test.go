package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"

	"provery/internal/curve"
	"provery/internal/curve/bls12377"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/curve/bw6761"
	"provery/internal/frontend"
	"provery/internal/frontend/zokrates"
	"provery/internal/peer"
)

// moduli are the curves' scalar moduli.
var moduli = map[curve.ID]*big.Int{
	curve.BN128:    bn254.NewField().Params().ScalarModulus,
	curve.BLS12381: bls12381.NewField().Params().ScalarModulus,
	curve.BLS12377: bls12377.NewField().Params().ScalarModulus,
	curve.BW6761:   bw6761.NewField().Params().ScalarModulus,
}

// witnesses is the table's column for witnesses, beside those of backends.
const witnesses = "wit"

// unit is one program on one curve.
type unit struct {
	program *program
	curve   curve.ID
	dir     string // with the compiler's files
	work    string // for this run

	imported frontend.Program
	reopened frontend.Program // imported, from its own file
	runs     []*run
	proofs   []*proof

	cells map[string]cell
}

// run is one case of a unit.
type run struct {
	testCase
	dir    string // with args.json, and what zokrates-js makes of it
	theirs peer.Result
}

func (r *run) file(name string) string { return filepath.Join(r.dir, name) }

// failf records a failure of a column.
func (u *unit) failf(column, format string, args ...any) {
	c := u.cells[column]
	c.state = failed
	c.failures = append(c.failures, fmt.Sprintf(format, args...))
	u.cells[column] = c
}

// skip says why a column doesn't apply.
func (u *unit) skip(column, reason string) { u.cells[column] = cell{state: skipped, reason: reason} }

// skipAll says why none does.
func (u *unit) skipAll(reason string) {
	u.skip(witnesses, reason)
	u.skipProofs(reason)
}

func (u *unit) skipProofs(reason string) {
	for i := range backends {
		if backends[i].on(u.curve) {
			u.skip(backends[i].column, reason)
		}
	}
}

// load imports the compiled program and writes the cases to files. It reports
// whether there is anything to run.
func (u *unit) load(ctx context.Context) (bool, error) {
	message, err := os.ReadFile(filepath.Join(u.dir, refusal))
	compiled := os.IsNotExist(err)
	switch {
	case err != nil && !compiled:
		return false, err
	case !compiled && u.program.compilesFor(u.curve):
		u.skipAll("not compiled")
		u.failf(witnesses, "zokrates-js doesn't compile it: %s", message)
		return false, nil
	case !compiled:
		u.skipAll("the compiler refuses the curve: " + summary(string(message)))
		return false, nil
	case !u.program.compilesFor(u.curve):
		u.skipAll("not compiled")
		u.failf(witnesses, "it compiles, want it refused on this curve")
		return false, nil
	}
	if err := u.open(ctx); err != nil {
		u.skipProofs("not imported")
		u.failf(witnesses, "%s", describe(err))
		return false, nil
	}
	return true, u.prepare()
}

// summary is the last line of a compiler's message, shortened.
func summary(message string) string {
	lines := strings.Split(strings.TrimSpace(message), "\n")
	text := strings.TrimSpace(lines[len(lines)-1])
	if i := strings.IndexByte(text, '`'); strings.HasPrefix(text, "Expression") && i >= 0 {
		return "a constant is larger than the field"
	}
	if strings.Contains(text, "incompatible with curve") {
		return "#pragma curve"
	}
	if _, _, found := strings.Cut(text, "is expected to be compiled over"); found {
		return "a gadget of another curve"
	}
	return text
}

// open imports the program, and reopens it from its compact file.
func (u *unit) open(ctx context.Context) error {
	out, err := os.Open(filepath.Join(u.dir, "out"))
	if err != nil {
		return err
	}
	defer out.Close()
	info, err := out.Stat()
	if err != nil {
		return err
	}
	abi, err := os.ReadFile(filepath.Join(u.dir, "abi.json"))
	if err != nil {
		return err
	}
	u.imported, err = zokrates.New().Import(ctx, frontend.Artefacts{
		zokrates.RoleProgram: io.NewSectionReader(out, 0, info.Size()),
		zokrates.RoleABI:     io.NewSectionReader(bytes.NewReader(abi), 0, int64(len(abi))),
	})
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := u.imported.WriteFile(&file); err != nil {
		return err
	}
	u.reopened, err = zokrates.New().Open(file.Bytes())
	return err
}

// prepare writes the arguments of all cases to files.
func (u *unit) prepare() error {
	more := defaultRandom
	if u.program.Random != nil {
		more = *u.program.Random
	}
	madeUp, err := makeUp(u.program, u.imported.ABI(), moduli[u.curve], more)
	if err != nil {
		return err
	}
	for i, c := range append(u.program.Cases[:len(u.program.Cases):len(u.program.Cases)], madeUp...) {
		c.Args = resolve(c.Args, moduli[u.curve])
		r := &run{testCase: c, dir: filepath.Join(u.work, fmt.Sprint(i))}
		if err := os.MkdirAll(r.dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(r.file("args.json"), c.Args, 0o644); err != nil {
			return err
		}
		u.runs = append(u.runs, r)
	}
	return nil
}

// theirWitnesses adds to s the cases for zokrates-js.
func (u *unit) theirWitnesses(s *script) {
	for _, r := range u.runs {
		command := peer.Witness{
			Program: filepath.Join(u.dir, "out"), ABI: filepath.Join(u.dir, "abi.json"),
			Args: r.file("args.json"), Out: r.dir, Curve: u.curve.String(),
		}
		s.add(command, func(result peer.Result) error {
			r.theirs = result
			return nil
		})
	}
}

// compareWitnesses solves every case and compares the results.
func (u *unit) compareWitnesses(ctx context.Context) {
	for i, r := range u.runs {
		p := u.reopened
		if i%2 == 1 {
			p = u.imported
		}
		solution, err := p.Solve(ctx, r.Args, frontend.SolveOptions{Logs: true})
		switch {
		case r.Crashes != "":
			err = besideCrash(&r.testCase, r.theirs.Err, solution, err)
		case r.theirs.Err != nil && (r.madeUp || r.Fails != "" || r.Refused), err != nil, r.Fails != "" || r.Refused:
			err = sameFailure(&r.testCase, r.theirs.Err, err)
		case r.theirs.Err != nil:
			err = fmt.Errorf("zokrates-js says %q, want it to succeed", r.theirs.Err)
		default:
			err = u.sameSolution(ctx, p, r, solution)
		}
		if err != nil {
			u.failf(witnesses, "arguments %s: %v", abbreviate(r.Args), err)
		}
	}
}

// besideCrash checks a case on which zokrates-js crashes.
func besideCrash(c *testCase, theirs *peer.Error, ours *frontend.Solution, err error) error {
	if theirs == nil || theirs.Kind != peer.Panic || !strings.Contains(theirs.Message, c.Crashes) {
		return fmt.Errorf("zokrates-js says %v, want a crash with %q", theirs, c.Crashes)
	}
	if err != nil {
		return err
	}
	var want bytes.Buffer
	if err := json.Compact(&want, c.Output); err != nil {
		return err
	}
	if got := string(ours.Outputs); got != want.String() {
		return fmt.Errorf("got outputs %s, want %s", got, &want)
	}
	return nil
}

// abbreviate returns the start of a long list of arguments.
func abbreviate(args json.RawMessage) string {
	const limit = 600
	if len(args) <= limit {
		return string(args)
	}
	return string(args[:limit]) + "..."
}

// sameSolution compares values, outputs and log lines.
func (u *unit) sameSolution(ctx context.Context, p frontend.Program, r *run, ours *frontend.Solution) error {
	var computed peer.Computed
	if err := r.theirs.Decode(&computed); err != nil {
		return err
	}
	if got, want := string(ours.Outputs), string(computed.Output); got != want {
		return fmt.Errorf("got outputs %s, want %s", got, want)
	}
	if got, want := strings.Join(ours.Logs, "\n"), strings.Join(computed.Logs, "\n"); got != want {
		return fmt.Errorf("got log lines %q, want %q", got, want)
	}
	var file bytes.Buffer
	if err := zokrates.WriteWitness(&file, p, ours, zokrates.WordSize32); err != nil {
		return err
	}
	theirs, err := os.ReadFile(r.file("witness"))
	if err != nil {
		return err
	}
	return sameValues(ctx, p, file.Bytes(), theirs)
}

// sameValues compares two witness files. Theirs has variables besides that
// occur in no constraint: that it satisfies the program shows that there are
// no others.
func sameValues(ctx context.Context, p frontend.Program, ours, theirs []byte) error {
	var files [2]*zokrates.WitnessFile
	for i, b := range [][]byte{ours, theirs} {
		var err error
		if files[i], err = zokrates.ReadWitness(io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))), p.Curve()); err != nil {
			return err
		}
	}
	if got, want := files[0].Len(), p.System().NumVariables; got != want {
		return fmt.Errorf("got a witness of %d values, want %d", got, want)
	}
	for i := range files[0].Len() {
		id, got := files[0].At(i)
		if want, ok := files[1].Value(id); !ok || got.Cmp(want) != 0 {
			return fmt.Errorf("variable %d: got %v, want %v", id, got, want)
		}
	}
	if _, err := zokrates.ImportWitness(ctx, p, files[1]); err != nil {
		return fmt.Errorf("import their witness: %w", err)
	}
	return nil
}
