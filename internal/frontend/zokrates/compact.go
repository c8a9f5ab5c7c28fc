package zokrates

import (
	"encoding/json"
	"math"
	"unsafe"

	"provery/internal/container"
	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/r1cs"
)

// The compact file is a container of this kind.
const (
	fileKind    = "PROG"
	fileVersion = 1
)

// The sections of a compact file. A place is an index into the solver's vector
// of values: the columns of z (the constant, public parameters, outputs,
// private parameters, then variables in the order of their first occurrence in
// a constraint), and after them the variables that occur in no constraint.
// Rows are those of the constraint system's pool; a row with the bit 2^31 is
// one of the auxiliary pool, whose terms may name any place.
//
// A step is a word whose low two bits are the operation and whose rest is an
// argument, with further words for some:
//
//	0 check      the next (argument) constraints must hold
//	1 assign     the next constraint defines the value of place (argument)
//	2 directive  solver (argument); counts of inputs and of outputs; for each
//	             input two rows, whose product it is; for each output a place
//	3 log        log statement (argument); number of rows; rows
//
// Rows are numbered in the order in which the steps read them first, so that a
// solver evaluates each once, knowing only how many it has evaluated.
const (
	sectionHeader     = 1 // u64: frontend, curve, places, outputs, directives
	sectionParameters = 2 // u32: places of the arguments' leaves
	sectionIDs        = 3 // u32: variables' signed numbers in the program file, by place
	sectionSteps      = 4 // u32: instruction stream
	sectionABI        = 5 // JSON
	sectionLogs       = 6 // JSON: array of {parts, types}; absent without logs
	sectionSolvers    = 8 // and 9
	sectionFailures   = 10
	sectionAuxiliary  = 16 // and 17, 18: starts, places, coefficients
	sectionSystem     = 32
)

const (
	headerWords = 5
	// frontendTag is the first word of the header: programs of other
	// front-ends may use the same kind of file.
	frontendTag = 0x736574_61726b6f7a // "zokrates"
)

// sections returns c as sections that share its storage.
func (c *code) sections() []container.Section {
	header := []uint64{frontendTag, uint64(c.system.Curve), uint64(c.places), uint64(c.outputs), uint64(c.directives)}
	coefs := container.Bytes(c.auxiliary.Coef16)
	if c.auxiliary.Coef16 == nil {
		coefs = container.Bytes(c.auxiliary.Coef32)
	}
	out := []container.Section{
		{ID: sectionHeader, Data: container.Bytes(header)},
		{ID: sectionParameters, Data: container.Bytes(c.parameters)},
		{ID: sectionIDs, Data: container.Bytes(unsigned(c.ids))},
		{ID: sectionSteps, Data: container.Bytes(c.steps)},
		{ID: sectionABI, Data: c.abiJSON},
		{ID: sectionAuxiliary, Data: container.Bytes(c.auxiliary.Start)},
		{ID: sectionAuxiliary + 1, Data: container.Bytes(c.auxiliary.Columns)},
		{ID: sectionAuxiliary + 2, Data: coefs},
	}
	if len(c.logs) > 0 {
		text, _ := json.Marshal(c.logs) // strings and valid JSON always can be
		out = append(out, container.Section{ID: sectionLogs, Data: text})
	}
	out = append(out, c.solvers.sections(sectionSolvers)...)
	out = append(out, c.failures.sections(sectionFailures)...)
	return append(out, c.system.Sections(sectionSystem)...)
}

// unsigned and signed view an array of integers as the other kind.
func unsigned(v []int32) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(v))), len(v))
}

func signed(v []uint32) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(v))), len(v))
}

// readHeader returns the words of the header section.
func readHeader(f *container.File) ([]uint64, error) {
	h, err := container.Words[uint64](f, sectionHeader)
	if err != nil {
		return nil, err
	}
	if len(h) != headerWords || h[0] != frontendTag {
		return nil, damaged("not a program of ZoKrates")
	}
	for _, n := range h[1:] {
		if n > math.MaxInt32 {
			return nil, damaged("header is out of range")
		}
	}
	return h, nil
}

// fileCurve returns the curve of a compact file.
func fileCurve(f *container.File) (curve.ID, error) {
	h, err := readHeader(f)
	if err != nil {
		return 0, err
	}
	for _, id := range curve.All() {
		if uint64(id) == h[1] {
			return id, nil
		}
	}
	return 0, fault.New(fault.Unsupported, "open program: unknown curve")
}

// openProgram opens a compact file of size bytes over the field f.
func openProgram[S any](f curve.Field[S], file *container.File, size int64) (frontend.Program, error) {
	h, err := readHeader(file)
	if err != nil {
		return nil, err
	}
	params := f.Params()
	c := &code{places: int(h[2]), outputs: int(h[3]), directives: int(h[4]), size: size}
	if c.system, err = r1cs.FromSections(file, sectionSystem, params); err != nil {
		return nil, err
	}
	if c.solvers, err = openSolvers(file, sectionSolvers, params); err != nil {
		return nil, err
	}
	if c.failures, err = openFailures(file, sectionFailures, c.system.NumConstraints()); err != nil {
		return nil, err
	}
	if err := c.openArrays(file); err != nil {
		return nil, err
	}
	if err := c.openTexts(file); err != nil {
		return nil, err
	}
	return newProgram(f, c)
}

// openArrays views the arrays of words.
func (c *code) openArrays(file *container.File) error {
	var ids []uint32
	var err error
	for _, part := range []struct {
		dst *[]uint32
		id  uint32
	}{
		{&c.parameters, sectionParameters}, {&ids, sectionIDs}, {&c.steps, sectionSteps},
		{&c.auxiliary.Start, sectionAuxiliary}, {&c.auxiliary.Columns, sectionAuxiliary + 1},
	} {
		if *part.dst, err = container.Words[uint32](file, part.id); err != nil {
			return err
		}
	}
	c.ids = signed(ids)
	if c.system.Rows.Coef16 != nil {
		c.auxiliary.Coef16, err = container.Words[uint16](file, sectionAuxiliary+2)
	} else {
		c.auxiliary.Coef32, err = container.Words[uint32](file, sectionAuxiliary+2)
	}
	return err
}

// openTexts parses the ABI and the log statements.
func (c *code) openTexts(file *container.File) error {
	text, err := file.Section(sectionABI)
	if err != nil {
		return err
	}
	if c.abi, err = parseABI(text); err != nil {
		return err
	}
	c.abiJSON = text
	if text, err = file.Section(sectionLogs); err != nil {
		return nil // a program without logs has no such section
	}
	if err := json.Unmarshal(text, &c.logs); err != nil {
		return damaged("log statements aren't valid JSON")
	}
	return nil
}
