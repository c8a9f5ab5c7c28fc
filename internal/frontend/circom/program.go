package circom

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/big"

	"provery/internal/container"
	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/r1cs"
)

// program implements frontend.Program over one field.
type program[S any] struct {
	field      curve.Field[S]
	header     Header // Labels is 0 if the program was opened from its file
	system     *r1cs.System
	abi        *abi
	abiJSON    json.RawMessage
	wires      []uint32 // of the inputs, by leaf; eliminated for unused ones
	calculator *calculator
	size       int64
}

func importProgram[S any](ctx context.Context, f curve.Field[S], host *host, in frontend.Artefacts) (_ frontend.Program, err error) {
	file, header, err := openR1CS(in[RoleR1CS])
	if err != nil {
		return nil, err
	}
	const doing = "read constraint system"
	labels, err := readLabels(file, header)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, doing)
	}
	p := &program[S]{field: f, header: *header}
	if p.system, err = readSystem(ctx, f, file, header); err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, doing)
	}
	sym, err := readSym(in[RoleSym], header, labels)
	if err != nil {
		return nil, err
	}
	wasm, err := readAll(in[RoleWasm], "witness calculator", host.limits.Wasm)
	if err != nil {
		return nil, err
	}
	p.calculator = &calculator{wasm: wasm, host: host, invert: inverter(f)}
	if err := p.describe(ctx, sym); err != nil {
		_ = p.Close()
		return nil, err
	}
	if p.size, err = container.Write(io.Discard, fileKind, fileVersion, p.sections()); err != nil {
		return nil, err
	}
	return p, nil
}

// describe makes the interface from the symbols and the calculator, and checks
// that the calculator is one of this circuit.
func (p *program[S]) describe(ctx context.Context, sym *symbols) error {
	return p.calculator.use(ctx, func(ctx context.Context, r *run) error {
		prime, err := r.prime(ctx)
		if err != nil {
			return err
		}
		if !sameModulus(prime, p.field.Params()) {
			return fault.New(fault.InvalidArtifact, "the witness calculator computes in another field than the circuit")
		}
		wires, err := r.call(ctx, "getWitnessSize")
		if err != nil {
			return err
		}
		if int(wires) != p.header.Wires {
			return fault.New(fault.InvalidArtifact, "the witness calculator has %d wires, the circuit %d: they are of different compilations", wires, p.header.Wires)
		}
		p.abi, p.wires, err = newABI(&p.header, sym.main, func(hash uint64) (int, error) { return r.inputSize(ctx, hash) })
		if err != nil {
			return err
		}
		total, err := r.call(ctx, "getInputSize")
		if err != nil {
			return err
		}
		if int(total) != len(p.wires) {
			return fault.New(fault.InvalidArtifact, "the witness calculator takes %d values, the circuit %d: they are of different compilations", total, len(p.wires))
		}
		p.abiJSON, err = json.Marshal(p.abi)
		return fault.Wrap(err, fault.Internal, "encode the interface")
	})
}

// Close frees the witness calculator's machine code. The program isn't in use.
func (p *program[S]) Close() error { return p.calculator.close() }

// Curve returns the curve whose scalars the circuit computes with.
func (p *program[S]) Curve() curve.ID { return p.system.Curve }

// System returns the constraint system.
func (p *program[S]) System() *r1cs.System { return p.system }

// Tools returns frontend.SnarkJSTools.
func (p *program[S]) Tools() frontend.Tools { return frontend.SnarkJSTools }

// ABI returns the names and types of inputs and outputs.
func (p *program[S]) ABI() json.RawMessage { return p.abiJSON }

// Statistics returns the circuit's counts.
func (p *program[S]) Statistics() frontend.Statistics {
	s := p.system
	return frontend.Statistics{
		Constraints: s.NumConstraints(), Variables: s.NumVariables, PublicInputs: s.NumPublic,
		Outputs: leaves(p.abi.Outputs), Arguments: len(p.wires),
		Rows: s.Rows.NumRows(), Terms: s.Rows.NumTerms(), Coefficients: len(s.Table) / scalarBytes, CompactBytes: p.size, SolverBytes: p.calculator.memory(),
	}
}

// WriteFile writes the program with its calculator.
func (p *program[S]) WriteFile(w io.Writer) error {
	_, err := container.Write(w, fileKind, fileVersion, p.sections())
	return fault.Wrap(err, fault.Internal, "write program")
}

// Samples returns two sets of arguments: all values 0, and all 1.
func (p *program[S]) Samples() []json.RawMessage {
	var out []json.RawMessage
	for _, v := range []*big.Int{big.NewInt(0), big.NewInt(1)} {
		out = append(out, appendParameters(nil, p.abi.Inputs, func() *big.Int { return v }))
	}
	return out
}

// Check reads the arguments without solving, as frontend.Program says.
func (p *program[S]) Check(arguments json.RawMessage, opts frontend.SolveOptions) error {
	return p.abi.readArguments(arguments, p.field.Params(), opts.Reduce, func(int, *big.Int) {})
}

// Solve computes a witness, as frontend.Program says, and checks every
// constraint. It works on the caller's goroutine.
func (p *program[S]) Solve(ctx context.Context, arguments json.RawMessage, opts frontend.SolveOptions) (*frontend.Solution, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	values := make([]byte, len(p.wires)*scalarBytes)
	err := p.abi.readArguments(arguments, p.field.Params(), opts.Reduce, func(leaf int, v *big.Int) {
		putLittleEndian(values[leaf*scalarBytes:][:scalarBytes], v)
	})
	if err != nil {
		return nil, err
	}
	z := make([]S, p.header.Wires)
	var logs []string
	err = p.calculator.use(ctx, func(ctx context.Context, r *run) error {
		r.console.enabled = opts.Logs
		defer func() { logs = r.console.lines }()
		return p.compute(ctx, r, values, z)
	})
	if err == nil {
		err = p.checkInputs(z, values)
	}
	if err != nil {
		if opts.Logs {
			return &frontend.Solution{Logs: logs}, err
		}
		return nil, err
	}
	s, err := p.solution(ctx, z)
	if err != nil {
		return nil, err
	}
	s.Logs = logs
	return s, nil
}

func putLittleEndian(dst []byte, v *big.Int) {
	v.FillBytes(dst)
	for i, j := 0, len(dst)-1; i < j; i, j = i+1, j-1 {
		dst[i], dst[j] = dst[j], dst[i]
	}
}

// compute fills z by the calculator.
func (p *program[S]) compute(ctx context.Context, r *run, values []byte, z []S) error {
	if _, err := r.call(ctx, "init", 0); err != nil {
		return err
	}
	for _, in := range p.abi.Inputs {
		if err := r.set(ctx, in.hash, values[in.first*scalarBytes:(in.first+in.leaves)*scalarBytes]); err != nil {
			return err
		}
	}
	return r.witness(ctx, len(z), func(first int, values []byte) error {
		if p.field.Decode(z[first:first+len(values)/scalarBytes], values) != nil {
			return fault.New(fault.InvalidArtifact, "the witness calculator returned values outside of the field")
		}
		return nil
	})
}

// checkInputs makes sure that z holds the constant and the arguments.
func (p *program[S]) checkInputs(z []S, values []byte) error {
	b := make([]byte, scalarBytes)
	ok := p.field.IsOne(&z[0])
	for leaf, wire := range p.wires {
		if wire != eliminated {
			p.field.Encode(b, z[wire:wire+1])
			ok = ok && bytes.Equal(b, values[leaf*scalarBytes:(leaf+1)*scalarBytes])
		}
	}
	if !ok {
		return fault.New(fault.InvalidArtifact, "the witness calculator isn't this circuit's: its witness doesn't hold the arguments")
	}
	return nil
}

// solution checks that z satisfies every constraint and describes it.
func (p *program[S]) solution(ctx context.Context, z []S) (*frontend.Solution, error) {
	id := p.system.Curve
	a, err := r1cs.Restore(ctx, p.field, p.system, r1cs.Witness{Z: curve.NewVector(id, z)})
	if err != nil {
		return nil, err
	}
	if i := r1cs.FirstUnsatisfied(p.field, p.system, a); i >= 0 {
		return nil, fault.New(fault.UnsatisfiedWitness, "the witness doesn't satisfy constraint %d", i)
	}
	next, v := 1, new(big.Int)
	outputs := appendParameters(nil, p.abi.Outputs, func() *big.Int {
		p.field.Big(v, &z[next])
		next++
		return v
	})
	public := p.system.NumPublic + 1
	return &frontend.Solution{
		Witness: r1cs.Erase(id, a),
		Public:  curve.NewVector(id, z[1:public:public]),
		Outputs: outputs,
	}, nil
}
