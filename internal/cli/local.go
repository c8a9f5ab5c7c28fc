package cli

import (
	"context"
	"io"
	"path/filepath"
	"slices"

	"provery/internal/frontend"
	"provery/internal/frontend/circom"
	"provery/internal/frontend/zokrates"
)

// localProgram are the files of a circuit, for commands that can do without a
// service.
type localProgram struct {
	Program string `help:"Work here, without a service: program compiled by ZoKrates, or Circom's .r1cs." placeholder:"FILE" group:"Without a service"`
	ABI     string `help:"A ZoKrates program's abi.json." name:"abi" placeholder:"FILE" group:"Without a service"`
	Wasm    string `help:"A Circom circuit's witness calculator. Default: NAME_js/NAME.wasm or NAME.wasm beside NAME.r1cs." placeholder:"FILE" group:"Without a service"`
	Sym     string `help:"A Circom circuit's symbols. Default: NAME.sym beside NAME.r1cs." placeholder:"FILE" group:"Without a service"`
}

// check makes sure that there is a circuit of the service by name, or a program,
// and not both. missing says what is wanted.
func (p *localProgram) check(name, missing string) error {
	switch {
	case p.Program == "" && slices.Contains([]string{".r1cs", ".wasm", ".zkey"}, filepath.Ext(name)) && exists(name):
		return usage(name + " is a file; a circuit is given as --program NAME.r1cs")
	case name != "" && p.Program != "":
		return usage(name + " is taken for a circuit of the service: give that or --program")
	case name == "" && p.Program == "":
		return usage(missing)
	case p.Program == "" && (p.ABI != "" || p.Wasm != "" || p.Sym != ""):
		return usage("--abi, --wasm and --sym need --program")
	}
	return nil
}

// isCircom reports whether the program is a circuit of Circom.
func (p *localProgram) isCircom() (bool, error) {
	s, closeFile, err := section(p.Program)
	if err != nil {
		return false, err
	}
	defer closeFile()
	return isR1CS(s), nil
}

// open reads the program. Witnesses of a Circom circuit need the .r1cs alone.
func (p *localProgram) open(ctx context.Context, witness bool) (frontend.Program, error) {
	s, closeFile, err := section(p.Program)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	if isR1CS(s) {
		if p.ABI != "" {
			return nil, usage("--abi is for ZoKrates programs; a Circom circuit takes --wasm and --sym")
		}
		if witness {
			return circom.OpenConstraints(ctx, s)
		}
		files, err := circomFiles(p.Program, p.Wasm, p.Sym)
		if err != nil {
			return nil, err
		}
		return importFiles(ctx, circom.New(circom.Config{}), files)
	}
	if p.Wasm != "" || p.Sym != "" {
		return nil, usage("--wasm and --sym are for Circom circuits, whose program is a .r1cs file")
	}
	if isSource(p.Program) {
		return nil, usage(p.Program + " is source: compile it, or have a service do that ('provery circuits add')")
	}
	if err := checkProgram(p.Program, s); err != nil {
		return nil, err
	}
	return importProgram(ctx, p.Program, p.ABI)
}

// importProgram reads a program of ZoKrates; abi may be "".
func importProgram(ctx context.Context, program, abi string) (frontend.Program, error) {
	files := map[string]string{zokrates.RoleProgram: program}
	if abi != "" {
		files[zokrates.RoleABI] = abi
	}
	return importFiles(ctx, zokrates.New(), files)
}

// importFiles reads a program's files by role.
func importFiles(ctx context.Context, f frontend.Frontend, files map[string]string) (frontend.Program, error) {
	in := frontend.Artefacts{}
	for role, name := range files {
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
	return f.Import(ctx, in)
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
