// Package compiler compiles Circom source with the compiler of the npm package
// circom2 0.2.23, which is Circom 2.2.3 as a WASI module that package hosting
// runs. It has a licence of its own (GPL-3.0).
//
// The module sees nothing but the source files, which lie in memory, and an
// empty directory that it writes to. The .r1cs, .wasm and .sym are byte for byte
// those of circom2 under Node.
package compiler

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend/hosting"
)

// PackageVersion is the version of circom2 that Prepare accepts.
const PackageVersion = "0.2.23"

// Extension is what every source file's name ends with.
const Extension = ".circom"

// moduleBytes is the most that is read of circom.wasm.
const moduleBytes = 16 << 20

var circom2 = hosting.Module{
	Title: "Circom", Name: language{}.Name(), Package: "circom2", Version: PackageVersion,
	SHA256: "96fc92a93768f38979db6c2bac4b1aa9fc7d66742121a63d4c4792d5b4037162",
}

// Language returns Circom.
func Language() hosting.Language { return language{} }

type language struct{}

func (language) Name() string       { return "circom" }
func (language) Version() string    { return "circom2 " + PackageVersion }
func (language) Extension() string  { return Extension }
func (language) Curves() []curve.ID { return []curve.ID{curve.BN128, curve.BLS12381} }

// Optimizations are the compiler's --O1, --O0 and --O2.
func (language) Optimizations() []string { return []string{"1", "0", "2"} }
func (language) Includes() bool          { return true }
func (language) Package() string         { return "circom/node_modules/circom2" }

// included finds include statements.
var included = regexp.MustCompile(`\binclude\s*"([^"\n]*)"`)

// Imports implements hosting.Language. What looks like an include inside of a
// comment is one, too.
func (language) Imports(source []byte) []string {
	var out []string
	for _, m := range included.FindAllSubmatch(source, -1) {
		out = append(out, string(m[1]))
	}
	return out
}

// Locate implements hosting.Language.
func (language) Locate(dir string) error { return circom2.Locate(dir) }

// Prepare implements hosting.Language. It takes a few seconds, and 45 MB of
// dir.
func (language) Prepare(ctx context.Context, packageDir, dir string) error {
	return circom2.Prepare(ctx, dir, func() ([]byte, error) { return extract(packageDir) })
}

func extract(packageDir string) ([]byte, error) {
	file, err := os.Open(filepath.Join(packageDir, "circom.wasm"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "%s isn't the npm package circom2: run `npm ci` in toolchain/circom, or say where the package is", packageDir)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "read the npm package circom2")
	}
	defer file.Close()
	wasm, err := io.ReadAll(io.LimitReader(file, moduleBytes))
	return wasm, fault.Wrap(err, fault.Internal, "read the npm package circom2")
}

// Where the module finds the source files, and where it writes.
const (
	sourceRoot = "/src"
	outputRoot = "/out"
)

// Compile implements hosting.Language.
func (language) Compile(ctx context.Context, job *hosting.Job) error {
	wasm, err := circom2.Read(job.Toolchain)
	if err != nil {
		return err
	}
	c, err := hosting.Load(ctx, job.Toolchain, wasm, job.Memory)
	if err != nil {
		return err
	}
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, c.Runtime); err != nil {
		return err
	}
	wasm = nil
	hosting.Settle()
	if err := job.Compiling(); err != nil {
		return err
	}
	if err := run(ctx, c, job); err != nil {
		return err
	}
	return write(job)
}

// run runs the compiler's command line.
func run(ctx context.Context, c *hosting.Loaded, job *hosting.Job) error {
	var said transcript
	config := wazero.NewModuleConfig().WithName("").
		WithArgs(arguments(job)...).
		WithStdout(&said).WithStderr(&said).
		WithFSConfig(wazero.NewFSConfig().WithFSMount(newTree(job.Sources), sourceRoot).WithDirMount(job.Scratch, outputRoot))
	_, err := c.Runtime.InstantiateModule(hosting.WithAllocator(ctx), c.Module, config)
	var exit *sys.ExitError
	switch {
	case err == nil, errors.As(err, &exit) && exit.ExitCode() == 0:
		return nil
	case errors.As(err, &exit):
		return refused(said.String(), job)
	}
	return crashed(said.String(), job, err)
}

// arguments returns the compiler's command line. No argument can be taken for
// another: paths begin with the root.
func arguments(job *hosting.Job) []string {
	prime := map[string]string{curve.BN128.String(): "bn128", curve.BLS12381.String(): "bls12381"}[job.Curve]
	level := job.Optimize
	if level == "" {
		level = language{}.Optimizations()[0]
	}
	args := []string{"circom2", path.Join(sourceRoot, job.Main), "--r1cs", "--wasm", "--sym", "--prime", prime, "--O" + level, "-o", outputRoot}
	for _, dir := range job.Include {
		args = append(args, "-l", path.Join(sourceRoot, dir))
	}
	return args
}

// write passes on what the compiler wrote, by the roles that the front-end
// reads.
func write(job *hosting.Job) error {
	base := strings.TrimSuffix(path.Base(job.Main), Extension)
	for _, out := range []struct{ role, file string }{
		{"r1cs", base + ".r1cs"}, {"wasm", filepath.Join(base+"_js", base+".wasm")}, {"sym", base + ".sym"},
	} {
		if err := pass(job.Output(out.role), filepath.Join(job.Scratch, out.file)); err != nil {
			return fault.Wrap(err, fault.Internal, "read the compiler's output")
		}
	}
	return nil
}

func pass(w io.Writer, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := w.Write(nil); err != nil { // it may be empty
		return err
	}
	_, err = io.Copy(w, file)
	return err
}

// transcript keeps the first part of what the compiler says.
type transcript struct{ text []byte }

const maxTranscript = 4 << 20

// Write never fails.
func (t *transcript) Write(b []byte) (int, error) {
	t.text = append(t.text, b[:min(len(b), maxTranscript-len(t.text))]...)
	return len(b), nil
}

// String returns what was kept.
func (t *transcript) String() string { return string(t.text) }
