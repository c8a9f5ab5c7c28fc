// Package prove joins a program with a proving key: the only place where a
// front-end meets a scheme. It has no clock, log or storage of its own.
package prove

import (
	"context"
	"encoding/json"
	"io"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/scheme"
)

// The stages that Prover.Prove reports, in order. The scheme's own stages
// ("prove.…") come between StageWitness and StageCheck.
const (
	StageWitness = "witness"
	StageProve   = "prove"
	StageCheck   = "check"
)

// Prover proves one circuit with one key. It is immutable and safe for
// concurrent use.
type Prover struct {
	program frontend.Program
	backend scheme.Backend
	key     scheme.ProvingKey
}

// New joins program and key. A key for another curve, scheme or circuit size
// is fault.InvalidArtifact.
func New(program frontend.Program, backend scheme.Backend, key scheme.ProvingKey) (*Prover, error) {
	if c := program.Curve(); backend.Curve() != c || key.Curve() != c {
		return nil, fault.New(fault.InvalidArtifact, "key on %v for a program on %v", key.Curve(), c)
	}
	if key.Scheme() != backend.Scheme() {
		return nil, fault.New(fault.InvalidArtifact, "%s key where a %s key is wanted", key.Scheme(), backend.Scheme())
	}
	if err := key.Fits(program.System()); err != nil {
		return nil, err
	}
	return &Prover{program, backend, key}, nil
}

// Request is one proof to make, of arguments or of a witness.
type Request struct {
	Arguments json.RawMessage
	Options   frontend.SolveOptions
	// Witness, if not nil, is a witness file in a format of the program's
	// language, which is proven instead of the arguments.
	Witness *io.SectionReader
	Threads int
	// Rand is the source of blinding scalars: crypto/rand.Reader outside of tests.
	Rand io.Reader
	// Stage, if not nil, is called as each stage starts.
	Stage func(name string)
}

// Result is a proof that has passed verification.
type Result struct {
	// Proof is in the language's own JSON format, public inputs included.
	Proof json.RawMessage
	// Outputs is the program's return value, decoded by the ABI.
	Outputs json.RawMessage
	// PublicInputs are 0x-prefixed, in the order of the verifying key.
	PublicInputs []string
	// Logs are the lines of the program's log statements, if asked for.
	Logs []string
}

// Prove solves the arguments or reads the witness, proves, and verifies the
// proof before it returns it. A proof that fails verification is
// fault.Internal and is not returned.
func (p *Prover) Prove(ctx context.Context, req Request) (*Result, error) {
	req.stage(StageWitness)
	solution, err := p.solve(ctx, &req)
	if err != nil {
		return nil, err
	}
	return p.ProveSolution(ctx, solution, req)
}

func (r *Request) stage(name string) {
	if r.Stage != nil {
		r.Stage(name)
	}
}

func (p *Prover) solve(ctx context.Context, req *Request) (*frontend.Solution, error) {
	if req.Witness == nil {
		return p.program.Solve(ctx, req.Arguments, req.Options)
	}
	files, ok := p.program.(frontend.WitnessFiles)
	if !ok {
		return nil, fault.New(fault.Unsupported, "the circuit's language has no witness files")
	}
	return files.ReadWitness(ctx, req.Witness)
}

// ProveSolution is Prove for a solution of the prover's program. Of req it
// takes what isn't about arguments or witness.
func (p *Prover) ProveSolution(ctx context.Context, solution *frontend.Solution, req Request) (*Result, error) {
	req.stage(StageProve)
	proof, err := p.backend.Prove(ctx, scheme.ProveInput{
		Key: p.key, System: p.program.System(), Witness: solution.Witness,
		Threads: req.Threads, Rand: req.Rand, Stage: req.stage,
	})
	if err != nil {
		return nil, err
	}
	req.stage(StageCheck)
	if err := p.check(ctx, proof, solution.Public); err != nil {
		return nil, err
	}
	return p.encode(proof, solution)
}

func (p *Prover) check(ctx context.Context, proof scheme.Proof, public curve.Vector) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := p.backend.Verify(p.key.VerifyingKey(), proof, public); err != nil {
		return &fault.Error{Code: fault.Internal, Detail: "the new proof failed verification and was withheld", Err: err}
	}
	return nil
}

func (p *Prover) encode(proof scheme.Proof, solution *frontend.Solution) (*Result, error) {
	encode := p.backend.EncodeProof
	if frontend.ToolsOf(p.program) == frontend.SnarkJSTools && p.backend.Scheme() == scheme.Groth16 {
		encode = p.backend.EncodeSnarkJS
	}
	encoded, err := encode(proof, solution.Public)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "encode proof")
	}
	inputs, err := p.backend.PublicInputs(solution.Public)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "encode public inputs")
	}
	return &Result{Proof: encoded, Outputs: solution.Outputs, PublicInputs: inputs, Logs: solution.Logs}, nil
}

// LayoutOf returns the layout that keys for a program are set up in, which is
// what the tools of its language read.
func LayoutOf(p frontend.Program) scheme.Layout {
	if frontend.ToolsOf(p) == frontend.SnarkJSTools {
		return scheme.LayoutSnarkJS
	}
	return scheme.LayoutNative
}
