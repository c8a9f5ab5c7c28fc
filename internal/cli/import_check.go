package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/frontend/zokrates"
	"provery/internal/scheme"
	"provery/internal/scheme/groth16"
)

// The names of the files that the ZoKrates command line writes, and of the
// source that ZoKrates-API keeps beside them.
const (
	fileProgram      = "out"
	fileABI          = "abi.json"
	fileProvingKey   = "proving.key"
	fileVerifyingKey = "verification.key"
	fileWitness      = "witness"
	fileProof        = "proof.json"
	fileSource       = "program.zok"
)

// zokratesDir is a directory as the ZoKrates command line leaves it.
type zokratesDir struct {
	dir     string
	present map[string]bool
	header  *zokrates.Header
	key     verifyingKeyHead // zero without a verification.key
}

// verifyingKeyHead is what a verification.key says of itself.
type verifyingKeyHead struct {
	Scheme   string            `json:"scheme"`
	Curve    string            `json:"curve"`
	GammaABC []json.RawMessage `json:"gamma_abc"` // of Groth16
	Query    []json.RawMessage `json:"query"`     // of GM17
}

// inputs returns the number of public inputs.
func (h *verifyingKeyHead) inputs() int { return max(len(h.GammaABC), len(h.Query)) - 1 }

// openZoKratesDir looks for the files and reads the program's header.
func openZoKratesDir(dir string) (*zokratesDir, error) {
	d := &zokratesDir{dir: dir, present: map[string]bool{}}
	for _, name := range []string{fileProgram, fileABI, fileProvingKey, fileVerifyingKey, fileWitness, fileProof, fileSource} {
		info, err := os.Stat(d.path(name))
		d.present[name] = err == nil && info.Mode().IsRegular()
	}
	if !d.has(fileProgram) {
		return nil, fault.New(fault.InvalidRequest,
			"there is no file %q in %s: 'zokrates compile' writes it. Source alone is registered with 'provery circuits add'", fileProgram, dir)
	}
	s, closeFile, err := section(d.path(fileProgram))
	if err != nil {
		return nil, err
	}
	defer closeFile()
	if d.header, err = zokrates.Describe(s); err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "%s", fileProgram)
	}
	return d, nil
}

func (d *zokratesDir) path(name string) string { return filepath.Join(d.dir, name) }
func (d *zokratesDir) has(name string) bool    { return d.present[name] }

// check reads the files and compares them with each other. It finds all
// mismatches that can be found without the proving key's points, which the
// service checks, and reports them together.
func (d *zokratesDir) check(ctx context.Context) error {
	abi := ""
	if d.has(fileABI) {
		abi = d.path(fileABI)
	}
	program, err := importProgram(ctx, d.path(fileProgram), abi)
	if err != nil {
		return fault.Wrap(err, fault.InvalidArtifact, "%s with %s", fileProgram, fileABI)
	}
	var wrong []string
	for _, check := range []struct {
		file string
		run  func(context.Context, frontend.Program) error
	}{{fileVerifyingKey, d.checkVerifyingKey}, {fileProvingKey, d.checkProvingKey}, {fileWitness, d.checkWitness}} {
		if !d.has(check.file) {
			continue
		}
		if err := check.run(ctx, program); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", check.file, err))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.InvalidArtifact, "the files in %s don't belong together, and nothing was registered:\n  %s\n"+
		"Was the program compiled again after the setup? Then run 'zokrates setup' and 'zokrates compute-witness' again, or remove the files that are left over.",
		d.dir, strings.Join(wrong, "\n  "))
}

func (d *zokratesDir) checkVerifyingKey(_ context.Context, program frontend.Program) error {
	s, closeFile, err := section(d.path(fileVerifyingKey))
	if err != nil {
		return err
	}
	defer closeFile()
	if err := json.NewDecoder(io.LimitReader(s, maxInspectedJSON)).Decode(&d.key); err != nil || d.key.Scheme == "" {
		return fault.New(fault.InvalidArtifact, "not a verification key of ZoKrates's")
	}
	if _, err := scheme.Parse(d.key.Scheme); err != nil {
		return err
	}
	if err := sameCurve(d.key.Curve, program.Curve()); err != nil {
		return err
	}
	return sameInputs(d.key.inputs(), program)
}

// checkProvingKey compares what the lengths inside of a Groth16 key tell. Keys
// of other schemes, and damaged ones, are left to the service.
func (d *zokratesDir) checkProvingKey(_ context.Context, program frontend.Program) error {
	if d.key.Scheme != "" && d.key.Scheme != "g16" {
		return nil
	}
	s, closeFile, err := section(d.path(fileProvingKey))
	if err != nil {
		return err
	}
	defer closeFile()
	info, err := groth16.DescribeProvingKey(s, s.Size())
	if err != nil {
		return nil
	}
	if err := sameCurve(info.Curve.String(), program.Curve()); err != nil {
		return err
	}
	return sameInputs(info.NumPublic, program)
}

func (d *zokratesDir) checkWitness(ctx context.Context, program frontend.Program) error {
	files, ok := program.(frontend.WitnessFiles)
	if !ok {
		return nil
	}
	s, closeFile, err := section(d.path(fileWitness))
	if err != nil {
		return err
	}
	defer closeFile()
	_, err = files.ReadWitness(ctx, s)
	return err
}

func sameCurve(name string, want curve.ID) error {
	got, err := curve.Parse(name)
	if err != nil {
		return err
	}
	if got != want {
		return fault.New(fault.InvalidArtifact, "it is for the curve %v, and the program is for %v", got, want)
	}
	return nil
}

func sameInputs(n int, program frontend.Program) error {
	if want := program.Statistics().PublicInputs; n != want {
		return fault.New(fault.InvalidArtifact, "it is for %d public inputs, and the program has %d", n, want)
	}
	return nil
}
