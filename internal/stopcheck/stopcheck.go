// Package stopcheck makes WebAssembly that somebody uploaded stoppable at
// little cost.
//
// Machine code that wazero makes of a module runs until it returns: Go's
// scheduler can't interrupt it, and a garbage collection, which halts every
// goroutine, waits for it with the whole process. So a module is instrumented
// before it is translated: it counts its steps in a global of ours, and each
// stepsPerPoll of them it calls a function of ours. That one leaves the machine
// code, by growing the memory by nothing, which wazero does in Go; and it traps
// if another global is set, which the host sets when it wants the module to
// stop.
//
// A step is the entry of a function, the head of a loop, or straightStep bytes
// of code without either, so that little code runs between two polls. Short
// functions without loops and calls have none: their callers count two calls as
// a step. Instructions whose time depends on their operands poll each time.
package stopcheck

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
)

const (
	stepsPerPoll = 4096
	straightStep = 1024
	// shortBytes is the most that a function has which takes no step, and
	// callBytes what a call counts for in its caller: so that there are at most
	// two calls of such functions to a step.
	shortBytes = 2560
	callBytes  = straightStep / 2
)

// maxLocals is how many local variables a function may have, as in browsers.
// wazero makes a slice of them, whose length is that of a number in the module.
const maxLocals = 50_000

// Errors of Instrument.
var (
	ErrNotUnderstood = errors.New("not a module that stop checks can be added to")
	ErrTooLarge      = errors.New("too many local variables, or loops for the module's length")
)

// Effective tells whether a check sees what another goroutine sets: in machine
// code, which wazero makes on these processors. Its interpreter reads globals
// as Go variables, which no other goroutine may set.
const Effective = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"

// Module is a module with stop checks.
type Module struct {
	Wasm []byte
	// Stop is the name of an exported global, a mutable i32. Once it isn't 0,
	// the module traps as by the instruction unreachable, and so does every
	// later call that takes long.
	Stop string
	// Start is the exported function that the start section named, empty if
	// there was none: it is for the host to call, once it has the global. That
	// it has no parameters and no results isn't checked.
	Start string
}

// Sections of a module, by id.
const (
	sectionCustom    = 0
	sectionType      = 1
	sectionImport    = 2
	sectionFunction  = 3
	sectionMemory    = 5
	sectionGlobal    = 6
	sectionExport    = 7
	sectionStart     = 8
	sectionCode      = 10
	sectionDataCount = 12
)

type section struct {
	id   byte
	body []byte
}

// instrumenter rewrites one module. What it adds comes last in each of the
// module's index spaces, so that none of the module's own indices changes.
type instrumenter struct {
	types, functions, globals uint32 // of the module itself
	start                     *section
	limit                     int // of out's length
	out                       []byte
	result                    Module
}

// Instrument adds stop checks to a module, whose length they at most double,
// but for a mebibyte. It leaves to wazero what that checks in any case. A
// module that wazero accepts, and that has a memory and imports nothing but
// functions, is understood; anything else is ErrNotUnderstood.
func Instrument(wasm []byte) (*Module, error) {
	sections, err := splitSections(wasm)
	if err != nil {
		return nil, err
	}
	m := &instrumenter{limit: 2*len(wasm) + 1<<20, out: make([]byte, 0, len(wasm)+len(wasm)/4)}
	m.out = append(m.out, wasm[:8]...)
	if i := slices.IndexFunc(sections, func(s section) bool { return s.id == sectionStart }); i >= 0 {
		m.start = &sections[i]
	}
	for _, s := range sections {
		if err := m.rewrite(s); err != nil {
			return nil, err
		}
		if len(m.out) > m.limit {
			return nil, ErrTooLarge
		}
	}
	m.result.Wasm = m.out
	return &m.result, nil
}

// splitSections returns a module's sections, with empty ones for those that
// are missing and that have to be added to.
func splitSections(wasm []byte) ([]section, error) {
	r := &reader{b: wasm}
	if string(r.take(8)) != "\x00asm\x01\x00\x00\x00" {
		return nil, ErrNotUnderstood
	}
	var sections []section
	seen := map[byte]bool{}
	for r.more() {
		s := section{id: r.byte()}
		s.body = r.take(r.u32())
		if s.id > sectionDataCount || s.id != sectionCustom && seen[s.id] {
			return nil, ErrNotUnderstood
		}
		for _, id := range []byte{sectionGlobal, sectionExport} {
			if s.id > id && !seen[id] {
				seen[id] = true
				sections = append(sections, section{id, []byte{0}})
			}
		}
		seen[s.id] = true
		sections = append(sections, s)
	}
	if r.bad || !seen[sectionType] || !seen[sectionFunction] || !seen[sectionMemory] || !seen[sectionCode] {
		return nil, ErrNotUnderstood
	}
	return sections, nil
}

// rewrite appends a section with what has to be added to it.
func (m *instrumenter) rewrite(s section) error {
	r := &reader{b: s.body}
	switch s.id {
	case sectionType:
		m.types = r.items(r.functionType)
		return m.extend(s, r, []byte{0x60, 0, 0})
	case sectionImport:
		m.functions += r.items(r.importedFunction)
		return m.extend(s, r)
	case sectionFunction:
		m.functions += r.items(r.index)
		return m.extend(s, r, appendULEB(nil, m.types))
	case sectionMemory:
		if r.u32() != 1 {
			return ErrNotUnderstood
		}
	case sectionGlobal:
		m.globals = r.items(r.global)
		steps := append(appendULEB([]byte{typeI32, 1, opI32Const}, stepsPerPoll), opEnd)
		return m.extend(s, r, steps, []byte{typeI32, 1, opI32Const, 0, opEnd})
	case sectionExport:
		return m.exports(s, r)
	case sectionStart:
		return nil
	case sectionCode:
		return m.code(r)
	}
	m.emit(s.id, s.body)
	return nil
}

// extend appends a section that r has read, with more items.
func (m *instrumenter) extend(s section, r *reader, more ...[]byte) error {
	if !r.whole() {
		return ErrNotUnderstood
	}
	r = &reader{b: s.body}
	count := r.u32() + uint32(len(more))
	m.emit(s.id, slices.Concat(appendULEB(nil, count), s.body[r.pos:], slices.Concat(more...)))
	return nil
}

func (m *instrumenter) emit(id byte, body []byte) {
	m.out = append(appendULEB(append(m.out, id), uint32(len(body))), body...)
}

// exports adds the global, and the function that the start section names.
func (m *instrumenter) exports(s section, r *reader) error {
	taken := map[string]bool{}
	r.items(func() {
		taken[r.name()] = true
		r.skip(1) // kind
		r.u32()
	})
	export := func(name string, kind byte, index uint32) (string, []byte) {
		for i := 0; taken[name]; i++ {
			name = fmt.Sprintf("%s.%d", name, i)
		}
		entry := append(appendULEB(nil, uint32(len(name))), name...)
		return name, appendULEB(append(entry, kind), index)
	}
	var stop, start []byte
	m.result.Stop, stop = export("provery.stop", kindGlobal, m.globals+1)
	if m.start == nil {
		return m.extend(s, r, stop)
	}
	named := &reader{b: m.start.body}
	index := named.u32()
	if !named.whole() {
		return ErrNotUnderstood
	}
	m.result.Start, start = export("provery.start", kindFunction, index)
	return m.extend(s, r, stop, start)
}

// code adds steps to every function, and the function that polls.
func (m *instrumenter) code(r *reader) error {
	steps, stop := appendULEB(nil, m.globals), appendULEB(nil, m.globals+1)
	get := func(global []byte) []byte { return append([]byte{opGlobalGet}, global...) }
	set := func(global []byte) []byte { return append([]byte{opGlobalSet}, global...) }
	poll := appendULEB([]byte{opCall}, m.functions)
	step := slices.Concat(
		get(steps), []byte{opI32Const, 1, opI32Sub}, set(steps), get(steps),
		[]byte{opI32Eqz, opIf, typeNone}, poll, []byte{opEnd})
	pollBody := slices.Concat([]byte{0}, // no locals
		appendULEB([]byte{opI32Const}, stepsPerPoll), set(steps),
		[]byte{opI32Const, 0, opMemoryGrow, 0, opDrop},
		get(stop), []byte{opIf, typeNone, opUnreachable, opEnd, opEnd})

	count := r.u32()
	bodies := appendULEB(nil, count+1)
	var body []byte
	for range count {
		f := &functionCode{reader: reader{b: r.take(r.u32())}, globals: m.globals, step: step, poll: poll}
		body = f.rewrite(body[:0], m.limit-len(m.out)-len(bodies))
		switch {
		case f.bad:
			return ErrNotUnderstood
		case body == nil:
			return ErrTooLarge
		}
		bodies = append(appendULEB(bodies, uint32(len(body))), body...)
	}
	if !r.whole() {
		return ErrNotUnderstood
	}
	m.emit(sectionCode, append(appendULEB(bodies, uint32(len(pollBody))), pollBody...))
	return nil
}
