// Package circom is the front-end for circuits compiled with Circom 2: it reads
// the compiler's .r1cs and .sym, runs its witness calculator (.wasm), and reads
// and writes .wtns files.
//
// The calculator is code of the circuit's author. It runs in a WebAssembly
// sandbox without any access to the outside, within limits of time and memory,
// in a fresh instance for each witness. What it computes is not trusted either:
// every constraint is checked before a witness is used.
package circom

import (
	"context"
	"io"

	"provery/internal/container"
	"provery/internal/curve"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/frontend"
)

// The roles of a circuit's artefacts.
const (
	RoleR1CS = "r1cs"
	RoleWasm = "wasm"
	RoleSym  = "sym"
)

// Config says how witness calculators run. All of it has defaults.
type Config struct {
	// CacheDir keeps calculators' machine code between runs of the process.
	// Keep it from others: what is in it is run as code. Default: none.
	CacheDir string
	Limits   Limits
}

type circom struct{ host *host }

// New returns the front-end. It keeps the machine code of calculators in
// memory, for as long as their programs aren't closed.
func New(cfg Config) frontend.Frontend {
	return circom{newHost(cfg)}
}

// Name returns "circom".
func (circom) Name() string { return "circom" }

// Roles returns the artefacts that Import reads.
func (circom) Roles() []frontend.Role {
	return []frontend.Role{
		{Name: RoleR1CS, Usage: "constraint system, the .r1cs of circom --r1cs"},
		{Name: RoleWasm, Usage: "witness calculator, the .wasm of circom --wasm"},
		{Name: RoleSym, Usage: "signals' names, the .sym of circom --sym"},
	}
}

// Import reads a circuit, as frontend.Frontend says. Files of different
// compilations are fault.InvalidArtifact. Custom gates, primes other than those
// of bn128 and bls12381, and calculators of Circom before 2.0.7 are
// fault.Unsupported.
func (c circom) Import(ctx context.Context, in frontend.Artefacts) (frontend.Program, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, role := range c.Roles() {
		if in[role.Name] == nil {
			return nil, fault.New(fault.InvalidRequest, "the artefact %q is missing: %s", role.Name, role.Usage)
		}
	}
	_, h, err := openR1CS(in[RoleR1CS])
	if err != nil {
		return nil, err
	}
	if h.Curve == curve.BN128 {
		return importProgram(ctx, bn254.NewField(), c.host, in)
	}
	return importProgram(ctx, bls12381.NewField(), c.host, in)
}

// Open opens a program's file, as frontend.Frontend says.
func (c circom) Open(file []byte) (frontend.Program, error) {
	f, err := container.Open(file, fileKind, fileVersion)
	if err != nil {
		return nil, err
	}
	id, err := fileCurve(f)
	if err != nil {
		return nil, err
	}
	if id == curve.BN128 {
		return openProgram(bn254.NewField(), c.host, f, int64(len(file)))
	}
	return openProgram(bls12381.NewField(), c.host, f, int64(len(file)))
}

// readAll reads a whole artefact of at most limit bytes.
func readAll(file *io.SectionReader, what string, limit int64) ([]byte, error) {
	if file.Size() > limit {
		return nil, fault.New(fault.TooLarge, "the %s has %d bytes; at most %d are read", what, file.Size(), limit)
	}
	b := make([]byte, file.Size())
	if _, err := io.ReadFull(io.NewSectionReader(file, 0, file.Size()), b); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "read the %s", what)
	}
	return b, nil
}
