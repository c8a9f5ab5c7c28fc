package zokrates

import (
	"context"
	"encoding/json"
	"io"
	"math/big"
	"sync"

	"provery/internal/container"
	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/r1cs"
)

// program is a compact program with its field. It implements
// frontend.Program.
type program[S any] struct {
	*code
	field curve.Field[S]
	table []S
	// scratch holds *scratch[S]. What a run leaves in it is overwritten with
	// zeros before the next one gets it.
	scratch sync.Pool
}

// importer reads the sections of a program file through one window.
type importer struct {
	file   *io.SectionReader
	header *Header
	window []byte
}

func (m *importer) section(what string, r Range) *decoder {
	return newDecoder(m.file, what, r.Offset, r.Length, m.window)
}

// tables reads the sections other than the statements.
func (m *importer) tables(params *curve.Params) ([]parameter, *solverTable, error) {
	d := m.section("parameters", m.header.Parameters)
	parameters := readParameters(d)
	if d.err != nil {
		return nil, nil, d.err
	}
	solvers := newSolverTable(params)
	d = m.section("solvers", m.header.Solvers)
	if solvers.readSection(d); d.err != nil {
		return nil, nil, d.err
	}
	d = m.section("module map", m.header.ModuleMap)
	readModuleMap(d)
	outputs := m.header.Outputs
	if len(parameters)+outputs > maxIndex || int64(outputs) > m.header.Statements.Length {
		d.fail("%d outputs are more than the statements can have", outputs)
	}
	return parameters, solvers, d.err
}

// importProgram compiles the program file.
func importProgram[S any](ctx context.Context, f curve.Field[S], file *io.SectionReader, h *Header, abiJSON json.RawMessage) (frontend.Program, error) {
	m := &importer{file, h, make([]byte, min(windowSize, file.Size()))}
	parameters, solvers, err := m.tables(f.Params())
	if err != nil {
		return nil, err
	}
	if abiJSON == nil {
		abiJSON = flatABI(parameters, h.Outputs)
	}
	a, err := parseABI(abiJSON)
	if err != nil {
		return nil, err
	}
	if err := a.matches(parameters, h.Outputs); err != nil {
		return nil, err
	}
	c := &compiler{
		decoder: m.section("statements", h.Statements), params: f.Params(),
		variables: newVariables(parameters, h.Outputs), pool: r1cs.NewPool(f.Params()),
		solvers: solvers, failures: newFailureBuilder(),
	}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	if len(c.a) != h.Constraints {
		return nil, fault.New(fault.InvalidArtifact, "read program: %d constraints where the header has %d", len(c.a), h.Constraints)
	}
	out, err := assemble(f, c, h, parameters)
	if err != nil {
		return nil, err
	}
	out.abi, out.abiJSON = a, abiJSON
	return newProgram(f, out)
}

// readModuleMap reads the last section, which nothing here needs.
func readModuleMap(d *decoder) {
	d.structure(&moduleMapFields, func(int) { d.skip() })
	if d.err == nil && !d.done() {
		d.fail("bytes follow the module map")
	}
}

var moduleMapFields = allOf("module map", "modules")

// newProgram checks c and makes it ready to solve.
func newProgram[S any](f curve.Field[S], c *code) (frontend.Program, error) {
	if err := c.prepare(); err != nil {
		return nil, err
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	table, err := f.FromMemory(c.system.Table)
	if err != nil {
		return nil, err
	}
	if c.size == 0 {
		if c.size, err = container.Write(io.Discard, fileKind, fileVersion, c.sections()); err != nil {
			return nil, err
		}
	}
	return &program[S]{code: c, field: f, table: table}, nil
}

// Curve returns the curve whose scalars the program computes with.
func (p *program[S]) Curve() curve.ID { return p.system.Curve }

// System returns the constraint system.
func (p *program[S]) System() *r1cs.System { return p.system }

// ABI returns abi.json without white space or, for a program without one, an
// ABI of field elements.
func (p *program[S]) ABI() json.RawMessage { return p.abiJSON }

// Statistics returns the program's counts.
func (p *program[S]) Statistics() frontend.Statistics { return p.statistics() }

// WriteFile writes the compact form.
func (p *program[S]) WriteFile(w io.Writer) error {
	_, err := container.Write(w, fileKind, fileVersion, p.sections())
	return fault.Wrap(err, fault.Internal, "write program")
}

// Samples returns two lists of arguments: all values 0 or false, and all 1 or
// true.
func (p *program[S]) Samples() []json.RawMessage {
	var out []json.RawMessage
	list := p.abi.inputs
	list.kind = typeTuple // the parameters in order rather than by name
	for _, v := range []*big.Int{big.NewInt(0), big.NewInt(1)} {
		// 0 and 1 are of every type, so that there is no error.
		text, _ := list.appendValue(nil, func() *big.Int { return v })
		out = append(out, text)
	}
	return out
}

// Check reads the arguments without solving, as frontend.Program says.
func (p *program[S]) Check(arguments json.RawMessage, opts frontend.SolveOptions) error {
	return p.abi.readArguments(arguments, p.field.Params(), opts.Reduce, func(int, *big.Int) {})
}

// Solve computes a witness, as frontend.Program says. It allocates the result
// and little else, and works on the caller's goroutine.
func (p *program[S]) Solve(ctx context.Context, arguments json.RawMessage, opts frontend.SolveOptions) (*frontend.Solution, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	z := make([]S, p.places)
	p.field.SetUint64(&z[0], 1)
	err := p.abi.readArguments(arguments, p.field.Params(), opts.Reduce, func(leaf int, v *big.Int) {
		p.field.SetBig(&z[p.parameters[leaf]], v)
	})
	if err != nil {
		return nil, err
	}
	r := p.newRun(z, opts.Logs)
	defer p.release(r)
	if err := r.steps(ctx); err != nil {
		if opts.Logs {
			return &frontend.Solution{Logs: r.logLines}, err
		}
		return nil, err
	}
	outputs, err := p.decodeOutputs(z)
	if err != nil {
		return nil, err
	}
	id, n := p.system.Curve, p.system.NumVariables
	a := r1cs.Assignment[S]{Z: z[:n:n], Rows: r.takeRows()}
	return &frontend.Solution{
		Witness: r1cs.Erase(id, a),
		Public:  curve.NewVector(id, z[1:p.system.NumPublic+1:p.system.NumPublic+1]),
		Outputs: outputs,
		Logs:    r.logLines,
	}, nil
}

// decodeOutputs returns the program's return value as JSON.
func (p *program[S]) decodeOutputs(z []S) (json.RawMessage, error) {
	var v big.Int
	i := p.firstOutput()
	text, err := p.abi.output.appendValue(nil, func() *big.Int {
		p.field.Big(&v, &z[i])
		i++
		return &v
	})
	if err != nil {
		return nil, err
	}
	return text, nil
}
