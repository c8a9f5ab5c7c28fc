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

	"provery/internal/wasmcode"
)

const (
	stepsPerPoll = 4096
	straightStep = 1024
	// shortBytes is the most that a function has which takes no step, and
	// callBytes what a call of one that is so long counts for in its caller: so
	// that there are at most two calls of such functions to a step. A call of a
	// shorter one counts for less in proportion.
	shortBytes = 2560
	callBytes  = straightStep / 2
)

// Limits of what is given to wazero's translation, which takes no heed of a
// context. What Circom makes of 16 signatures has 310 functions of at most
// 300 KB with 35 local variables, and a twentieth of maxWork.
const (
	// maxLocals is how many local variables a function may have, as in browsers.
	// wazero makes a slice of them, whose length is that of a number in the module.
	maxLocals    = 50_000
	maxFunctions = 1_000_000 // as in browsers
	// maxTableEntries bounds all tables as they begin.
	maxTableEntries = 10_000_000 // as in browsers
	// maxFunctionBytes bounds the memory: wazero holds a function's code in a
	// form that takes a hundred times as much.
	maxFunctionBytes = 7_654_321 // as in browsers
	// maxWork bounds the estimate of functionCode.work, to a few seconds.
	maxWork = 1 << 27
)

// Errors of Instrument.
var (
	ErrNotUnderstood = errors.New("not a module that stop checks can be added to")
	ErrTooLarge      = errors.New("too many functions, local variables, blocks, or loops for the module's length")
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

// instrumenter rewrites one module. What it adds comes last in each of the
// module's index spaces, so that none of the module's own indices changes.
type instrumenter struct {
	types, functions, globals uint32 // of the module itself
	start                     *wasmcode.Section
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
	if i := slices.IndexFunc(sections, func(s wasmcode.Section) bool { return s.ID == wasmcode.SectionStart }); i >= 0 {
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
func splitSections(module []byte) ([]wasmcode.Section, error) {
	found, ok := wasmcode.Sections(module)
	if !ok {
		return nil, ErrNotUnderstood
	}
	var sections []wasmcode.Section
	seen := map[byte]bool{}
	for _, s := range found {
		for _, id := range []byte{wasmcode.SectionGlobal, wasmcode.SectionExport} {
			if s.ID > id && !seen[id] {
				seen[id] = true
				sections = append(sections, wasmcode.Section{ID: id, Body: []byte{0}})
			}
		}
		if seen[s.ID] && s.ID != wasmcode.SectionCustom { // one that was missing where it belongs
			return nil, ErrNotUnderstood
		}
		seen[s.ID] = true
		sections = append(sections, s)
	}
	for _, id := range []byte{wasmcode.SectionType, wasmcode.SectionFunction, wasmcode.SectionMemory, wasmcode.SectionCode} {
		if !seen[id] {
			return nil, ErrNotUnderstood
		}
	}
	return sections, nil
}

// rewrite appends a section with what has to be added to it.
func (m *instrumenter) rewrite(s wasmcode.Section) error {
	r := &wasmcode.Reader{Bytes: s.Body}
	switch s.ID {
	case wasmcode.SectionType:
		m.types = r.Items(r.FunctionType)
		return m.extend(s, r, []byte{0x60, 0, 0})
	case wasmcode.SectionImport:
		m.functions += r.Items(r.ImportedFunction)
		return m.extend(s, r)
	case wasmcode.SectionFunction:
		m.functions += r.Items(r.Index)
		return m.extend(s, r, wasmcode.AppendULEB(nil, m.types))
	case wasmcode.SectionTable:
		entries := uint64(0)
		r.Items(func() {
			r.ValueType()
			maximum := r.U32()
			entries += uint64(r.U32())
			if maximum != 0 {
				r.U32()
			}
		})
		if entries > maxTableEntries {
			return ErrTooLarge
		}
	case wasmcode.SectionMemory:
		if r.U32() != 1 {
			return ErrNotUnderstood
		}
	case wasmcode.SectionGlobal:
		m.globals = r.Items(r.Global)
		steps := append(wasmcode.AppendULEB([]byte{wasmcode.TypeI32, 1, wasmcode.OpI32Const}, stepsPerPoll), wasmcode.OpEnd)
		return m.extend(s, r, steps, []byte{wasmcode.TypeI32, 1, wasmcode.OpI32Const, 0, wasmcode.OpEnd})
	case wasmcode.SectionExport:
		return m.exports(s, r)
	case wasmcode.SectionStart:
		return nil
	case wasmcode.SectionCode:
		return m.code(r)
	}
	m.emit(s.ID, s.Body)
	return nil
}

// extend appends a section that r has read, with more items.
func (m *instrumenter) extend(s wasmcode.Section, r *wasmcode.Reader, more ...[]byte) error {
	if !r.Whole() {
		return ErrNotUnderstood
	}
	r = &wasmcode.Reader{Bytes: s.Body}
	count := r.U32() + uint32(len(more))
	m.emit(s.ID, slices.Concat(wasmcode.AppendULEB(nil, count), s.Body[r.Pos:], slices.Concat(more...)))
	return nil
}

func (m *instrumenter) emit(id byte, body []byte) { m.out = wasmcode.AppendSection(m.out, id, body) }

// exports adds the global, and the function that the start section names.
func (m *instrumenter) exports(s wasmcode.Section, r *wasmcode.Reader) error {
	taken := map[string]bool{}
	r.Items(func() {
		taken[r.Name()] = true
		r.Skip(1) // kind
		r.U32()
	})
	export := func(name string, kind byte, index uint32) (string, []byte) {
		for i := 0; taken[name]; i++ {
			name = fmt.Sprintf("%s.%d", name, i)
		}
		entry := append(wasmcode.AppendULEB(nil, uint32(len(name))), name...)
		return name, wasmcode.AppendULEB(append(entry, kind), index)
	}
	var stop, start []byte
	m.result.Stop, stop = export("provery.stop", wasmcode.KindGlobal, m.globals+1)
	if m.start == nil {
		return m.extend(s, r, stop)
	}
	named := &wasmcode.Reader{Bytes: m.start.Body}
	index := named.U32()
	if !named.Whole() {
		return ErrNotUnderstood
	}
	m.result.Start, start = export("provery.start", wasmcode.KindFunction, index)
	return m.extend(s, r, stop, start)
}

// code adds steps to every function, and the function that polls.
func (m *instrumenter) code(r *wasmcode.Reader) error {
	steps, stop := wasmcode.AppendULEB(nil, m.globals), wasmcode.AppendULEB(nil, m.globals+1)
	get := func(global []byte) []byte { return append([]byte{wasmcode.OpGlobalGet}, global...) }
	set := func(global []byte) []byte { return append([]byte{wasmcode.OpGlobalSet}, global...) }
	poll := wasmcode.AppendULEB([]byte{wasmcode.OpCall}, m.functions)
	step := slices.Concat(
		get(steps), []byte{wasmcode.OpI32Const, 1, wasmcode.OpI32Sub}, set(steps), get(steps),
		[]byte{wasmcode.OpI32Eqz, wasmcode.OpIf, wasmcode.TypeNone}, poll, []byte{wasmcode.OpEnd})
	pollBody := slices.Concat([]byte{0}, // no locals
		wasmcode.AppendULEB([]byte{wasmcode.OpI32Const}, stepsPerPoll), set(steps),
		[]byte{wasmcode.OpI32Const, 0, wasmcode.OpMemoryGrow, 0, wasmcode.OpDrop},
		get(stop), []byte{wasmcode.OpIf, wasmcode.TypeNone, wasmcode.OpUnreachable, wasmcode.OpEnd, wasmcode.OpEnd})

	if ahead := *r; ahead.U32() > maxFunctions {
		return ErrTooLarge
	}
	var entries [][]byte
	r.Items(func() { entries = append(entries, r.Take(r.U32())) })
	if !r.Whole() {
		return ErrNotUnderstood
	}
	callee := m.callees(entries)
	bodies := wasmcode.AppendULEB(nil, uint32(len(entries))+1)
	var body []byte
	work := uint64(0)
	for _, entry := range entries {
		f := &functionCode{Reader: wasmcode.Reader{Bytes: entry}, globals: m.globals, step: step, poll: poll, callee: callee}
		body = f.rewrite(body[:0], m.limit-len(m.out)-len(bodies))
		work += f.work()
		switch {
		case f.Bad:
			return ErrNotUnderstood
		case body == nil, len(body) > maxFunctionBytes, work > maxWork:
			return ErrTooLarge
		}
		bodies = append(wasmcode.AppendULEB(bodies, uint32(len(body))), body...)
	}
	m.emit(wasmcode.SectionCode, append(wasmcode.AppendULEB(bodies, uint32(len(pollBody))), pollBody...))
	return nil
}

// callees returns what tells the bytes that a call counts for: those of a short
// function in the same measure in which callBytes stands for the longest of them,
// none of a function that takes a step of its own, and callBytes of an imported
// one.
func (m *instrumenter) callees(entries [][]byte) func(index uint32) int {
	imported := m.functions - uint32(len(entries))
	counts := make([]int, len(entries))
	for i, entry := range entries {
		f := &functionCode{Reader: wasmcode.Reader{Bytes: entry}, globals: m.globals}
		f.readLocals()
		if f.isShort() {
			counts[i] = (len(entry)*callBytes + shortBytes - 1) / shortBytes
		}
	}
	return func(index uint32) int {
		if i := int64(index) - int64(imported); i >= 0 && i < int64(len(counts)) {
			return counts[i]
		}
		return callBytes
	}
}
