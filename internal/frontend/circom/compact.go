package circom

import (
	"math"

	"provery/internal/container"
	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/r1cs"
)

// A program's own file is a container of this kind.
const (
	fileKind    = "PROG"
	fileVersion = 1
)

// The sections of a program's file.
const (
	sectionHeader = 1 // u64: front-end, curve, wires, outputs, public inputs, private inputs
	sectionWires  = 2 // u32: the inputs' wires by leaf; 2^32-1 for one that no constraint uses
	sectionABI    = 5 // JSON
	sectionWasm   = 6 // the witness calculator as it came
	sectionSystem = 32
)

const (
	headerWords = 6
	// frontendTag is the first word of the header: programs of other
	// front-ends use the same kind of file.
	frontendTag = 0x6d6f63726963 // "circom"
)

// sections returns p as sections that share its storage.
func (p *program[S]) sections() []container.Section {
	h := &p.header
	words := []uint64{frontendTag, uint64(h.Curve), uint64(h.Wires), uint64(h.Outputs), uint64(h.PublicInputs), uint64(h.PrivateInputs)}
	return append([]container.Section{
		{ID: sectionHeader, Data: container.Bytes(words)},
		{ID: sectionWires, Data: container.Bytes(p.wires)},
		{ID: sectionABI, Data: p.abiJSON},
		{ID: sectionWasm, Data: p.calculator.wasm},
	}, p.system.Sections(sectionSystem)...)
}

func damaged(format string, args ...any) error {
	return fault.Wrap(fault.New(fault.InvalidArtifact, format, args...), fault.InvalidArtifact, "open program")
}

// readWords returns the header's words.
func readWords(f *container.File) ([]uint64, error) {
	words, err := container.Words[uint64](f, sectionHeader)
	if err != nil {
		return nil, err
	}
	if len(words) != headerWords || words[0] != frontendTag {
		return nil, damaged("not a circuit of Circom")
	}
	for _, n := range words[1:] {
		if n > math.MaxInt32 {
			return nil, damaged("the header is out of range")
		}
	}
	return words, nil
}

// fileCurve returns the curve of a program's file.
func fileCurve(f *container.File) (curve.ID, error) {
	words, err := readWords(f)
	if err != nil {
		return 0, err
	}
	if id := curve.ID(words[1]); words[1] < 256 && (id == curve.BN128 || id == curve.BLS12381) {
		return id, nil
	}
	return 0, fault.New(fault.Unsupported, "open program: circuits on this curve aren't supported")
}

// openProgram opens a program's file of size bytes over the field f.
func openProgram[S any](f curve.Field[S], h *host, file *container.File, size int64) (frontend.Program, error) {
	words, err := readWords(file)
	if err != nil {
		return nil, err
	}
	p := &program[S]{field: f, size: size, calculator: &calculator{host: h, invert: inverter(f)}}
	p.header = Header{
		Curve: curve.ID(words[1]), Wires: int(words[2]), Outputs: int(words[3]), PublicInputs: int(words[4]), PrivateInputs: int(words[5]),
	}
	if p.system, err = r1cs.FromSections(file, sectionSystem, f.Params()); err != nil {
		return nil, err
	}
	p.header.Constraints = p.system.NumConstraints()
	if p.wires, err = container.Words[uint32](file, sectionWires); err != nil {
		return nil, err
	}
	if p.calculator.wasm, err = file.Section(sectionWasm); err != nil {
		return nil, err
	}
	if p.abiJSON, err = file.Section(sectionABI); err != nil {
		return nil, err
	}
	if p.abi, err = parseABI(p.abiJSON); err != nil {
		return nil, err
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// validate checks what a damaged file could break in the process.
func (p *program[S]) validate() error {
	h := &p.header
	switch {
	case h.Wires != p.system.NumVariables || h.public() != p.system.NumPublic:
		return damaged("the header and the constraint system differ")
	case leaves(p.abi.Outputs) != h.Outputs || leaves(p.abi.Inputs) != len(p.wires):
		return damaged("the ABI has other inputs or outputs than the circuit")
	}
	for _, w := range p.wires {
		if w != eliminated && int64(w) >= int64(h.Wires) {
			return damaged("an input's wire is out of range")
		}
	}
	table, err := p.field.FromMemory(p.system.Table)
	if err != nil {
		return err
	}
	var minusOne S
	p.field.SetUint64(&minusOne, 1)
	p.field.Neg(&minusOne, &minusOne)
	if !p.field.IsOne(&table[0]) || !p.field.Equal(&table[1], &minusOne) {
		return damaged("the coefficient table doesn't start with 1 and -1")
	}
	return nil
}
