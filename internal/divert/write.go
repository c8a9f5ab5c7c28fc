package divert

import (
	"slices"

	"provery/internal/wasmcode"
)

// diversion is what is added to a module.
type diversion struct {
	params    uint32
	signature []byte // the parameters' types, with their number
	Target
}

// call returns the instructions that a diverted function begins with. The
// imported function is the last one that is imported.
func (d diversion) call(imported uint32) []byte {
	var code []byte
	for i := range d.params {
		code = wasmcode.AppendULEB(append(code, wasmcode.OpLocalGet), i)
	}
	code = wasmcode.AppendULEB(append(code, wasmcode.OpCall), imported)
	return append(code, wasmcode.OpIf, wasmcode.TypeNone, wasmcode.OpReturn, wasmcode.OpEnd)
}

// writer writes a module in which one more function is imported, so that the
// indices of the module's own functions are greater by one.
type writer struct {
	*module
	out []byte
	bad bool // something wasn't understood
}

// moved returns a function's new index.
func (w *writer) moved(index uint32) uint32 {
	if index >= w.imports {
		index++
	}
	return index
}

// rewrite appends a section.
func (w *writer) rewrite(s wasmcode.Section, found map[int]bool, d diversion) {
	body := s.Body
	r := &wasmcode.Reader{Bytes: s.Body}
	switch s.ID {
	case wasmcode.SectionCustom:
		return // names of functions, which don't fit any more
	case wasmcode.SectionType:
		body = longer(r, slices.Concat([]byte{wasmcode.TypeFunction}, d.signature, []byte{1, wasmcode.TypeI32}))
	case wasmcode.SectionImport:
		entry := slices.Concat(name(d.Module), name(d.Name), []byte{wasmcode.KindFunction})
		body = longer(r, wasmcode.AppendULEB(entry, uint32(len(w.types))))
	case wasmcode.SectionGlobal:
		r.Items(func() {
			if r.More() && r.Bytes[r.Pos] <= wasmcode.TypeFunctionRef {
				r.Bad = true // one that refers to a function, or to what isn't known
			}
			r.Global()
		})
	case wasmcode.SectionExport:
		body = w.exports(r)
	case wasmcode.SectionStart:
		body = wasmcode.AppendULEB(nil, w.moved(r.U32()))
	case wasmcode.SectionElement:
		body = w.elements(r)
	case wasmcode.SectionCode:
		body = w.code(found, d.call(w.imports))
	}
	w.bad = w.bad || r.Bad
	w.out = wasmcode.AppendSection(w.out, s.ID, body)
}

func name(s string) []byte { return append(wasmcode.AppendULEB(nil, uint32(len(s))), s...) }

// longer returns a vector that r reads with one more item.
func longer(r *wasmcode.Reader, item []byte) []byte {
	count := r.U32()
	return slices.Concat(wasmcode.AppendULEB(nil, count+1), r.Bytes[r.Pos:], item)
}

func (w *writer) exports(r *wasmcode.Reader) []byte {
	var body []byte
	count := r.Items(func() {
		from := r.Pos
		r.Name()
		kind := r.Byte()
		body = append(body, r.Bytes[from:r.Pos]...)
		index := r.U32()
		if kind == wasmcode.KindFunction {
			index = w.moved(index)
		}
		body = wasmcode.AppendULEB(body, index)
	})
	r.Bad = !r.Whole()
	return append(wasmcode.AppendULEB(nil, count), body...)
}

// elements rewrites segments that are lists of functions for the first table,
// at a place that is a constant.
func (w *writer) elements(r *wasmcode.Reader) []byte {
	var body []byte
	count := r.Items(func() {
		from := r.Pos
		kind, op := r.U32(), r.Byte()
		r.U32() // the place: a constant below 2^31 has one form for signed and unsigned
		if end := r.Byte(); kind != 0 || op != wasmcode.OpI32Const || end != wasmcode.OpEnd {
			r.Bad = true
			return
		}
		body = append(body, r.Bytes[from:r.Pos]...)
		var functions []byte
		n := r.Items(func() { functions = wasmcode.AppendULEB(functions, w.moved(r.U32())) })
		body = append(wasmcode.AppendULEB(body, n), functions...)
	})
	r.Bad = !r.Whole()
	return append(wasmcode.AppendULEB(nil, count), body...)
}

// code rewrites calls, and puts the instructions begin into the functions found.
func (w *writer) code(found map[int]bool, begin []byte) []byte {
	out := wasmcode.AppendULEB(nil, uint32(len(w.bodies)))
	var code []byte
	for i, body := range w.bodies {
		code = code[:0]
		variables := true
		ok := eachInstruction(body, func(in wasmcode.Instruction, b []byte) bool {
			switch {
			case variables:
				variables = false
				code = append(code, b...)
				if found[i] {
					code = append(code, begin...)
				}
			case in.Op == wasmcode.OpCall || in.Op == wasmcode.OpRefFunc:
				code = wasmcode.AppendULEB(append(code, in.Op), w.moved(in.Index))
			default:
				code = append(code, b...)
			}
			return true
		})
		w.bad = w.bad || !ok
		out = append(wasmcode.AppendULEB(out, uint32(len(code))), code...)
	}
	return out
}
