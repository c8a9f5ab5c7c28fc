package zokrates

import (
	"math"

	"provery/internal/container"
	"provery/internal/curve"
	"provery/internal/fault"
)

// solverKind is one of the compiler's ways to compute values that constraints
// alone don't give. The numbers are part of the compact form: append only.
type solverKind uint32

const (
	solverZir solverKind = iota
	solverConditionEq
	solverBits
	solverDiv
	solverXor
	solverOr
	solverMajority // ShaAndXorAndXorAnd
	solverChoice   // ShaCh
	solverEuclideanDiv
	solverSha256Round
	numSolverKinds
)

// solverNames are the compiler's names by kind; two that are no kind follow.
var solverNames = []string{
	"Zir", "ConditionEq", "Bits", "Div", "Xor", "Or", "ShaAndXorAndXorAnd", "ShaCh", "EuclideanDiv", "Sha256Round",
	"Ref", "SnarkVerifyBls12377",
}

const (
	solverRefName         = int(numSolverKinds)
	solverSnarkVerifyName = int(numSolverKinds) + 1
)

const maxSolverCode = 1 << 28 // bytes of all functions of a program

// solver is a solver with its parameter.
type solver struct {
	kind  solverKind
	width uint32 // solverBits: the number of bits
	zir   *zirFunction
	code  []byte // solverZir: the function as the program file has it
}

// signature returns the numbers of inputs and outputs.
func (s *solver) signature() (inputs, outputs int) {
	switch s.kind {
	case solverZir:
		return len(s.zir.arguments), s.zir.outputs
	case solverBits:
		return 1, int(s.width)
	case solverSha256Round:
		return sha256RoundInputs, sha256RoundOutputs
	}
	fixed := [...][2]int{
		solverConditionEq: {1, 2}, solverDiv: {2, 1}, solverXor: {2, 1}, solverOr: {2, 1},
		solverMajority: {3, 1}, solverChoice: {3, 1}, solverEuclideanDiv: {2, 2},
	}
	return fixed[s.kind][0], fixed[s.kind][1]
}

// solverTable numbers the solvers of a program: those of its section, then
// the others in the order of their first use.
type solverTable struct {
	params *curve.Params
	list   []solver
	shared int                  // solvers of the section, which Ref may name
	simple map[[2]uint32]uint32 // kind and width to number
	code   int                  // bytes of all functions
}

func newSolverTable(params *curve.Params) *solverTable {
	return &solverTable{params: params, simple: map[[2]uint32]uint32{}}
}

// readSection reads the solvers section.
func (t *solverTable) readSection(d *decoder) {
	it := d.array()
	for d.more(&it) {
		v := d.variant(solverNames)
		if v.index != int(solverZir) {
			t.refuse(d, v)
			d.fail("entry of the solvers' table isn't a function")
			return
		}
		t.readFunction(d, v)
	}
	if d.err == nil && !d.done() {
		d.fail("bytes follow the last solver")
	}
	t.shared = len(t.list)
}

// readFunction reads the content of a Zir solver into a new entry.
func (t *solverTable) readFunction(d *decoder, v variant) uint32 {
	d.newtype(v)
	from := d.offset()
	f := readZir(d, t.params)
	to := d.offset()
	d.endVariant(v)
	if t.code += int(to - from); t.code > maxSolverCode {
		d.fail("solvers are larger than %d bytes", maxSolverCode)
	}
	if d.err != nil {
		return 0
	}
	code := make([]byte, to-from)
	if _, err := d.src.ReadAt(code, from); err != nil {
		d.failWith(fault.Wrap(err, fault.Internal, "read program"))
	}
	t.list = append(t.list, solver{kind: solverZir, zir: f, code: code})
	return uint32(len(t.list) - 1)
}

var solverRefFields = allOf("reference to a solver", "index", "signature")

// read reads the solver of a directive and returns its number.
func (t *solverTable) read(d *decoder) uint32 {
	v := d.variant(solverNames)
	switch {
	case v.index == int(solverZir):
		return t.readFunction(d, v)
	case v.index == solverRefName:
		d.newtype(v)
		i := t.readRef(d)
		d.endVariant(v)
		return i
	case v.index < 0 || v.index == solverSnarkVerifyName:
		t.refuse(d, v)
		return 0
	}
	s := solver{kind: solverKind(v.index)}
	if s.kind == solverBits {
		d.newtype(v)
		s.width = uint32(d.uint(math.MaxUint32))
		d.endVariant(v)
	} else {
		d.unit(v)
	}
	if s.kind == solverSha256Round && t.params.ID != curve.BN128 {
		d.failWith(fault.New(fault.Unsupported, "read program: the SHA-256 solver exists on bn128 only"))
	}
	return t.number(s)
}

func (t *solverTable) number(s solver) uint32 {
	key := [2]uint32{uint32(s.kind), s.width}
	i, ok := t.simple[key]
	if !ok {
		i = uint32(len(t.list))
		t.simple[key] = i
		t.list = append(t.list, s)
	}
	return i
}

func (t *solverTable) readRef(d *decoder) uint32 {
	var index uint64
	var signature []int
	d.structure(&solverRefFields, func(field int) {
		if field == 0 {
			index = d.uint(math.MaxUint32)
			return
		}
		it := d.array()
		for d.more(&it) && len(signature) < 3 {
			signature = append(signature, int(d.uint(math.MaxUint32)))
		}
	})
	if d.err != nil {
		return 0
	}
	if index >= uint64(t.shared) {
		d.fail("reference to a solver that the program lacks")
		return 0
	}
	in, out := t.list[index].signature()
	if len(signature) != 2 || signature[0] != in || signature[1] != out {
		d.fail("reference to a solver with another signature")
	}
	return uint32(index)
}

func (t *solverTable) refuse(d *decoder, v variant) {
	if d.err == nil && v.index == solverSnarkVerifyName {
		d.failWith(fault.New(fault.Unsupported,
			"read program: it verifies a proof on BLS12-377 (snark_verify_bls12_377), for which there is no native witness solver"))
	}
	d.fail("unknown solver")
}

// solverWords is the length of a record in the compact form: kind, width of
// bits, offset and length of the code.
const solverWords = 4

// sections returns the table as container sections base and base+1.
func (t *solverTable) sections(base uint32) []container.Section {
	var records []uint32
	var code []byte
	for _, s := range t.list {
		records = append(records, uint32(s.kind), s.width, uint32(len(code)), uint32(len(s.code)))
		code = append(code, s.code...)
	}
	return []container.Section{{ID: base, Data: container.Bytes(records)}, {ID: base + 1, Data: code}}
}

// openSolvers reads what sections made.
func openSolvers(f *container.File, base uint32, params *curve.Params) (*solverTable, error) {
	records, err := container.Words[uint32](f, base)
	if err != nil {
		return nil, err
	}
	code, err := f.Section(base + 1)
	if err != nil {
		return nil, err
	}
	t := &solverTable{params: params}
	window := make([]byte, 2*maxMessage)
	for ; len(records) >= solverWords; records = records[solverWords:] {
		s := solver{kind: solverKind(records[0]), width: records[1]}
		from, to := uint64(records[2]), uint64(records[2])+uint64(records[3])
		if s.kind >= numSolverKinds || to > uint64(len(code)) {
			return nil, damaged("table of solvers is out of range")
		}
		if s.kind == solverZir {
			if s.zir, err = parseZir(code[from:to], params, window); err != nil {
				return nil, err
			}
			s.code = code[from:to:to]
		}
		t.list = append(t.list, s)
	}
	if len(records) != 0 {
		return nil, damaged("table of solvers has a wrong length")
	}
	return t, nil
}
