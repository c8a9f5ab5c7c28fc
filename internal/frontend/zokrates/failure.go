package zokrates

import (
	"fmt"
	"math"

	"provery/internal/container"
	"provery/internal/fault"
)

// failureKind tells what an unsatisfied constraint means. The kinds are those
// of the compiler, in an order of our own that the compact form depends on:
// append only.
type failureKind uint32

const (
	failureNone failureKind = iota
	failureAssertion
	failureAssembly
	failureInverse
	failureSelectRange
	failureArgumentBitness
	failureIncompleteRange
	failureDivisionByZero
	failureOther // a gadget's own constraint, named by the message
)

// failureTexts describe the kinds. failureOther's is a format for the name.
var failureTexts = [...]string{
	failureNone:            "a constraint isn't satisfied",
	failureAssertion:       "assertion failed",
	failureAssembly:        "a constraint of an assembly block isn't satisfied",
	failureInverse:         "division by zero",
	failureSelectRange:     "array index out of bounds",
	failureArgumentBitness: "an argument isn't in the range of its type",
	failureIncompleteRange: "field elements are too large to be compared",
	failureDivisionByZero:  "division by zero",
	failureOther:           "the constraint of a built-in operation (%s) isn't satisfied",
}

// The compiler's names, unit variants first.
var failureNames = []string{
	"Inverse", "SelectRangeCheck", "ArgumentBitness", "IncompleteDynamicRange", "DivisionByZero",
	"BellmanConstraint", "BellmanOneBinding", "BellmanInputBinding", "ArkConstraint", "ArkOneBinding", "ArkInputBinding",
	"Bitness", "Sum", "Equal", "Le", "BranchIsolation", "ConstantLtBitness", "ConstantLtSum", "LtSum", "LtSymetric",
	"Or", "Xor", "Euclidean", "ShaXor", "Division",
	"SourceAssertion", "SourceAssemblyConstraint",
}

const (
	firstOtherName  = 5 // of failureNames: those below have a kind of their own
	firstSourceName = 25
)

// description says what a failure means and where in the source it is.
type description struct {
	kind         failureKind
	file         string
	line, column uint32
	message      string
	hasMessage   bool
}

// fault returns the failure as an error. Its text comes from the program, never
// from arguments.
func (s *description) fault() *fault.Error {
	text := failureTexts[failureNone]
	if int(s.kind) < len(failureTexts) {
		text = failureTexts[s.kind]
	}
	switch {
	case s.kind == failureOther:
		text = fmt.Sprintf(text, s.message)
	case s.message != "":
		text += ": " + s.message
	}
	err := fault.New(fault.UnsatisfiedWitness, "%s", text)
	if s.file != "" || s.line > 0 {
		err.Position = &fault.Position{File: s.file, Line: int(s.line), Column: int(s.column)}
	}
	return err
}

var (
	sourceFields   = allOf("assertion's source", "file", "position", "message")
	positionFields = allOf("position", "line", "col")
)

const maxMessage = 1 << 16 // bytes of an assertion's message and of a file name

// readDescription reads a RuntimeError, or null.
func readDescription(d *decoder) description {
	if d.null() {
		return description{}
	}
	v := d.variant(failureNames)
	switch {
	case v.index < 0:
		d.fail("unknown kind of run-time error")
		return description{}
	case v.index < firstOtherName:
		d.unit(v)
		return description{kind: failureInverse + failureKind(v.index)}
	case v.index < firstSourceName:
		d.unit(v)
		return description{kind: failureOther, message: failureNames[v.index], hasMessage: true}
	}
	d.newtype(v)
	s := description{kind: failureAssertion + failureKind(v.index-firstSourceName)}
	d.structure(&sourceFields, func(field int) {
		switch {
		case field == 0:
			s.file = readString(d, maxMessage)
		case field == 1:
			d.structure(&positionFields, func(field int) {
				*[2]*uint32{&s.line, &s.column}[field] = uint32(d.uint(math.MaxUint32))
			})
		case !d.null():
			s.message, s.hasMessage = readString(d, maxMessage), true
		}
	})
	d.endVariant(v)
	return s
}

func readString(d *decoder, limit int) string {
	b := d.text()
	if len(b) > limit {
		d.fail("text of %d bytes is too long", len(b))
		return ""
	}
	return string(b)
}

// failureTable holds the description of each constraint's failure: an index
// by constraint into distinct descriptions, whose texts are shared too.
type failureTable struct {
	byConstraint []uint32 // index of a record
	records      []uint32 // failureWords each: kind, file, line, column, message + 1 or 0
	texts        textTable
}

const failureWords = 5

// at returns the description of constraint i.
func (t *failureTable) at(i int) *description {
	rec := t.records[failureWords*int(t.byConstraint[i]):]
	s := &description{kind: failureKind(rec[0]), file: t.texts.at(rec[1]), line: rec[2], column: rec[3]}
	if rec[4] > 0 {
		s.message, s.hasMessage = t.texts.at(rec[4]-1), true
	}
	return s
}

// validate checks every index for numConstraints constraints.
func (t *failureTable) validate(numConstraints int) error {
	if len(t.byConstraint) != numConstraints || len(t.records)%failureWords != 0 {
		return damaged("table of assertions has a wrong length")
	}
	if err := t.texts.validate(); err != nil {
		return err
	}
	records, texts := uint32(len(t.records)/failureWords), uint32(t.texts.len())
	for _, i := range t.byConstraint {
		if i >= records {
			return damaged("table of assertions is out of range")
		}
	}
	for rec := range records {
		r := t.records[failureWords*rec:]
		if r[0] > uint32(failureOther) || r[1] >= texts || r[4] > texts {
			return damaged("table of assertions is out of range")
		}
	}
	return nil
}

// textTable holds strings: text i is bytes[starts[i]:starts[i+1]].
type textTable struct {
	starts []uint32
	bytes  []byte
}

func (t *textTable) len() int { return max(len(t.starts)-1, 0) }

func (t *textTable) at(i uint32) string { return string(t.bytes[t.starts[i]:t.starts[i+1]]) }

func (t *textTable) validate() error {
	if len(t.starts) == 0 || t.starts[0] != 0 || int(t.starts[len(t.starts)-1]) != len(t.bytes) {
		return damaged("table of texts has a wrong length")
	}
	for i := 1; i < len(t.starts); i++ {
		if t.starts[i] < t.starts[i-1] {
			return damaged("table of texts overlaps")
		}
	}
	return nil
}

// failureBuilder collects a failureTable.
type failureBuilder struct {
	table   failureTable
	records map[description]uint32
	texts   map[string]uint32
}

func newFailureBuilder() *failureBuilder {
	b := &failureBuilder{records: map[description]uint32{}, texts: map[string]uint32{}}
	b.table.texts.starts = []uint32{0}
	return b
}

// add appends the description of the next constraint.
func (b *failureBuilder) add(s description) {
	i, ok := b.records[s]
	if !ok {
		i = uint32(len(b.records))
		b.records[s] = i
		message := uint32(0)
		if s.hasMessage {
			message = b.text(s.message) + 1
		}
		b.table.records = append(b.table.records, uint32(s.kind), b.text(s.file), s.line, s.column, message)
	}
	b.table.byConstraint = append(b.table.byConstraint, i)
}

func (b *failureBuilder) text(s string) uint32 {
	i, ok := b.texts[s]
	if !ok {
		i = uint32(len(b.texts))
		b.texts[s] = i
		t := &b.table.texts
		t.bytes = append(t.bytes, s...)
		t.starts = append(t.starts, uint32(len(t.bytes)))
	}
	return i
}

// sections returns the table as container sections from base on, and
// openFailures reads it back.
func (t *failureTable) sections(base uint32) []container.Section {
	return []container.Section{
		{ID: base, Data: container.Bytes(t.byConstraint)},
		{ID: base + 1, Data: container.Bytes(t.records)},
		{ID: base + 2, Data: container.Bytes(t.texts.starts)},
		{ID: base + 3, Data: t.texts.bytes},
	}
}

func openFailures(f *container.File, base uint32, numConstraints int) (t failureTable, err error) {
	if t.byConstraint, err = container.Words[uint32](f, base); err != nil {
		return t, err
	}
	if t.records, err = container.Words[uint32](f, base+1); err != nil {
		return t, err
	}
	if t.texts.starts, err = container.Words[uint32](f, base+2); err != nil {
		return t, err
	}
	if t.texts.bytes, err = f.Section(base + 3); err != nil {
		return t, err
	}
	return t, t.validate(numConstraints)
}

func damaged(text string) error {
	return fault.New(fault.InvalidArtifact, "open program: %s", text)
}
