package stopcheck

import "provery/internal/wasmcode"

// functionCode is a function's entry in the code section.
type functionCode struct {
	wasmcode.Reader
	globals    uint32 // that the module has
	step, poll []byte // instructions to put in
}

// rewrite appends the entry with steps and polls to out. It returns nil if that
// has more than limit bytes, or the function too many local variables.
func (f *functionCode) rewrite(out []byte, limit int) []byte {
	locals := uint64(0)
	f.Items(func() {
		locals += uint64(f.U32())
		f.ValueType()
	})
	if locals > maxLocals {
		return nil
	}
	if f.isShort() {
		return append(out, f.Bytes...)
	}
	out = append(append(out, f.Bytes[:f.Pos]...), f.step...)
	last := f.Pos // where the last step was put
	for f.More() && len(out) <= limit {
		from := f.Pos
		i := f.instruction()
		if i.Op == wasmcode.OpCall || i.Op == wasmcode.OpCallIndirect {
			last -= callBytes // for what it calls, if that is short
		}
		switch {
		case i.Long:
			out, last = append(out, f.poll...), from
		case f.Pos-last > straightStep:
			out, last = append(out, f.step...), from
		}
		out = append(out, f.Bytes[from:f.Pos]...)
		if i.Op == wasmcode.OpLoop {
			out, last = append(out, f.step...), f.Pos
		}
	}
	if len(out) > limit {
		return nil
	}
	return out
}

// isShort reads the code of a function ahead, and reports whether it ends soon
// whatever it does: it has little code, no loop, no call, and no instruction that
// takes long. Such functions, which field arithmetic is made of, have no steps of
// their own; their callers count more for a call.
func (f *functionCode) isShort() bool {
	ahead := *f
	if len(ahead.Bytes) > shortBytes {
		return false
	}
	for ahead.More() {
		i := ahead.instruction()
		if i.Long {
			return false
		}
		switch i.Op {
		case wasmcode.OpLoop, wasmcode.OpCall, wasmcode.OpCallIndirect, wasmcode.OpMemoryGrow:
			return false
		}
	}
	return !ahead.Bad
}

// instruction reads one.
func (f *functionCode) instruction() wasmcode.Instruction {
	i := f.Instruction()
	if (i.Op == wasmcode.OpGlobalGet || i.Op == wasmcode.OpGlobalSet) && i.Index >= f.globals { // one of those that are added
		f.Bad = true
	}
	return i
}
