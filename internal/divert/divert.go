// Package divert lets the host do the work of a function of a WebAssembly module
// that it knows.
//
// The function is known by its code and that of all functions it calls. It gets
// a beginning that passes its parameters to an imported function: if that
// returns 1, the work is done, and the function returns. If it returns 0, the
// function's own code does the work, as if nothing had been added. So the host
// has to know the common case only, and the module's code stays what defines the
// result.
package divert

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"provery/internal/wasmcode"
)

// Target is a function to divert, and where to. It has no results. The imported
// function has its parameters and returns an i32.
type Target struct {
	Digest       string // as Digests returns it
	Module, Name string // of the import
}

// maxFunctions is how many functions, and items of any other section, a module
// may have, as in browsers: each takes a multiple of its least length here.
const maxFunctions = 1_000_000

// module is a module's parts, as far as they matter here.
type module struct {
	sections  []wasmcode.Section
	types     [][]byte // each without its first byte
	imports   uint32   // of functions
	importing map[string]bool
	functions []uint32 // the types of the module's own functions
	bodies    [][]byte
}

// Apply diverts every function of the target's digest, and reports whether there
// is one. It returns the module as it is if there is none, if the module itself
// imports something from the target's module, and if it isn't as plain as a
// compiler makes it: with one table and a memory of its own, whose functions are
// referred to by calls, exports and elements that fill the table from the start.
func Apply(wasm []byte, t Target) ([]byte, bool) {
	m, ok := parse(wasm)
	if !ok || m.importing[t.Module] {
		return wasm, false
	}
	found := map[int]bool{}
	for i, digest := range m.digests() {
		if digest == t.Digest {
			found[i] = true
		}
	}
	if len(found) == 0 {
		return wasm, false
	}
	out, ok := m.divert(found, t)
	if !ok {
		return wasm, false
	}
	return out, true
}

// Digests returns a digest of each of the module's own functions, in order, and
// of all that it calls: of their types, variables and instructions, whatever
// their indices. A function whose code refers to more than that has none: one
// that calls a later function, an imported one or one by a table, or that uses a
// global or an instruction of the later versions of WebAssembly. Of a module that
// isn't understood, there are no digests.
func Digests(wasm []byte) []string {
	m, ok := parse(wasm)
	if !ok {
		return nil
	}
	return m.digests()
}

func parse(wasm []byte) (*module, bool) {
	m := &module{importing: map[string]bool{}}
	var ok bool
	if m.sections, ok = wasmcode.Sections(wasm); !ok {
		return nil, false
	}
	// Order is what the sections of a module have; wazero takes others as well.
	last := byte(0)
	for _, s := range m.sections {
		r := &wasmcode.Reader{Bytes: s.Body}
		if count := (&wasmcode.Reader{Bytes: s.Body}).U32(); s.ID != wasmcode.SectionCustom && count > maxFunctions {
			return nil, false
		}
		switch s.ID {
		case wasmcode.SectionType:
			r.Items(func() {
				from := r.Pos
				r.FunctionType()
				m.types = append(m.types, r.Bytes[min(from+1, r.Pos):r.Pos])
			})
		case wasmcode.SectionImport:
			m.imports = r.Items(func() {
				from := r.Pos
				m.importing[r.Name()] = true
				r.Pos = from
				r.ImportedFunction()
			})
		case wasmcode.SectionFunction:
			r.Items(func() { m.functions = append(m.functions, r.U32()) })
		case wasmcode.SectionCode:
			r.Items(func() { m.bodies = append(m.bodies, r.Take(r.U32())) })
		case wasmcode.SectionDataCount, wasmcode.SectionCustom:
			continue // the one comes before the code, the others anywhere
		default:
			r.Skip(uint32(len(r.Bytes)))
		}
		if !r.Whole() || s.ID <= last {
			return nil, false
		}
		last = s.ID
	}
	for _, t := range m.functions {
		if t >= uint32(len(m.types)) {
			return nil, false
		}
	}
	return m, len(m.bodies) == len(m.functions) && m.imports > 0
}

// digests returns what Digests does.
func (m *module) digests() []string {
	out := make([]string, len(m.bodies))
	var code []byte
	for i, body := range m.bodies {
		code = append(code[:0], m.types[m.functions[i]]...)
		ok := eachInstruction(body, func(in wasmcode.Instruction, b []byte) bool {
			switch in.Op {
			case wasmcode.OpCallIndirect, wasmcode.OpRefFunc, wasmcode.OpGlobalGet, wasmcode.OpGlobalSet,
				wasmcode.OpTableGet, wasmcode.OpTableSet, wasmcode.OpMisc, wasmcode.OpVector:
				return false
			case wasmcode.OpBlock, wasmcode.OpLoop, wasmcode.OpIf:
				if b[1] < wasmcode.TypeNone || b[1] >= 0x80 { // an index of a type
					return false
				}
			case wasmcode.OpCall:
				callee := int64(in.Index) - int64(m.imports)
				if callee < 0 || callee >= int64(i) || out[callee] == "" {
					return false
				}
				code = append(append(code, wasmcode.OpCall), out[callee]...)
				return true
			}
			code = append(code, b...)
			return true
		})
		if ok {
			sum := sha256.Sum256(code)
			out[i] = hex.EncodeToString(sum[:])
		}
	}
	return out
}

// eachInstruction calls f with the bytes of a body's variables, as if they were
// an instruction of opcode 0, and with those of each instruction, until f returns
// false. It reports whether it got to the end.
func eachInstruction(body []byte, f func(wasmcode.Instruction, []byte) bool) bool {
	r := &wasmcode.Reader{Bytes: body}
	r.Items(func() {
		r.U32()
		r.ValueType()
	})
	if r.Bad || !f(wasmcode.Instruction{}, body[:r.Pos]) {
		return false
	}
	for r.More() {
		from := r.Pos
		in := r.Instruction()
		if r.Bad || !f(in, body[from:r.Pos]) {
			return false
		}
	}
	return r.Whole()
}

// divert returns the module with the functions of the indices diverted.
func (m *module) divert(found map[int]bool, t Target) ([]byte, bool) {
	signature := m.types[m.functions[slices.Min(slices.Collect(maps.Keys(found)))]]
	r := &wasmcode.Reader{Bytes: signature}
	params := r.Items(r.ValueType)
	if results := r.U32(); results != 0 || r.Bad {
		return nil, false
	}
	w := &writer{module: m, out: []byte(wasmcode.Header)}
	for _, s := range m.sections {
		w.rewrite(s, found, diversion{params, signature[:len(signature)-1], t})
	}
	return w.out, !w.bad
}
