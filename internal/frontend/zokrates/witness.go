package zokrates

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"math"
	"math/big"
	"slices"
	"sort"

	"provery/internal/curve"
	"provery/internal/curve/bls12377"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/curve/bw6761"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/r1cs"
)

// The word sizes of witness files: of counts and variables' numbers, in bytes.
const (
	WordSize32 = 4 // written by zokrates-js
	WordSize64 = 8 // written by the native command line
)

// WitnessFile is a witness as ZoKrates stores it: values by the signed numbers
// that the program file gives its variables. 0 is the constant one, -1, -2, …
// are the outputs.
type WitnessFile struct {
	Curve    curve.ID
	WordSize int
	ids      []int32
	values   []byte // canonical, little-endian
	width    int
}

// paramsOf returns a curve's sizes.
func paramsOf(id curve.ID) (*curve.Params, error) {
	switch id {
	case curve.BN128:
		return bn254.NewField().Params(), nil
	case curve.BLS12381:
		return bls12381.NewField().Params(), nil
	case curve.BLS12377:
		return bls12377.NewField().Params(), nil
	case curve.BW6761:
		return bw6761.NewField().Params(), nil
	}
	return nil, fault.New(fault.Unsupported, "unknown curve")
}

// ReadWitness reads a witness file over the curve, which the file itself
// doesn't tell. The word size follows from the file's length. A wrong length,
// numbers that aren't in ascending order and values that aren't below the
// modulus are fault.InvalidArtifact.
func ReadWitness(file *io.SectionReader, id curve.ID) (*WitnessFile, error) {
	params, err := paramsOf(id)
	if err != nil {
		return nil, err
	}
	w := &WitnessFile{Curve: id, width: params.ScalarBytes}
	size := file.Size()
	head := make([]byte, min(WordSize64, size))
	if _, err := file.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, fault.Wrap(err, fault.Internal, "read witness")
	}
	count := int64(-1)
	if len(head) >= WordSize32 {
		count = int64(binary.LittleEndian.Uint32(head))
	}
	switch {
	case count >= 0 && size == WordSize32+count*int64(WordSize32+w.width):
		w.WordSize = WordSize32
	case count >= 0 && size == WordSize64+count*int64(WordSize64+w.width) && binary.LittleEndian.Uint32(head[4:]) == 0:
		w.WordSize = WordSize64
	default:
		return nil, badWitness("%d bytes are no witness on %v", size, id)
	}
	w.ids = make([]int32, 0, count)
	w.values = make([]byte, 0, count*int64(w.width))
	r := bufio.NewReaderSize(io.NewSectionReader(file, int64(w.WordSize), size-int64(w.WordSize)), windowSize)
	record := make([]byte, w.WordSize+w.width)
	for range count {
		if _, err := io.ReadFull(r, record); err != nil {
			return nil, fault.Wrap(err, fault.Internal, "read witness")
		}
		if err := w.add(record, params); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// add appends a record.
func (w *WitnessFile) add(record []byte, params *curve.Params) error {
	id := int64(int32(binary.LittleEndian.Uint32(record)))
	if w.WordSize == WordSize64 {
		id = int64(binary.LittleEndian.Uint64(record))
	}
	if id > math.MaxInt32 || id < -math.MaxInt32 {
		return badWitness("a variable's number is too large")
	}
	if n := len(w.ids); n > 0 && int64(w.ids[n-1]) >= id {
		return badWitness("variables aren't in ascending order")
	}
	value := record[w.WordSize:]
	if integer(value).Cmp(params.ScalarModulus) >= 0 {
		return badWitness("a value isn't below the modulus")
	}
	w.ids = append(w.ids, int32(id))
	w.values = append(w.values, value...)
	return nil
}

// integer reads a little-endian number.
func integer(b []byte) *big.Int {
	be := slices.Clone(b)
	slices.Reverse(be)
	return new(big.Int).SetBytes(be)
}

// Len returns the number of values.
func (w *WitnessFile) Len() int { return len(w.ids) }

// At returns the i-th variable and its canonical value; numbers ascend.
func (w *WitnessFile) At(i int) (id int, value *big.Int) {
	return int(w.ids[i]), integer(w.bytes(i))
}

// Value returns the value of a variable.
func (w *WitnessFile) Value(id int) (value *big.Int, ok bool) {
	i, ok := w.find(id)
	if !ok {
		return nil, false
	}
	return integer(w.bytes(i)), true
}

func (w *WitnessFile) bytes(i int) []byte { return w.values[i*w.width : (i+1)*w.width] }

func (w *WitnessFile) find(id int) (int, bool) {
	i := sort.Search(len(w.ids), func(i int) bool { return int(w.ids[i]) >= id })
	return i, i < len(w.ids) && int(w.ids[i]) == id
}

func badWitness(format string, args ...any) error {
	return fault.Wrap(fault.New(fault.InvalidArtifact, format, args...), fault.InvalidArtifact, "read witness")
}

// witnessProgram is what programs of this package can do with witness files.
type witnessProgram interface {
	writeWitness(w io.Writer, solution *frontend.Solution, wordSize int) error
	importWitness(ctx context.Context, w *WitnessFile) (*frontend.Solution, error)
}

// WriteWitness writes a solution of program as a witness file of the word
// size (WordSize32 or WordSize64). It holds every variable that occurs in a
// constraint or is an argument; the compiler's own files have those that occur
// only in directives besides, which no prover reads.
func WriteWitness(w io.Writer, program frontend.Program, solution *frontend.Solution, wordSize int) error {
	p, ok := program.(witnessProgram)
	if !ok || wordSize != WordSize32 && wordSize != WordSize64 {
		return fault.New(fault.Unsupported, "write witness: not a ZoKrates program, or a word size of %d bytes", wordSize)
	}
	return p.writeWitness(w, solution, wordSize)
}

// ImportWitness turns a witness file into a solution of program. It checks
// every constraint: one that isn't satisfied is fault.UnsatisfiedWitness with
// its position. A variable that is missing or a curve that differs is
// fault.InvalidArtifact; values of other variables are ignored.
func ImportWitness(ctx context.Context, program frontend.Program, w *WitnessFile) (*frontend.Solution, error) {
	p, ok := program.(witnessProgram)
	if !ok {
		return nil, fault.New(fault.Unsupported, "import witness: not a ZoKrates program")
	}
	if w.Curve != program.Curve() {
		return nil, badWitness("witness on %v for a program on %v", w.Curve, program.Curve())
	}
	return p.importWitness(ctx, w)
}

// ordered returns a solution's values, and their places in ascending order of
// the variables' numbers.
func (p *program[S]) ordered(solution *frontend.Solution) (z []S, order []int, err error) {
	if z, err = curve.Elements[S](p.system.Curve, solution.Witness.Z); err != nil {
		return nil, nil, err
	}
	if len(z) != p.system.NumVariables {
		return nil, nil, fault.New(fault.Internal, "witness of %d values for a program of %d variables", len(z), p.system.NumVariables)
	}
	order = make([]int, len(z))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return int(p.ids[a]) - int(p.ids[b]) })
	return z, order, nil
}

func (p *program[S]) writeWitness(w io.Writer, solution *frontend.Solution, wordSize int) error {
	z, order, err := p.ordered(solution)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, windowSize)
	record := make([]byte, wordSize+p.field.Params().ScalarBytes)
	word := func(v int64) []byte {
		return binary.LittleEndian.AppendUint64(record[:0], uint64(v))[:wordSize]
	}
	out.Write(word(int64(len(order)))) // an error sticks until Flush
	for _, i := range order {
		word(int64(p.ids[i]))
		p.field.Encode(record[wordSize:], z[i:i+1])
		out.Write(record)
	}
	return fault.Wrap(out.Flush(), fault.Internal, "write witness")
}

// assignment returns the file's values in the program's order.
func (p *program[S]) assignment(w *WitnessFile) ([]S, error) {
	z := make([]S, p.system.NumVariables)
	for i := range z {
		k, ok := w.find(int(p.ids[i]))
		if !ok {
			return nil, badWitness("variable %d is missing", p.ids[i])
		}
		if err := p.field.Decode(z[i:i+1], w.bytes(k)); err != nil {
			return nil, err
		}
	}
	if !p.field.IsOne(&z[0]) {
		return nil, badWitness("the constant isn't one")
	}
	return z, nil
}

func (p *program[S]) importWitness(ctx context.Context, w *WitnessFile) (*frontend.Solution, error) {
	z, err := p.assignment(w)
	if err != nil {
		return nil, err
	}
	id := p.system.Curve
	a, err := r1cs.Restore(ctx, p.field, p.system, r1cs.Witness{Z: curve.NewVector(id, z)})
	if err != nil {
		return nil, err
	}
	if i := r1cs.FirstUnsatisfied(p.field, p.system, a); i >= 0 {
		return nil, p.unsatisfied(i)
	}
	outputs, err := p.decodeOutputs(z)
	if err != nil {
		return nil, err
	}
	return &frontend.Solution{
		Witness: r1cs.Erase(id, a),
		Public:  curve.NewVector(id, z[1:p.system.NumPublic+1]),
		Outputs: outputs,
	}, nil
}
