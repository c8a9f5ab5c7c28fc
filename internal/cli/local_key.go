package cli

import (
	"cmp"
	"context"
	"runtime"

	"provery/internal/daemon"
	"provery/internal/frontend"
	"provery/internal/prove"
	"provery/internal/scheme"
)

// localKey are the files of a key, for commands that can do without a service.
type localKey struct {
	Program string `help:"Work here, without a service: the program of the key, compiled by ZoKrates, or Circom's .r1cs." placeholder:"FILE" group:"Without a service"`
	Key     string `help:"Proving key: ZoKrates's, or a .zkey." placeholder:"FILE" group:"Without a service"`
	Scheme  string `help:"The key's scheme." placeholder:"groth16" group:"Without a service"`
}

// check makes sure that there is a circuit of the service or a key, and not both.
func (k *localKey) check(ref string) error {
	switch {
	case (k.Program == "") != (k.Key == ""):
		return usage("--program and --key go together")
	case ref != "" && k.Program != "":
		return usage(ref + " is taken for a circuit of the service: give that or --program")
	case ref == "" && k.Program == "":
		return usage("name a circuit of the service, or give --program and --key")
	case k.Scheme != "" && k.Key == "":
		return usage("--scheme needs --key")
	}
	return nil
}

// read reads and checks the key.
func (k *localKey) read(ctx context.Context) (scheme.ProvingKey, error) {
	program, err := (&localProgram{Program: k.Program}).open(ctx, true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = frontend.Release(program) }()
	_, key, err := readKey(ctx, program, k.Key, k.Scheme)
	return key, err
}

// importKey reads a proving key and joins it with its program.
func importKey(ctx context.Context, program frontend.Program, name, schemeName string) (*prove.Prover, error) {
	backend, key, err := readKey(ctx, program, name, schemeName)
	if err != nil {
		return nil, err
	}
	return prove.New(program, backend, key)
}

// readKey reads a proving key for the program; the scheme is Groth16 if it is "".
func readKey(ctx context.Context, program frontend.Program, name, schemeName string) (scheme.Backend, scheme.ProvingKey, error) {
	kit, err := daemon.Kit("")
	if err != nil {
		return nil, nil, err
	}
	id, err := scheme.Parse(cmp.Or(schemeName, string(scheme.Groth16)))
	if err != nil {
		return nil, nil, err
	}
	backend, err := kit.Backend(id, program.Curve())
	if err != nil {
		return nil, nil, err
	}
	s, closeFile, err := section(name)
	if err != nil {
		return nil, nil, err
	}
	defer closeFile()
	if err := mistaken(name, s, kindProvingKey); err != nil {
		return nil, nil, err
	}
	key, err := backend.ImportProvingKey(ctx, scheme.ImportInput{
		System: program.System(), Data: s, Size: s.Size(), Threads: runtime.GOMAXPROCS(0),
	})
	return backend, key, err
}
