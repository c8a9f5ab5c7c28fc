package zokrates

import (
	"math"

	"provery/internal/fault"
	"provery/internal/r1cs"
)

// maxIndex bounds slots, rows and counts, so that an operation code fits
// beside them into a word.
const maxIndex = r1cs.MaxRows

const noColumn = math.MaxUint32

// variables numbers a program's variables. A slot is a number in the order of
// first appearance in the file; a column is the place in the full assignment
// z, which only parameters, outputs and variables of constraints have.
type variables struct {
	slots    map[int32]uint32 // by the file's signed number
	ids      []int32          // by slot
	assigned []bool           // by slot: has a value at this point of the program
	columns  []uint32         // by slot: noColumn until there is one
	// Columns: the constant, public parameters, outputs, private
	// parameters, others.
	firstOutput, outputs int
	seenOutputs          int
	next                 uint32 // the next free column
}

// newVariables starts with the constant and the parameters.
func newVariables(parameters []parameter, outputs int) *variables {
	v := &variables{slots: map[int32]uint32{}, outputs: outputs}
	v.add(0, 0)
	public := uint32(1)
	for _, p := range parameters {
		if !p.private {
			public++
		}
	}
	v.firstOutput = int(public)
	v.next = public + uint32(outputs)
	public = 1
	for _, p := range parameters {
		if p.private {
			v.add(p.id, v.next)
			v.next++
		} else {
			v.add(p.id, public)
			public++
		}
	}
	return v
}

// add adds an assigned variable with its column.
func (v *variables) add(id int32, column uint32) {
	slot := v.slot(id)
	v.assigned[slot], v.columns[slot] = true, column
}

// slot returns the slot of the variable id, a new one at its first appearance.
func (v *variables) slot(id int32) uint32 {
	s, ok := v.slots[id]
	if !ok {
		s = uint32(len(v.ids))
		v.slots[id] = s
		v.ids = append(v.ids, id)
		v.assigned = append(v.assigned, false)
		v.columns = append(v.columns, noColumn)
	}
	return s
}

// place gives the variable of slot, which occurs in a constraint, its column.
// Outputs must occur in the order of their numbers: the proof's public inputs
// are in that order.
func (v *variables) place(slot uint32) error {
	if v.columns[slot] != noColumn {
		return nil
	}
	id := v.ids[slot]
	if id > 0 {
		v.columns[slot] = v.next
		v.next++
		return nil
	}
	output := int(-(id + 1))
	if output != v.seenOutputs || output >= v.outputs {
		return fault.New(fault.InvalidArtifact, "read program: output %d occurs out of order, or the program has no such output", output)
	}
	v.seenOutputs++
	v.columns[slot] = uint32(v.firstOutput + output)
	return nil
}

// finish gives the variables without a column the places after z, and returns
// the number of columns and the identifiers of all, by place.
func (v *variables) finish() (numColumns int, ids []int32, err error) {
	if v.seenOutputs != v.outputs {
		return 0, nil, fault.New(fault.InvalidArtifact, "read program: output %d occurs in no constraint", v.seenOutputs)
	}
	numColumns = int(v.next)
	for slot, c := range v.columns {
		if c == noColumn {
			v.columns[slot] = v.next
			v.next++
		}
	}
	ids = make([]int32, v.next)
	for slot, c := range v.columns {
		ids[c] = v.ids[slot]
	}
	return numColumns, ids, nil
}

// parameter is one field element of the program's arguments.
type parameter struct {
	id      int32
	private bool
}

var (
	parameterFields = allOf("parameter", "id", "private")
	variableFields  = allOf("variable", "id")
)

// readParameters reads the parameters section.
func readParameters(d *decoder) []parameter {
	var out []parameter
	seen := map[int32]bool{}
	it := d.array()
	for d.more(&it) {
		var p parameter
		d.structure(&parameterFields, func(field int) {
			if field == 0 {
				p.id = readVariable(d)
			} else {
				p.private = d.bool()
			}
		})
		if d.err == nil && (p.id <= 0 || seen[p.id]) {
			d.fail("parameter is a constant, an output or a repetition")
		}
		seen[p.id] = true
		out = append(out, p)
	}
	if d.err == nil && !d.done() {
		d.fail("bytes follow the last parameter")
	}
	return out
}

// readVariable reads a variable's signed number.
func readVariable(d *decoder) (id int32) {
	d.structure(&variableFields, func(int) {
		major, n, _ := d.head()
		if d.err == nil && (major > majorNegative || n >= math.MaxInt32) {
			d.fail("variable's number isn't an integer, or too large")
		}
		if id = int32(n); major == majorNegative {
			id = -1 - int32(n)
		}
	})
	return id
}
